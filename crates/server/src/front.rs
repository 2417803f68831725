//! What happens to every request, whoever answers it: a name, a count, a line in the log, and no panic gets out.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use switchboard_manifest::ErrorShape;

use crate::{
    access_log,
    problem::Problem,
    request_id::{self, RequestId},
    router::Server,
};

/// Names, counts and logs a request.
pub(crate) async fn front(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = RequestId::of(request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    request.extensions_mut().insert(id.clone());
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
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
