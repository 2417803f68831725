//! On whose behalf something is changed, and from where.

use std::{net::IpAddr, sync::Arc};

use switchboard_api::{Actor, Context};

/// On whose behalf something is changed, and from where. Every change of the kernel's takes one, for the audit log.
#[derive(Debug, Clone)]
pub struct By {
    /// Who.
    pub actor: Arc<Actor>,
    /// The address from which the request came; none where no request did.
    pub from: Option<IpAddr>,
    /// The request's id, or a word for what else set it off.
    pub request: Arc<str>,
}

impl By {
    /// The host itself; the word says what set it off: `start`, `first token`.
    pub fn system(because: impl Into<Arc<str>>) -> Self {
        Self { actor: Arc::new(Actor::system()), from: None, request: because.into() }
    }

    /// Whoever is behind a call.
    pub fn of(context: &Context) -> Self {
        Self { actor: Arc::clone(&context.actor), from: context.from, request: Arc::clone(&context.trace) }
    }
}
