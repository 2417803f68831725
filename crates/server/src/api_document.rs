//! `GET /api/openapi.json`: the API of all that is loaded, made once for each change of it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Weak},
};

use arc_swap::ArcSwapOption;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use switchboard_kernel::Snapshot;

use crate::{openapi, server::Server};

/// The document made last.
#[derive(Default)]
pub(crate) struct Kept(ArcSwapOption<Made>);

struct Made {
    /// What it was made of; weak, so that what was unloaded is freed.
    of: Weak<Snapshot>,
    tag: String,
    bytes: Bytes,
}

/// Answers with the document, or that the client has it already.
pub(crate) async fn openapi(State(server): State<Server>, headers: HeaderMap) -> Response {
    let made = made(&server);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == made.tag.as_bytes());
    let caching = [(header::ETAG, made.tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if known {
        (StatusCode::NOT_MODIFIED, caching).into_response()
    } else {
        (caching, [(header::CONTENT_TYPE, "application/json")], made.bytes.clone()).into_response()
    }
}

fn made(server: &Server) -> Arc<Made> {
    let snapshot = server.kernel.snapshot();
    let kept = server.document.0.load_full();
    if let Some(kept) = kept.filter(|kept| std::ptr::eq(kept.of.as_ptr(), Arc::as_ptr(&snapshot))) {
        return kept;
    }
    let document = openapi::document(&snapshot, &server.kernel.version().to_string());
    let bytes = Bytes::from(document.to_string());
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    // Weak, since what is sent may be compressed.
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let made = Arc::new(Made { of: Arc::downgrade(&snapshot), tag, bytes });
    server.document.0.store(Some(Arc::clone(&made)));
    made
}
