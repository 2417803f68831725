//! Every address: the server's own, and behind them those of plugins.

use std::{ops::Deref, sync::Arc, time::Instant};

use axum::{Router, middleware, routing::get};
use switchboard_kernel::Kernel;
use tower_http::compression::CompressionLayer;

use crate::{
    api_document::{self, Kept},
    assets, cors, docs_viewer,
    front::front,
    health, home_route,
    identity::Door,
    metrics::{self, Counts},
    options::Options,
    plugin_route::plugin_route,
    readiness,
};

/// What the server calls itself.
pub(crate) const SERVICE: &str = "switchboard";

/// What every request can reach; a clone is one more reference.
#[derive(Clone)]
pub(crate) struct Server(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) options: Options,
    pub(crate) door: Door,
    pub(crate) counts: Counts,
    pub(crate) document: Kept,
    pub(crate) started: Instant,
}

impl Deref for Server {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The server for everybody: who calls is known by an API token.
pub fn router(kernel: Arc<Kernel>, options: Options) -> Router {
    let cors = cors::layer(&options.cors_origins);
    let server = server(kernel, options, Door::Tokens);
    // The outermost comes last.
    routes(server.clone()).layer(cors).layer(middleware::from_fn_with_state(server, front))
}

/// The server for the operator alone, behind a socket or in a process that nobody else reaches: every request is the
/// local administrator's, without a token.
pub fn local_router(kernel: Arc<Kernel>, options: Options) -> Router {
    let server = server(kernel, options, Door::local());
    routes(server.clone()).layer(middleware::from_fn_with_state(server, front))
}

fn server(kernel: Arc<Kernel>, options: Options, door: Door) -> Server {
    let (counts, document, started) = (Counts::default(), Kept::default(), Instant::now());
    Server(Arc::new(Shared { kernel, options, door, counts, document, started }))
}

fn routes(server: Server) -> Router {
    let documents = Router::new()
        .route("/", get(home_route::home))
        .route("/api/openapi.json", get(api_document::openapi))
        .route("/metrics", get(metrics::metrics))
        .with_state(server.clone())
        .merge(assets::routes())
        .merge(docs_viewer::routes())
        // Only here: a plugin's answers are small, or media that are compressed already.
        .layer(CompressionLayer::new());
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(readiness::readyz))
        .route("/api/v1/health", get(health::health))
        .fallback(plugin_route)
        .with_state(server)
        .merge(documents)
}
