//! A component that answers requests as `wasi:http` says, and knows nothing of Switchboard.
//!
//! Its routes are those of its manifest. It is asked for each by the path below the plugin's own address.

use std::pin::pin;

use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::{Either, FutureExt, select},
};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use switchboard_api::{
    Answer, Body, BodyDescription, Description, Failure, Operation, Reply, Request, Response,
};
use switchboard_manifest::{self as manifest, Manifest, Route};
use tokio::{sync::oneshot, task::unconstrained};
use wasmtime::Store;
use wasmtime_wasi_http::{
    Error as HttpError, WasiBody, WasiHttpView,
    p2::bindings::{exports::wasi::http::incoming_handler::Guest, http::types::Scheme},
};

use crate::{Error, capabilities::bodies::MOST_MADE, exports::Answered, state::State};

/// Says that a request came by https.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// What such a component binds: every route of its manifest, and nothing else.
pub(crate) fn description(manifest: &Manifest) -> Result<Description, Error> {
    let provides = &manifest.provides;
    let others = [
        ("service", provides.services.first().map(|service| &service.name)),
        ("filter", provides.filters.first().map(|filter| &filter.name)),
        ("listener", provides.listeners.first().map(|listener| &listener.event)),
        ("task", provides.tasks.first().map(|task| &task.name)),
        ("command", provides.commands.first().map(|command| &command.name)),
    ];
    if let Some((kind, name)) = others.into_iter().find_map(|(kind, name)| Some((kind, name?))) {
        return Err(Error::OnlyRoutes { kind, name: name.clone() });
    }
    let routes = provides.api_routes.iter().map(operation).collect();
    Ok(Description { routes, ..Description::default() })
}

fn operation(route: &Route) -> Operation {
    let anything = || BodyDescription { content_type: "*/*".to_owned(), schema: json!({}) };
    let takes_body =
        matches!(route.method, manifest::Method::Post | manifest::Method::Put | manifest::Method::Patch);
    let answer = Answer {
        status: StatusCode::OK,
        description: "What the plugin answers.".to_owned(),
        body: Some(anything()),
    };
    Operation {
        key: route.key().to_string(),
        summary: format!("{} of the plugin's own", route.key()),
        body: takes_body.then(anything),
        answers: vec![answer],
        ..Operation::default()
    }
}

/// Has the component answer a request to one of its manifest's routes.
pub(crate) async fn answer(
    store: &mut Store<State>,
    handler: &Guest,
    manifest: &Manifest,
    request: Request,
) -> Answered<Reply> {
    let Some(route) = manifest.provides.api_routes.get(request.route) else {
        return Ok(Err(Failure::broken("its manifest has no such route")));
    };
    let request = match incoming(request, manifest, route) {
        Ok(request) => request,
        Err(failure) => return Ok(Err(failure)),
    };
    let (sender, answered) = oneshot::channel();
    // Of whatever a request says of how it came, the server has left what is true.
    let scheme = match request.headers().get(FORWARDED_PROTO).is_some_and(|scheme| scheme == "https") {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let out = http.new_response_outparam(sender)?;
    let handling = pin!(handler.call_handle(&mut *store, request, out));
    let collecting = pin!(async {
        match answered.await {
            Ok(Ok(response)) => Some(outgoing(response).await),
            Ok(Err(code)) => Some(Err(Failure::broken(format!("it answered with an error of HTTP: {code}")))),
            Err(_) => None,
        }
    });
    // The answer's body is taken while it is written.
    let answer = match select(handling, collecting).await {
        Either::Left((ended, collecting)) => {
            ended?;
            // What was written is there by now; nothing more comes.
            unconstrained(collecting).now_or_never().flatten()
        }
        Either::Right((answer, handling)) => {
            handling.await?;
            answer
        }
    };
    let unfinished = || Err(Failure::broken("it returned before its answer was complete"));
    Ok(answer.unwrap_or_else(unfinished).map(Reply::Response))
}

/// The request as the component gets it.
fn incoming(
    request: Request,
    manifest: &Manifest,
    route: &Route,
) -> Result<http::Request<impl hyper::body::Body<Data = Bytes, Error = HttpError> + Send + 'static>, Failure>
{
    let Request { uri, mut headers, head_only, body, .. } = request;
    let method = if head_only { "HEAD" } else { route.method.as_str() };
    let method: Method = method.parse().map_err(|_| Failure::invalid("the method is none of HTTP"))?;
    let uri = below(&uri, manifest, route).ok_or_else(|| Failure::invalid("the address is none"))?;
    // The component asks for whom the request is; only old and odd clients do not say.
    if headers.get(header::HOST).is_none_or(|host| host.to_str().is_err()) {
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    }
    let frames = body.into_chunks().map(|chunk| match chunk {
        Ok(bytes) => Ok(Frame::data(bytes)),
        Err(failure) => Err(broken_off(&failure)),
    });
    let mut incoming = http::Request::new(StreamBody::new(frames));
    (*incoming.method_mut(), *incoming.uri_mut(), *incoming.headers_mut()) = (method, uri, headers);
    Ok(incoming)
}

/// What was asked for below the plugin's own address, with the query.
fn below(asked: &Uri, manifest: &Manifest, route: &Route) -> Option<Uri> {
    let segments = |path: &str| path.split('/').filter(|segment| !segment.is_empty()).count();
    let own = segments(&manifest.address_of(route)) - segments(&route.path);
    let path = asked.path();
    let start = path.match_indices('/').nth(own).map_or(path.len(), |(start, _)| start);
    let path = path.get(start..).filter(|path| !path.is_empty()).unwrap_or("/");
    match asked.query() {
        Some(query) => format!("{path}?{query}").parse().ok(),
        None => path.parse().ok(),
    }
}

fn broken_off(failure: &Failure) -> HttpError {
    match failure {
        Failure::TooLarge { limit, .. } => HttpError::HttpRequestBodySize(Some(*limit)),
        Failure::TimedOut { .. } => HttpError::ConnectionReadTimeout,
        _ => HttpError::ConnectionTerminated,
    }
}

/// The component's answer, when all of it is there.
async fn outgoing(response: http::Response<WasiBody>) -> Result<Response, Failure> {
    let (parts, body) = response.into_parts();
    if !(200..600).contains(&parts.status.as_u16()) {
        return Err(Failure::broken("it answered with a status that is none"));
    }
    let body = Limited::new(body, MOST_MADE).collect().await.map_err(|error| {
        Failure::broken(match error.is::<LengthLimitError>() {
            true => format!("its answer is larger than the {} MiB that it may be", MOST_MADE >> 20),
            false => format!("it broke off its answer: {error}"),
        })
    })?;
    Ok(Response { status: parts.status, headers: parts.headers, body: Body::from(body.to_bytes()) })
}
