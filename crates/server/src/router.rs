//! Every address: the server's own, and behind them those of plugins.

use std::{
    collections::HashSet,
    convert::Infallible,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    BoxError, Extension, Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    response::Response,
    routing::{MethodRouter, get, post},
};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use switchboard_kernel::Kernel;
use switchboard_manifest::{ErrorShape, Method};
use tower::{Service, ServiceExt};
use tower_http::{compression::CompressionLayer, cors::CorsLayer};

use crate::{
    acting_as, api_document, assets, client_address::tell_encrypted, cors, docs_viewer,
    external_sign_in::PublicUrl, front::front, health, home_route, identity::Door, metrics, options::Options,
    peer::Peer, plugin_route::plugin_route, problem::Problem, rate_limits::Tightest, readiness,
    request_id::RequestId, server::Server,
};

/// Everything that the server answers, as a service. A clone is one more reference.
#[derive(Clone)]
pub struct Addresses {
    server: Server,
    own: Arc<Own>,
    /// The other end of the connection, where it has an address.
    peer: Option<IpAddr>,
}

/// The server's own addresses.
struct Own {
    paths: HashSet<&'static str>,
    router: Router,
}

/// Those by which machines look whether the server is well: they may do so as often as they like.
const WELLBEING: [&str; 3] = ["/healthz", "/readyz", "/api/v1/health"];

/// The server for everybody: who calls is known by an API token, or by a session's cookie.
pub fn router(kernel: Arc<Kernel>, options: Options) -> Addresses {
    let cors = cors::layer(&options.cors_origins);
    Addresses::new(kernel, options, Door::Open, Some(cors))
}

/// The server for the operator alone, behind a socket or in a process that nobody else reaches: every request is the
/// local administrator's, without a token.
pub fn local_router(kernel: Arc<Kernel>, options: Options) -> Addresses {
    Addresses::new(kernel, options, Door::local(), None)
}

impl Addresses {
    fn new(kernel: Arc<Kernel>, options: Options, door: Door, cors: Option<CorsLayer>) -> Self {
        let server = Server::new(kernel, options, door, cors);
        Self { own: Arc::new(Own::of(&server)), server, peer: None }
    }

    /// The same for a connection from there.
    pub(crate) fn from(&self, peer: Option<IpAddr>) -> Self {
        Self { peer, ..self.clone() }
    }

    /// The client whose request has these headers.
    fn client(&self, headers: &HeaderMap) -> Option<Peer> {
        self.peer.map(|peer| Peer(self.server.options.proxies.client(peer, headers)))
    }

    /// Whether a request with these headers came by https: all do where the public URL says so, and others where a
    /// trusted proxy does.
    fn is_encrypted(&self, headers: &HeaderMap) -> bool {
        let Options { proxies, public_url, .. } = &self.server.options;
        public_url.as_ref().is_some_and(PublicUrl::is_secure)
            || self.peer.is_some_and(|peer| proxies.says_https(peer, headers))
    }

    /// Answers at whatever address it is. A plugin's are looked up in the kernel's table and nowhere else.
    pub(crate) async fn answer(&self, mut request: Request, id: RequestId) -> Response {
        let path = request.uri().path();
        if !self.own.paths.contains(path) {
            return plugin_route(&self.server, request, id).await;
        }
        let mut tightest = Tightest::default();
        let taken = match WELLBEING.contains(&path) {
            true => Ok(()),
            false => {
                let from = request.extensions().get::<Peer>().map(|peer| peer.0);
                self.server.limiter.address(from, &mut tightest)
            }
        };
        let mut response = match taken {
            Ok(()) => {
                request.extensions_mut().insert(id);
                let Ok(response) = self.own.router.clone().oneshot(request).await;
                response
            }
            Err(problem) => problem.into_response(ErrorShape::Problem, &id),
        };
        tightest.tell(response.headers_mut());
        response
    }
}

impl Own {
    fn of(server: &Server) -> Self {
        let mut paths = HashSet::new();
        let mut router = |addresses: Vec<(&'static str, MethodRouter<Server>)>| {
            addresses.into_iter().fold(Router::new(), |router, (path, methods)| {
                paths.insert(path);
                router.route(path, methods)
            })
        };
        let plain = router(vec![
            ("/healthz", get(health::healthz)),
            ("/readyz", get(readiness::readyz)),
            ("/api/v1/health", get(health::health)),
            (acting_as::END, post(acting_as::end)),
        ]);
        let mut documents = vec![
            ("/", get(home_route::home)),
            ("/api/openapi.json", get(api_document::openapi)),
            ("/metrics", get(metrics::metrics)),
        ];
        documents.extend(assets::addresses());
        documents.extend(docs_viewer::addresses());
        // Only here: a plugin's answers are small, or media that are compressed already.
        let documents = router(documents).layer(CompressionLayer::new());
        let router = plain.merge(documents).method_not_allowed_fallback(other_method);
        Self { router: router.with_state(server.clone()), paths }
    }
}

async fn other_method(Extension(id): Extension<RequestId>, request: Request) -> Response {
    let answered = if request.uri().path() == acting_as::END { Method::Post } else { Method::Get };
    Problem::other_methods(request.method(), &[answered]).into_response(ErrorShape::Problem, &id)
}

impl<B> Service<http::Request<B>> for Addresses
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let addresses = self.clone();
        Box::pin(async move {
            let server = addresses.server.clone();
            let mut request = request.map(Body::new);
            if let Some(client) = addresses.client(request.headers()) {
                request.extensions_mut().insert(client);
            }
            // Here, once: whoever reads it behind here, plugins too, may believe it.
            tell_encrypted(addresses.is_encrypted(request.headers()), request.headers_mut());
            Ok(front(&server, addresses, request).await)
        })
    }
}
