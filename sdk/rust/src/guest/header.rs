//! Headers as they cross the boundary: each byte of a value a character.

use http::{HeaderMap, HeaderName, HeaderValue};
use switchboard_api::Failure;

use super::bindings::switchboard::plugin::types::Header;

/// Those of the host; what is no header there is left out.
pub(super) fn taken(headers: Vec<Header>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(headers.len());
    for Header { name, value } in headers {
        let bytes = if value.is_ascii() {
            Some(value.into_bytes())
        } else {
            value.chars().map(|character| u8::try_from(character).ok()).collect()
        };
        let value = bytes.and_then(|bytes| HeaderValue::try_from(bytes).ok());
        if let (Ok(name), Some(value)) = (HeaderName::try_from(name), value) {
            map.append(name, value);
        }
    }
    map
}

/// Those for the host.
pub(super) fn given(headers: &HeaderMap) -> Vec<Header> {
    let text = |value: &HeaderValue| match value.to_str() {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    };
    let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
        name: name.as_str().to_owned(),
        value: text(value),
    };
    headers.iter().map(header).collect()
}

/// A status of the host's.
pub(super) fn status(number: u16) -> Result<http::StatusCode, Failure> {
    http::StatusCode::from_u16(number).map_err(|_| {
        Failure::unavailable(format!("the other server answers with {number}, which is no status"))
    })
}
