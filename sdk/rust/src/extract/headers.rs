//! Headers, whether only those of the answer are wanted, and the body as it comes.

use http::HeaderMap;
use switchboard_api::{Body, BodyDescription, Failure, Operation, Request};

use super::FromRequest;
use crate::Context;

/// The request's headers.
#[derive(Debug, Clone)]
pub struct Headers(pub HeaderMap);

impl FromRequest for Headers {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        Ok(Self(request.headers.clone()))
    }

    fn describe(_: &mut Operation) {}
}

impl Headers {
    /// A header's value, when it is there and is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Whether only the head of the answer is wanted: the request is HEAD.
///
/// The body of an answer to it is not sent; a handler that knows the body's length without making it says so in
/// `Content-Length` and leaves the body empty.
#[derive(Debug, Clone, Copy)]
pub struct HeadOnly(pub bool);

impl FromRequest for HeadOnly {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        Ok(Self(request.head_only))
    }

    fn describe(_: &mut Operation) {}
}

/// The request's body as it comes, in pieces; the route's `body_limit` bounds it.
#[derive(Debug)]
pub struct WholeBody(pub Body);

impl FromRequest for WholeBody {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        Ok(Self(std::mem::take(&mut request.body)))
    }

    fn describe(operation: &mut Operation) {
        operation.body = Some(BodyDescription {
            content_type: "application/octet-stream".to_owned(),
            schema: serde_json::json!({ "type": "string", "format": "binary" }),
        });
    }
}
