//! Failures as they cross the boundary.

use std::time::Duration;

use serde_json::Value as Json;
use switchboard_api::{Failure, Fault};

use super::bindings::switchboard::plugin::types;

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        let kind = failure.kind().to_owned();
        let mut given =
            Self { kind, message: String::new(), faults: Vec::new(), retry_after_ms: None, limit: None };
        given.message = match failure {
            Failure::Invalid { message, faults } => {
                given.faults = faults.into_iter().map(Into::into).collect();
                message
            }
            Failure::TooLarge { message, limit } => {
                given.limit = Some(limit);
                message
            }
            Failure::RateLimited { message, after } => {
                given.retry_after_ms = Some(milliseconds(after));
                message
            }
            Failure::Unavailable { message, after } => {
                given.retry_after_ms = after.map(milliseconds);
                message
            }
            Failure::NotFound { message }
            | Failure::Forbidden { message }
            | Failure::Conflict { message }
            | Failure::TimedOut { message }
            | Failure::Broken { message } => message,
        };
        given
    }
}

impl From<types::Failure> for Failure {
    fn from(given: types::Failure) -> Self {
        let types::Failure { kind, message, faults, retry_after_ms, limit } = given;
        let after = retry_after_ms.map(Duration::from_millis);
        match kind.as_str() {
            "invalid" => Self::Invalid { message, faults: faults.into_iter().map(Into::into).collect() },
            "not_found" => Self::NotFound { message },
            "forbidden" => Self::Forbidden { message },
            "conflict" => Self::Conflict { message },
            "too_large" => Self::TooLarge { message, limit: limit.unwrap_or_default() },
            "rate_limited" => Self::RateLimited { message, after: after.unwrap_or_default() },
            "unavailable" => Self::Unavailable { message, after },
            "timed_out" => Self::TimedOut { message },
            _ => Self::Broken { message },
        }
    }
}

impl From<Fault> for types::Fault {
    fn from(fault: Fault) -> Self {
        let Fault { kind, loc, msg, input } = fault;
        Self { kind, place: Json::Array(loc).to_string(), message: msg, input: input.to_string() }
    }
}

impl From<types::Fault> for Fault {
    fn from(given: types::Fault) -> Self {
        let types::Fault { kind, place, message, input } = given;
        let loc = serde_json::from_str(&place).unwrap_or_default();
        Self { kind, loc, msg: message, input: serde_json::from_str(&input).unwrap_or_default() }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
