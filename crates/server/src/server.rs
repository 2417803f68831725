//! What every request can reach.

use std::{ops::Deref, sync::Arc, time::Instant};

use switchboard_kernel::Kernel;
use tower_http::cors::CorsLayer;

use crate::{
    api_document::Kept, identity::Door, metrics::Counts, options::Options, rate_limits::Limiter,
    refusals::Refusals,
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
    pub(crate) limiter: Limiter,
    pub(crate) refusals: Refusals,
    pub(crate) counts: Counts,
    pub(crate) document: Kept,
    pub(crate) started: Instant,
    /// For whom pages elsewhere may call; absent where no page comes.
    pub(crate) cors: Option<CorsLayer>,
}

impl Server {
    pub(crate) fn new(kernel: Arc<Kernel>, options: Options, door: Door, cors: Option<CorsLayer>) -> Self {
        let (limiter, refusals) = (Limiter::new(options.rate_limits.clone()), Refusals::default());
        let (counts, document, started) = (Counts::default(), Kept::default(), Instant::now());
        Self(Arc::new(Shared { kernel, options, door, limiter, refusals, counts, document, started, cors }))
    }
}

impl Deref for Server {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
