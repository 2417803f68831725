//! Which web pages may call the API from a browser.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::{rate_limits, request_id};

/// How long a browser may remember what was allowed.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Allows the pages of these origins. One that is no origin is left out, and the log says so.
///
/// Cookies are never allowed: a call is made with a token, which no page sends unasked.
pub(crate) fn layer(origins: &[String]) -> CorsLayer {
    let origins =
        origins.iter().filter_map(|origin| match HeaderValue::from_str(origin.trim_end_matches('/')) {
            Ok(origin) => Some(origin),
            Err(_) => {
                tracing::warn!(
                    origin,
                    "not an origin that can be allowed; write it as `https://example.org`"
                );
                None
            }
        });
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            request_id::HEADER,
            header::ETAG,
            header::CONTENT_RANGE,
            header::RETRY_AFTER,
            rate_limits::POLICY,
            rate_limits::LEFT,
            HeaderName::from_static("x-total-count"),
        ])
        .max_age(REMEMBERED)
}
