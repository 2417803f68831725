//! Whether the process lives.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use switchboard_api::Timestamp;

use crate::server::{SERVICE, Server};

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /api/v1/health`: the same for clients that expect JSON.
pub(crate) async fn health(State(server): State<Server>) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "service": SERVICE,
        "version": server.kernel.version(),
        "timestamp": Timestamp::now(),
    }))
}
