//! The files that the server's own pages load. They are part of the program.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use axum::{
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::server::Server;

/// A browser asks again after an hour, and is told then that nothing changed unless the server is another.
const KEPT: &str = "public, max-age=3600";

struct Asset {
    content_type: &'static str,
    /// How the bytes are compressed already, if they are.
    encoding: Option<&'static str>,
    bytes: &'static [u8],
    /// Changes with the bytes; made when somebody first asks, so that a start reads none of them.
    tag: LazyLock<String>,
}

macro_rules! asset {
    ($path:literal, $content_type:literal, $encoding:expr) => {{
        const BYTES: &[u8] = include_bytes!($path);
        Asset {
            content_type: $content_type,
            encoding: $encoding,
            bytes: BYTES,
            tag: LazyLock::new(|| tag_of(BYTES)),
        }
    }};
}

static STYLESHEET: Asset = asset!("../assets/switchboard.css", "text/css; charset=utf-8", None);
static MARK: Asset = asset!("../assets/mark.svg", "image/svg+xml", None);
static DOCS_STYLESHEET: Asset = asset!("../assets/api_docs.css", "text/css; charset=utf-8", None);
static DOCS_SCRIPT: Asset = asset!("../assets/api_docs.js", "text/javascript; charset=utf-8", None);
static VIEWER: Asset =
    asset!("../vendor/scalar-api-reference.js.gz", "text/javascript; charset=utf-8", Some("gzip"));

/// Every file at its address.
pub(crate) fn addresses() -> [(&'static str, MethodRouter<Server>); 5] {
    let at = |asset: &'static Asset| get(async move |headers: HeaderMap| answer(asset, &headers));
    [
        ("/assets/switchboard.css", at(&STYLESHEET)),
        ("/assets/mark.svg", at(&MARK)),
        ("/assets/api_docs.css", at(&DOCS_STYLESHEET)),
        ("/assets/api_docs.js", at(&DOCS_SCRIPT)),
        ("/assets/scalar-api-reference.js", at(&VIEWER)),
    ]
}

fn answer(asset: &Asset, headers: &HeaderMap) -> Response {
    let tag = asset.tag.as_str();
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let caching =
        [(header::ETAG, tag), (header::CACHE_CONTROL, KEPT), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let mut response = (caching, [(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response();
    if let Some(encoding) = asset.encoding {
        // Kept in one form only: whatever runs the script understands it, whatever it says it accepts.
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Weak, since what is sent may be compressed on the way.
fn tag_of(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}
