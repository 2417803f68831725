//! From a request to a plugin's answer: the address, who calls, for which organization, the call, the reply.
//!
//! An address that nobody answers is 404 also without a token: the OpenAPI document names every address to everybody, so
//! that nothing is given away. One that somebody answers is 401 without a token, whatever else is wrong.

use std::sync::{Arc, OnceLock};

use axum::{extract::Request, response::Response};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use switchboard_api::{ActorKind, Failure, Reply, Standing};
use switchboard_kernel::{Allowance, Caller, Found, NotFound, Snapshot, Terms, dispatch, permit};
use switchboard_manifest::{Access, ErrorShape, Method, Scope};

use crate::{
    identity,
    incoming::Incoming,
    peer::Peer,
    problem::Problem,
    rate_limits::{Limit, Tightest},
    request::{self, NoCall},
    request_id::RequestId,
    response::{Waiting, response},
    server::Server,
    tenant,
};

/// What stands for the organization in an address of scope `organization`.
const ORGANIZATION_PARAMETER: &str = "org";

const METHODS: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

/// Answers a request to any address but the server's own.
pub(crate) async fn plugin_route(server: &Server, request: Request, id: RequestId) -> Response {
    let (parts, body) = request.into_parts();
    let incoming = Incoming::new(body, &parts.headers);
    let snapshot = server.kernel.snapshot();
    match find(&snapshot, &parts) {
        Ok(found) => {
            let shape = found.address.errors;
            let mut tightest = Tightest::default();
            let asked = Asked { parts, incoming, id: &id };
            let answer = answer(server, &snapshot, found, asked, &mut tightest).await;
            let mut response = answer.unwrap_or_else(|problem| problem.into_response(shape, &id));
            tightest.tell(response.headers_mut());
            response
        }
        Err(problem) => problem.into_response(ErrorShape::Problem, &id),
    }
}

fn find(snapshot: &Snapshot, parts: &Parts) -> Result<Found, Problem> {
    let path = parts.uri.path();
    if !is_well_encoded(path) {
        return Err(Problem::bad_request("the address is not UTF-8 in percent-encoding"));
    }
    let nothing = || Problem::not_found(format!("nothing answers at {path}; /api/docs lists what does"));
    let Some(method) = method(&parts.method) else {
        let answered: Vec<_> =
            METHODS.into_iter().filter(|method| snapshot.routes().find(*method, path).is_ok()).collect();
        return Err(match answered.is_empty() {
            true => nothing(),
            false => Problem::other_methods(&parts.method, &answered),
        });
    };
    snapshot.routes().find(method, path).map_err(|not_found| match not_found {
        NotFound::NoSuchAddress => nothing(),
        NotFound::OtherMethods(allowed) => Problem::other_methods(&parts.method, &allowed),
    })
}

/// What is asked.
struct Asked<'a> {
    parts: Parts,
    incoming: Incoming,
    id: &'a RequestId,
}

