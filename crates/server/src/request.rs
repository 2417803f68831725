//! A request as the call that a plugin gets.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, header, request::Parts};
use switchboard_api::{Body, Call, Failure, Request};
use switchboard_kernel::{Address, BodyKind, RouteShape};
use switchboard_manifest::{BodyLimit, Kind, NamedLimit};

use crate::{
    csrf,
    incoming::{Cut, Incoming},
    options::Options,
};

/// Where it is noted that a body was cut short while a plugin read it.
pub(crate) type Noted = Option<Arc<OnceLock<Cut>>>;

/// Why a request does not become a call.
pub(crate) enum NoCall {
    /// It breaks a rule of the route.
    Failure(Failure),
    /// Its body was cut short.
    Cut(Cut),
}

impl From<Failure> for NoCall {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Cut> for NoCall {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

/// The call, after its parameters and a JSON body were checked against what the route takes.
pub(crate) async fn call(
    address: &Address,
    shape: &RouteShape,
    params: Vec<(String, String)>,
    mut parts: Parts,
    incoming: Incoming,
    options: &Options,
) -> Result<(Call, Noted), NoCall> {
    let incoming = incoming.bounded(largest(address.body_limit, options), options.idle_time)?;
    let params = shape.path(params)?;
    let query = shape.query(parts.uri.query().unwrap_or_default())?;
    let (body, noted) = match shape.body_kind() {
        BodyKind::None => (Body::Empty, None),
        BodyKind::Json => {
            let bytes = incoming.collect(options.request_time).await?;
            shape.check_body(&bytes)?;
            (Body::from(bytes), None)
        }
        BodyKind::Raw => {
            let (body, noted) = incoming.into_body();
            (body, Some(noted))
        }
    };
    let head_only = parts.method == http::Method::HEAD;
    if address.plugin.manifest().kind == Kind::External {
        hide_credentials(&mut parts.headers);
    }
    let Parts { uri, headers, .. } = parts;
    let request = Request { route: address.position, uri, params, query, headers, head_only, body };
    Ok((Call::Request(request), noted))
}

/// Takes away by what a caller was known: who has it can act in their name.
fn hide_credentials(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
    headers.remove(header::COOKIE);
    headers.remove(csrf::HEADER);
}

fn largest(limit: BodyLimit, options: &Options) -> u64 {
    match limit {
        BodyLimit::Ordinary => options.body_limit,
        BodyLimit::Bytes(bytes) => bytes,
        BodyLimit::Named(NamedLimit::Upload) => options.upload_limit,
    }
}
