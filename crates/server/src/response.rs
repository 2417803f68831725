//! A plugin's answer as the client gets it.

use axum::{body::Body, response::Response};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use switchboard_api::Stop;

use crate::request_id::RequestId;

/// Headers about the connection, which is not a plugin's.
const OF_THE_CONNECTION: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
    HeaderName::from_static("keep-alive"),
];

/// What a page of a plugin may do that says nothing about it: be looked at. Media that somebody uploaded may be one.
const LOOK_ONLY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox");

/// Somebody waits for an answer as long as this lives; then the call's [`Stop`] is set.
#[derive(Debug, Default)]
pub(crate) struct Waiting(pub(crate) Stop);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The answer of a plugin. `Waiting` ends when its last byte was sent, or the client left.
pub(crate) fn response(
    answer: switchboard_api::Response,
    head_only: bool,
    waiting: Waiting,
    id: &RequestId,
) -> Response {
    let (mut headers, length) = (answer.headers, answer.body.length());
    if headers.keys().any(|name| OF_THE_CONNECTION.contains(name)) {
        for name in OF_THE_CONNECTION {
            headers.remove(name);
        }
    }
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    if is_page(&headers) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(LOOK_ONLY);
    }
    let body = match answer.body {
        switchboard_api::Body::Empty => Body::empty(),
        switchboard_api::Body::Whole(bytes) => Body::from(bytes),
        in_pieces => {
            if let Some(length) = length {
                headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
            }
            let id = id.clone();
            let pieces = in_pieces.into_chunks().map(move |piece| {
                let _until_the_end = &waiting;
                piece.inspect_err(|failure| tracing::warn!(request = %id.0, "an answer broke off: {failure}"))
            });
            if head_only { Body::empty() } else { Body::from_stream(pieces) }
        }
    };
    let mut response = Response::new(body);
    if answer.status == StatusCode::NO_CONTENT {
        headers.remove(header::CONTENT_LENGTH);
    }
    *response.status_mut() = answer.status;
    *response.headers_mut() = headers;
    response
}

/// Whether a browser would show it as a page, with scripts.
fn is_page(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let says = |word: &[u8]| content_type.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    says(b"html") || says(b"xml")
}