async fn answer(
    server: &Server,
    snapshot: &Snapshot,
    found: Found,
    asked: Asked<'_>,
    tightest: &mut Tightest,
) -> Result<Response, Problem> {
    let Asked { parts, incoming, id } = asked;
    let Found { address, mut params } = found;
    let plugin = &address.plugin;
    let directory = server.kernel.directory();
    let from = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let shown = identity::Request { method: &parts.method, headers: &parts.headers };
    let principal = match address.access {
        Access::Known => server.door.identify(shown, server, &directory).await,
        Access::Anyone => server.door.identify_or_anyone(shown, server, &directory).await,
    };
    let principal = match principal {
        Ok(principal) => principal,
        Err(problem) => {
            server.limiter.address(from, tightest)?;
            return Err(problem);
        }
    };
    server.limiter.caller(&principal, from, tightest)?;
    let in_path = (address.scope == Scope::Organization).then(|| take_organization(&mut params)).flatten();
    let organization =
        tenant::organization(&address, in_path.as_deref(), &parts.headers, &principal, &directory);
    if organization.as_ref().is_err_and(|problem| problem.is_forbidden())
        && tenant::is_administrated(&address)
    {
        server.refusals.note(&server.kernel, &principal, from, id, &parts).await;
    }
    let organization = organization?;
    let actor = server.kernel.actor(&principal, organization.as_deref()).await;
    let actor = actor.map_err(|error| Problem::of(error.into(), plugin.id().as_str(), id))?;
    if let (Standing::Stranger, Some(organization)) = (&actor.standing, &organization) {
        // One that exists for others is as unknown as one that does not exist.
        return Err(tenant::no_such_organization(&organization.slug));
    }
    if let Some(organization) = organization.as_deref().filter(|_| actor.kind != ActorKind::System) {
        server.limiter.organization(organization, directory.rate(organization.id), tightest)?;
    }

    let of = |failure: Failure| Problem::of(failure, plugin.id().as_str(), id);
    let permission = address.permission.as_deref();
    // Asked again with the call; here so that nothing of a request is read, or said of it, that may not be made.
    permit(snapshot, plugin, organization.as_deref(), &actor, permission).map_err(of)?;
    let shape = plugin.shape(address.position).ok_or_else(|| {
        tracing::error!(plugin = %plugin.id(), request = %id.0, "route {} has no shape", address.position);
        Problem::broken("the server", id)
    })?;
    let head_only = parts.method == http::Method::HEAD;
    let call = request::call(&address, shape, params, parts, incoming, &server.options).await;
    let (call, cut) = call.map_err(|no_call| match no_call {
        NoCall::Failure(failure) => of(failure),
        NoCall::Cut(cut) => cut.into(),
    })?;

    let waiting = Waiting::default();
    let caller =
        Caller { organization, actor, from, trace: Arc::clone(&id.0), stop: waiting.0.clone(), depth: 0 };
    let left = OnceLock::new();
    let terms = Terms { permission, left: Some(&left), ..Terms::default() };
    let answered = dispatch(snapshot, plugin, caller, terms, call).await;
    let of_plugin = left.get().inspect(|left| tightest.note(Limit::Plugin, **left));
    match answered {
        Ok(Reply::Response(answer)) => Ok(response(answer, plugin.manifest().kind, head_only, waiting, id)),
        Ok(_) => {
            let failure = Failure::broken("it answered a request with something that is no response");
            tracing::error!(plugin = %plugin.id(), request = %id.0, "{failure}");
            Err(of(failure))
        }
        Err(failure) => Err(match cut.as_deref().and_then(|cut| cut.get()) {
            Some(cut) => cut.clone().into(),
            None => match (failure, of_plugin) {
                (Failure::RateLimited { message, after }, Some(Allowance { left: 0, .. })) => {
                    Problem::too_many(Limit::Plugin, message, after)
                }
                (failure, _) => of(failure),
            },
        }),
    }
}

/// The organization's part of the address. The route does not know of it: its handlers take only their own parameters.
fn take_organization(params: &mut Vec<(String, String)>) -> Option<String> {
    let position = params.iter().position(|(name, _)| name == ORGANIZATION_PARAMETER)?;
    Some(params.remove(position).1)
}

/// The method whose routes answer, if any do.
fn method(method: &http::Method) -> Option<Method> {
    match *method {
        http::Method::GET | http::Method::HEAD => Some(Method::Get),
        http::Method::POST => Some(Method::Post),
        http::Method::PUT => Some(Method::Put),
        http::Method::PATCH => Some(Method::Patch),
        http::Method::DELETE => Some(Method::Delete),
        _ => None,
    }
}

fn is_well_encoded(path: &str) -> bool {
    if !path.contains('%') {
        return true;
    }
    let is_hex = |digits: &str| digits.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    path.split('%').skip(1).all(is_hex) && percent_decode_str(path).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_well_encoded;

    #[test]
    fn an_address_is_utf8_in_percent_encoding() {
        for path in ["/clips/7", "/a%20b", "/%C3%A9", "/100%25"] {
            assert!(is_well_encoded(path), "{path}");
        }
        for path in ["/%", "/%4", "/%zz", "/%C3", "/a%2", "/%4%20"] {
            assert!(!is_well_encoded(path), "{path}");
        }
    }
}
