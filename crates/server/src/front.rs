//! What happens to every request, whoever answers it: a name, a count, a line in the log, and no panic gets out.

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Instant};

use axum::{extract::Request, response::Response};
use futures_util::FutureExt;
use http::{HeaderValue, header};
use switchboard_manifest::ErrorShape;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    access_log,
    problem::Problem,
    request_id::{self, RequestId},
    router::Addresses,
    server::Server,
};

/// Names, counts and logs a request.
pub(crate) async fn front(server: &Server, addresses: Addresses, request: Request) -> Response {
    let begun = Instant::now();
    let id = RequestId::of(request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let answered =
        AssertUnwindSafe(across_origins(server, addresses, request, id.clone())).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        // The panic itself was written by the process's own hook.
        tracing::error!(request = %id.0, %method, path = uri.path(), "the server panicked over a request");
        Problem::broken("the server", &id).into_response(ErrorShape::Problem, &id)
    });
    if let Some(value) = id.as_header() {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    let status = response.status();
    server.counts.count(status);
    access_log::line(&id, &method, uri.path(), status, begun.elapsed());
    response
}

/// Only a browser says from where it calls; nobody else pays for the answer to that.
async fn across_origins(server: &Server, addresses: Addresses, request: Request, id: RequestId) -> Response {
    match &server.cors {
        Some(cors) if request.headers().contains_key(header::ORIGIN) => {
            let answer = service_fn(move |request| {
                let (addresses, id) = (addresses.clone(), id.clone());
                async move { Ok::<_, Infallible>(addresses.answer(request, id).await) }
            });
            let Ok(response) = cors.layer(answer).oneshot(request).await;
            response
        }
        Some(_) => {
            let mut response = addresses.answer(request, id).await;
            response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
            response
        }
        None => addresses.answer(request, id).await,
    }
}
