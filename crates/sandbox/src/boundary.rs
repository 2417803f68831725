//! The translation of what a component hands over, for the fuzz target of that name. There is none of it in a server.

use crate::{
    bindings::imports::{db, types},
    conversion::{
        failure_in, failure_out, headers_in, headers_out, payload_in, payload_out, value_in, value_out,
    },
};

/// Headers that are taken are given back as they are taken.
pub fn headers(headers: Vec<(String, String)>) {
    let headers = headers.into_iter().map(|(name, value)| types::Header { name, value }).collect();
    if let Ok(taken) = headers_in(headers) {
        assert_eq!(headers_in(headers_out(&taken)), Ok(taken));
    }
}

/// A failure of whatever kind is one of the api, has something to say, and goes out as what it is.
pub fn failure(
    kind: String,
    message: String,
    fault: (String, String, String, String),
    after: u64,
    limit: u64,
) {
    let fault = types::Fault { kind: fault.0, place: fault.1, message: fault.2, input: fault.3 };
    let faults = vec![fault];
    let failure = types::Failure { kind, message, faults, retry_after_ms: Some(after), limit: Some(limit) };
    let taken = failure_in(failure);
    assert_eq!(failure_in(failure_out(taken.clone())).kind(), taken.kind());
    assert!(!taken.to_string().is_empty());
}

/// A payload is JSON, or refused.
pub fn payload(text: String) {
    if let Ok(payload) = payload_in(text) {
        assert!(payload.to::<serde_json::Value>().is_ok(), "{}", payload_out(&payload));
    }
}

/// A text for a statement comes back as it is.
pub fn text(text: String) {
    let value = value_out(value_in(db::Value::Text(text.clone())));
    assert!(matches!(value, db::Value::Text(same) if same == text));
}

/// So does a number, with whatever is none.
pub fn real(real: f64) {
    let value = value_out(value_in(db::Value::Real(real)));
    assert!(matches!(value, db::Value::Real(same) if same.to_bits() == real.to_bits()));
}

/// And so do bytes.
pub fn bytes(bytes: Vec<u8>) {
    let value = value_out(value_in(db::Value::Bytes(bytes.clone())));
    assert!(matches!(value, db::Value::Bytes(same) if same == bytes));
}
