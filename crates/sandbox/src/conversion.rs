//! Values of the api as the contract writes them, and back.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use switchboard_api::{Failure, Fault, NewEvent, Payload, Timestamp, Value};

use crate::bindings::imports::{db, types};

pub(crate) fn failure_out(failure: Failure) -> types::Failure {
    let kind = failure.kind().to_owned();
    let mut out = types::Failure {
        kind,
        message: String::new(),
        faults: Vec::new(),
        retry_after_ms: None,
        limit: None,
    };
    out.message = match failure {
        Failure::Invalid { message, faults } => {
            out.faults = faults.into_iter().map(fault_out).collect();
            message
        }
        Failure::RateLimited { message, after } => {
            out.retry_after_ms = Some(milliseconds(after));
            message
        }
        Failure::Unavailable { message, after } => {
            out.retry_after_ms = after.map(milliseconds);
            message
        }
        Failure::TooLarge { message, limit } => {
            out.limit = Some(limit);
            message
        }
        Failure::NotFound { message }
        | Failure::Forbidden { message }
        | Failure::Conflict { message }
        | Failure::TimedOut { message }
        | Failure::Broken { message } => message,
    };
    out
}

pub(crate) fn failure_in(failure: types::Failure) -> Failure {
    let types::Failure { kind, message, faults, retry_after_ms, limit } = failure;
    let after = retry_after_ms.map(Duration::from_millis);
    match kind.as_str() {
        "invalid" => Failure::Invalid { message, faults: faults.into_iter().map(fault_in).collect() },
        "not_found" => Failure::NotFound { message },
        "forbidden" => Failure::Forbidden { message },
        "conflict" => Failure::Conflict { message },
        "too_large" => Failure::TooLarge { message, limit: limit.unwrap_or_default() },
        "rate_limited" => Failure::RateLimited { message, after: after.unwrap_or(Duration::from_secs(1)) },
        "unavailable" => Failure::Unavailable { message, after },
        "timed_out" => Failure::TimedOut { message },
        "broken" => Failure::Broken { message },
        other => Failure::broken(format!("it failed as `{other}`, which is no kind of failure: {message}")),
    }
}

pub(crate) fn fault_out(fault: Fault) -> types::Fault {
    let Fault { kind, loc, msg, input } = fault;
    types::Fault {
        kind,
        place: serde_json::Value::Array(loc).to_string(),
        message: msg,
        input: input.to_string(),
    }
}

fn fault_in(fault: types::Fault) -> Fault {
    let types::Fault { kind, place, message, input } = fault;
    // A place or an input that is no JSON is shown as the text that it is.
    let loc = serde_json::from_str(&place).unwrap_or_else(|_| vec![place.into()]);
    let input = serde_json::from_str(&input).unwrap_or_else(|_| input.into());
    Fault { kind, loc, msg: message, input }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn event_in(event: types::NewEvent) -> Result<NewEvent, Failure> {
    let types::NewEvent { name, subject, data } = event;
    Ok(NewEvent { name, subject, data: payload_in(data)? })
}

pub(crate) fn payload_in(text: String) -> Result<Payload, Failure> {
    Payload::from_text(text)
}

pub(crate) fn payload_out(payload: &Payload) -> String {
    payload.as_str().to_owned()
}

pub(crate) fn moment_out(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

pub(crate) fn value_in(value: db::Value) -> Value {
    match value {
        db::Value::Null => Value::Null,
        db::Value::Boolean(value) => Value::Boolean(value),
        db::Value::Integer(value) => Value::Integer(value),
        db::Value::Real(value) => Value::Real(value),
        db::Value::Text(value) => Value::Text(value),
        db::Value::Bytes(value) => Value::Bytes(value.into()),
    }
}

pub(crate) fn value_out(value: Value) -> db::Value {
    match value {
        Value::Null => db::Value::Null,
        Value::Boolean(value) => db::Value::Boolean(value),
        Value::Integer(value) => db::Value::Integer(value),
        Value::Real(value) => db::Value::Real(value),
        Value::Text(value) => db::Value::Text(value),
        Value::Bytes(value) => db::Value::Bytes(value.into()),
    }
}

/// Headers as the contract writes them: each byte of a value a character.
pub(crate) fn headers_out(headers: &HeaderMap) -> Vec<types::Header> {
    let one = |(name, value): (&HeaderName, &HeaderValue)| types::Header {
        name: name.as_str().to_owned(),
        value: match value.to_str() {
            Ok(text) => text.to_owned(),
            Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
        },
    };
    headers.iter().map(one).collect()
}

/// Headers as a plugin wrote them, or in words which of them is none.
pub(crate) fn headers_in(headers: Vec<types::Header>) -> Result<HeaderMap, String> {
    let too_many = |_| format!("there are {} headers, more than any server takes", headers.len());
    let mut map = HeaderMap::try_with_capacity(headers.len()).map_err(too_many)?;
    for types::Header { name, value } in headers {
        let wrong = |what: &str| format!("header `{}`: its {what} is none", name.escape_debug());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("name"))?;
        let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
        let bytes = bytes.map_err(|_| wrong("value"))?;
        map.append(key, HeaderValue::from_bytes(&bytes).map_err(|_| wrong("value"))?);
    }
    Ok(map)
}
