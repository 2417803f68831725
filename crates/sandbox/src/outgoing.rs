//! `wasi:http/outgoing-handler`: requests to other servers, by the same capability as those of the contract.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use switchboard_api::{
    Failure,
    capability::{HttpRequest, HttpResponse},
};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::state::Running;

/// A request's body is at most this large.
const LARGEST: usize = 8 << 20;

/// A plugin writes no more of a body at once; so much, twice, is held of each body that nobody reads yet.
const MOST_AT_ONCE: usize = 64 << 10;

/// How many requests of an instance, with their answers, are held at the same time.
const MOST_AT_THE_SAME_TIME: usize = 16;

/// The call that an instance is in, and its requests to other servers.
pub(crate) struct InCall {
    pub(crate) running: Option<Running>,
    places: Arc<Semaphore>,
}

impl Default for InCall {
    fn default() -> Self {
        Self { running: None, places: Arc::new(Semaphore::new(MOST_AT_THE_SAME_TIME)) }
    }
}

type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Sent), Error>> + Send>;

/// What is still to be done when an answer has come.
type Sent = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for InCall {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        let running = self.running.clone();
        let place = Arc::clone(&self.places).try_acquire_owned();
        Box::new(async move {
            let running = running.ok_or(Error::HttpRequestDenied)?;
            let place = place.map_err(|_| Error::ConnectionLimitReached)?;
            let HttpResponse { status, headers, body } =
                match options.and_then(|options| options.first_byte_timeout) {
                    None => running.send(request).await?,
                    Some(time) => tokio::time::timeout(time, running.send(request))
                        .await
                        .map_err(|_| Error::HttpResponseTimeout)??,
                };
            let body = Full::new(body).map_err(|never| match never {}).map_frame(move |frame| {
                let _until_it_is_dropped = &place;
                frame
            });
            let mut response = Response::new(body.boxed_unsync());
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok((response, Box::new(std::future::ready(Ok(()))) as Sent))
        })
    }

    /// The host writes it.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        MOST_AT_ONCE
    }
}

impl Running {
    async fn send(&self, request: Request<WasiBody>) -> Result<HttpResponse, Error> {
        let (mut parts, body) = request.into_parts();
        let body = whole(body).await?;
        parts.headers.remove(header::CONTENT_LENGTH);
        let (method, url) = (parts.method, parts.uri.to_string());
        let request = HttpRequest { method, url, headers: parts.headers, body };
        // The standard's errors are mere words: what there is to say, the host has put into the log.
        let http = self.host.http(&self.context).map_err(error_of)?;
        http.send(&self.context, request).await.map_err(error_of)
    }
}

async fn whole(body: WasiBody) -> Result<Bytes, Error> {
    let collected = Limited::new(body, LARGEST).collect().await;
    Ok(collected
        .map_err(|error| match error.downcast::<Error>() {
            Ok(broken_off) => *broken_off,
            Err(_) => Error::HttpRequestBodySize(Some(LARGEST as u64)),
        })?
        .to_bytes())
}

fn error_of(failure: Failure) -> Error {
    match failure {
        Failure::Invalid { .. } => Error::HttpRequestUriInvalid,
        Failure::Forbidden { .. } => Error::HttpRequestDenied,
        Failure::NotFound { .. } => Error::DestinationNotFound,
        Failure::TooLarge { limit, .. } => Error::HttpResponseBodySize(Some(limit)),
        Failure::RateLimited { .. } => Error::ConnectionLimitReached,
        Failure::TimedOut { .. } => Error::HttpResponseTimeout,
        Failure::Unavailable { .. } => Error::DestinationUnavailable,
        Failure::Conflict { message } | Failure::Broken { message } => Error::InternalError(Some(message)),
    }
}
