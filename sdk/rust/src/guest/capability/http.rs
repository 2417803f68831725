//! Requests to other servers.

use switchboard_api::{
    Failure,
    capability::{HttpRequest, HttpResponse},
};

use super::super::{Calling, bindings::switchboard::plugin::http, header};

#[derive(Clone, Copy)]
pub(crate) struct Http;

impl Http {
    pub(crate) async fn send(self, _: &Calling, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let HttpRequest { method, url, headers, body } = request;
        let (method, headers) = (method.as_str().to_owned(), header::given(&headers));
        let answer = http::send(&http::Request { method, url, headers, body: body.into() })?;
        let (status, headers) = (header::status(answer.status)?, header::taken(answer.headers));
        Ok(HttpResponse { status, headers, body: answer.body.into() })
    }
}
