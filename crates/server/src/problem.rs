//! What goes wrong, as the client reads it: RFC 9457 problem details, or `{"detail": …}` for existing clients.

use std::{borrow::Cow, time::Duration};

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use switchboard_api::{Failure, Fault};
use switchboard_manifest::{ErrorShape, Method};

use crate::{
    rate_limits::{Limit, whole_seconds},
    request_id::RequestId,
};

/// When to come back, where nobody knows better.
const LATER: Duration = Duration::from_secs(5);

/// Something that went wrong with a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    status: StatusCode,
    /// A stable word, the end of the problem's type.
    kind: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    /// The limit that there were too many for.
    limit: Option<Limit>,
    /// In a box, to keep small what every step of a request may give back.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

#[derive(Serialize)]
struct Details<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    /// As the draft on `RateLimit` names it.
    #[serde(rename = "violated-policies", skip_serializing_if = "Option::is_none")]
    limits: Option<[&'static str; 1]>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, kind, title, detail: detail.into(), faults: Vec::new(), limit: None, header: None }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// The request cannot be understood.
    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "The request cannot be understood", detail)
    }

    /// It is not known who calls.
    pub(crate) fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "It must be known who calls", detail)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// Whether it is that the caller may not do it.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }

    /// The caller may not do it.
    pub(crate) fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// Not now.
    pub(crate) fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now", detail)
            .with(header::RETRY_AFTER, seconds(LATER))
    }

    /// It does not exist, or not for this caller.
    pub(crate) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// The address answers other methods.
    pub(crate) fn other_methods(method: &http::Method, allowed: &[Method]) -> Self {
        let mut names: Vec<String> = allowed.iter().map(Method::to_string).collect();
        if allowed.contains(&Method::Get) {
            names.push("HEAD".to_owned());
        }
        let allowed = names.join(", ");
        let detail = format!("this address does not answer {method}, but {allowed}");
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Another method is needed",
            detail,
        );
        match HeaderValue::from_str(&allowed) {
            Ok(allowed) => problem.with(header::ALLOW, allowed),
            Err(_) => problem,
        }
    }

    /// The body came too slowly.
    pub(crate) fn too_slow(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request came too slowly", detail)
            .with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// The body is larger than is accepted. The connection ends with the answer: the rest of the body is not wanted.
    pub(crate) fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", detail)
            .with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// There were more requests than a limit allows; in this time there may be one more.
    pub(crate) fn too_many(limit: Limit, detail: impl Into<Cow<'static, str>>, after: Duration) -> Self {
        Self { limit: Some(limit), ..Self::rate_limited(detail, after) }
    }

    fn rate_limited(detail: impl Into<Cow<'static, str>>, after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests", detail)
            .with(header::RETRY_AFTER, seconds(after))
    }

    /// The server itself failed; the log says more.
    pub(crate) fn broken(who: &str, id: &RequestId) -> Self {
        let detail = format!("{who} failed; the log has it under {}", id.0);
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", "Something failed", detail)
    }

    /// What a failure of a plugin, or of the kernel on its behalf, is to the client.
    pub(crate) fn of(failure: Failure, plugin: &str, id: &RequestId) -> Self {
        match failure {
            Failure::Invalid { message, faults } => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self { faults, ..Self::new(status, "invalid", "The request breaks a rule", message) }
            }
            Failure::NotFound { message } => Self::not_found(message),
            Failure::Forbidden { message } => Self::forbidden(message),
            Failure::Conflict { message } => {
                Self::new(StatusCode::CONFLICT, "conflict", "It does not fit what is there", message)
            }
            Failure::TooLarge { message, .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", message)
            }
            Failure::RateLimited { message, after } => Self::rate_limited(message, after),
            Failure::Unavailable { message, after } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now", message)
                    .with(header::RETRY_AFTER, seconds(after.unwrap_or(LATER)))
            }
            Failure::TimedOut { message } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "timed_out", "It took too long", message)
            }
            Failure::Broken { .. } => Self::broken(&format!("plugin `{plugin}`"), id),
        }
    }

    /// The answer, in the shape that the address promises.
    pub(crate) fn into_response(self, shape: ErrorShape, id: &RequestId) -> Response {
        let (content_type, body) = match shape {
            ErrorShape::Problem => ("application/problem+json", self.details(id)),
            ErrorShape::Detail => ("application/json", self.detail()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.extend(self.header.map(|header| *header));
        response
    }

    fn details(&self, id: &RequestId) -> Vec<u8> {
        let details = Details {
            kind: format!("urn:switchboard:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: &id.0,
            errors: &self.faults,
            limits: self.limit.map(|limit| [limit.as_str()]),
        };
        // Text and numbers are always JSON.
        serde_json::to_vec(&details).unwrap_or_default()
    }

    fn detail(&self) -> Vec<u8> {
        match self.faults.as_slice() {
            [] => json!({ "detail": self.detail }),
            faults => json!({ "detail": faults }),
        }
        .to_string()
        .into_bytes()
    }
}

fn seconds(after: Duration) -> HeaderValue {
    HeaderValue::from(whole_seconds(after).max(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header;
    use switchboard_api::{Failure, Fault};

    use super::{Problem, seconds};
    use crate::request_id::RequestId;

    fn of(failure: Failure) -> (u16, Problem) {
        let problem = Problem::of(failure, "clips", &RequestId("r-1".into()));
        (problem.status.as_u16(), problem)
    }

    #[test]
    fn each_failure_has_its_status() {
        let second = Duration::from_secs(1);
        let statuses = [
            (Failure::invalid("x"), 422),
            (Failure::not_found("x"), 404),
            (Failure::forbidden("x"), 403),
            (Failure::conflict("x"), 409),
            (Failure::too_large("x", 1), 413),
            (Failure::RateLimited { message: "x".into(), after: second }, 429),
            (Failure::unavailable("x"), 503),
            (Failure::timed_out("x"), 504),
            (Failure::broken("x"), 500),
        ];
        for (failure, status) in statuses {
            assert_eq!(of(failure.clone()).0, status, "{failure:?}");
        }
    }

    #[test]
    fn what_broke_a_plugin_is_kept_from_the_client() {
        let (_, problem) = of(Failure::broken("index out of bounds in secret.rs"));
        assert_eq!(problem.detail, "plugin `clips` failed; the log has it under r-1");
    }

    #[test]
    fn who_is_to_come_back_later_is_told_when() {
        let (_, problem) = of(Failure::unavailable("the disk is full"));
        assert_eq!(problem.header.as_deref(), Some(&(header::RETRY_AFTER, 5.into())));
        assert_eq!(seconds(Duration::from_millis(1_200)), "2");
        assert_eq!(seconds(Duration::ZERO), "1");
    }

    #[test]
    fn both_shapes_carry_the_faults() {
        let fault = Fault::new("missing", ["body", "title"], "Field required", serde_json::Value::Null);
        let (_, problem) = of(Failure::faults(vec![fault]));
        let read = |bytes: Vec<u8>| -> serde_json::Value { serde_json::from_slice(&bytes).unwrap() };
        let details = read(problem.details(&RequestId("r-1".into())));
        assert_eq!(details["type"], "urn:switchboard:problem:invalid");
        assert_eq!(details["instance"], "r-1");
        assert_eq!(details["detail"], "body.title: Field required");
        assert_eq!(details["errors"], read(problem.detail())["detail"]);
    }
}
