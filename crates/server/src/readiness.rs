//! Whether the server should be sent requests: `/readyz`.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use serde_json::{Map, Value, json};
use switchboard_api::BoxFuture;
use switchboard_kernel::State as PluginState;

use crate::server::Server;

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What must be well for the server to be sent requests. A clone shares with its original whether the server is stopping.
#[derive(Clone, Default)]
pub struct Readiness {
    stopping: Arc<AtomicBool>,
    checks: Vec<(&'static str, Check)>,
}

impl Readiness {
    /// Adds something that must be well, such as the data folder: the check answers with one sentence when it is not.
    #[must_use]
    pub fn with<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Says that the server is about to stop: from now on it is not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    async fn faults(&self) -> Map<String, Value> {
        let mut faults = Map::new();
        if self.stopping.load(Ordering::Relaxed) {
            faults.insert("server".to_owned(), "the server is stopping".into());
        }
        for (name, check) in &self.checks {
            if let Err(reason) = check().await {
                faults.insert((*name).to_owned(), reason.into());
            }
        }
        faults
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.checks.iter().map(|(name, _)| *name);
        f.debug_list().entries(names).finish()
    }
}

/// `GET /readyz`: 200 when requests can be sent here, otherwise 503 with what is not ready.
///
/// A plugin that failed is named and does not make the server unready: the others serve. Why it failed takes a token.
pub(crate) async fn readyz(State(server): State<Server>) -> impl IntoResponse {
    let mut not_ready = server.options.readiness.faults().await;
    let catalog = server.kernel.catalog();
    let waiting = |state: &PluginState| matches!(state, PluginState::Discovered | PluginState::Validated);
    if catalog.entries().any(|(_, entry)| waiting(&entry.state)) {
        not_ready.insert("plugins".to_owned(), "plugins are being loaded".into());
    }
    let failed = catalog.entries().filter(|(_, entry)| matches!(entry.state, PluginState::Failed { .. }));
    let mut failed: Vec<&str> = failed.map(|(id, _)| id.as_str()).collect();
    failed.extend(catalog.unreadable().iter().map(|folder| folder.label.as_str()));
    let (status, word) = match not_ready.is_empty() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    (status, Json(json!({ "status": word, "not_ready": not_ready, "failed_plugins": failed })))
}
