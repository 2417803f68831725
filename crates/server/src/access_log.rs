//! One line for each request: at debug level when all is well, so that a busy server formats none.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::request_id::RequestId;

/// Writes the line. The query is left out: people put secrets there.
pub(crate) fn line(id: &RequestId, method: &Method, path: &str, status: StatusCode, took: Duration) {
    macro_rules! write {
        ($level:ident) => {
            tracing::$level!(
                request = %id.0,
                %method,
                path,
                status = status.as_u16(),
                milliseconds = took.as_secs_f64() * 1e3,
                "request"
            )
        };
    }
    match status.as_u16() {
        ..400 => write!(debug),
        400..500 => write!(info),
        500 => write!(error),
        _ => write!(warn),
    }
}
