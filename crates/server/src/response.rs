//! A plugin's answer as the client gets it.

use axum::{body::Body, response::Response};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use switchboard_api::Stop;
use switchboard_manifest::Kind;

use crate::request_id::RequestId;

/// Headers about the connection, which is not a plugin's.
const OF_THE_CONNECTION: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
    HeaderName::from_static("keep-alive"),
];

/// Headers by which a site says who somebody is, or has a browser forget it: not for a plugin of other people to say.
const OF_THE_SITE: [HeaderName; 2] = [header::SET_COOKIE, HeaderName::from_static("clear-site-data")];

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
    plugin: Kind,
    head_only: bool,
    waiting: Waiting,
    id: &RequestId,
) -> Response {
    let (mut headers, length) = (answer.headers, answer.body.length());
    take_away(&OF_THE_CONNECTION, &mut headers);
    if plugin == Kind::External {
        take_away(&OF_THE_SITE, &mut headers);
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

fn take_away(names: &[HeaderName], headers: &mut HeaderMap) {
    if headers.keys().any(|name| names.contains(name)) {
        for name in names {
            headers.remove(name);
        }
    }
}

/// Whether a browser would show it as a page, with scripts.
fn is_page(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let says = |word: &[u8]| content_type.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    says(b"html") || says(b"xml")
}
