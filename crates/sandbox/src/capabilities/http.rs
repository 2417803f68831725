//! `http`: requests to other servers.

use switchboard_api::{Failure, capability::HttpRequest};

use crate::{
    bindings::imports::http,
    conversion::{headers_in, headers_out},
    interrupted::Answer,
    state::State,
};

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> Answer<http::Response> {
        let http::Request { method, url, headers, body } = request;
        let method = method
            .parse()
            .map_err(|_| Failure::invalid(format!("`{}` is no method of HTTP", method.escape_debug())))?;
        let headers = headers_in(headers).map_err(Failure::invalid)?;
        let request = HttpRequest { method, url, headers, body: body.into() };
        let call = self.call()?;
        let response = call.host.http(&call.context)?.send(&call.context, request).await?;
        Ok(http::Response {
            status: response.status.as_u16(),
            headers: headers_out(&response.headers),
            body: response.body.into(),
        })
    }
}
