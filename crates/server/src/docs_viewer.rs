//! `GET /api/docs`: the OpenAPI document as a page that people read and send requests from.
//!
//! The page is drawn by a script that was written elsewhere. Its content security policy holds that script to this
//! server: it loads nothing from another host and sends nothing to one.

use axum::{
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};
use http::header;
use maud::{DOCTYPE, Markup, html};

use crate::{home::mark, server::Server};

/// The page's address.
const ADDRESS: &str = "/api/docs";

/// What the page may do. Styles may stand in the page because the viewer writes them there and has no way to mark them as
/// its own; scripts may not, and nothing is reached but this server.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                                img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; \
                                base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page, and its address with a slash at the end, which people type.
pub(crate) fn addresses() -> [(&'static str, MethodRouter<Server>); 2] {
    [(ADDRESS, get(docs)), ("/api/docs/", get(async || Redirect::permanent(ADDRESS)))]
}

async fn docs() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    ];
    (headers, page().into_string()).into_response()
}

fn page() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { "API reference · Switchboard" }
                link rel="icon" href="/assets/mark.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/switchboard.css";
                link rel="stylesheet" href="/assets/api_docs.css";
                script defer src="/assets/scalar-api-reference.js" {}
                script defer src="/assets/api_docs.js" {}
            }
            body {
                header.bar {
                    a href="/" { (mark()) span { "Switchboard" } }
                    a.document href="/api/openapi.json" { "openapi.json" }
                }
                // Left empty: the viewer takes whatever it finds in it for its own.
                main #reference {}
                noscript {
                    p {
                        "This page needs JavaScript. The same is in "
                        a href="/api/openapi.json" { "the OpenAPI document" } ", which most API tools read."
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CONTENT_SECURITY, page};

    #[test]
    fn no_script_runs_but_this_servers_own_and_no_other_host_is_reached() {
        let source = |directive: &str| {
            let of = CONTENT_SECURITY.split("; ").find_map(|part| part.strip_prefix(directive));
            of.unwrap_or_else(|| panic!("nothing is said of {directive}")).trim()
        };
        assert_eq!(source("default-src"), "'none'");
        assert_eq!(source("script-src"), "'self'");
        assert_eq!(source("connect-src"), "'self'");
        assert!(!CONTENT_SECURITY.contains("//") && !CONTENT_SECURITY.contains('*'));
        assert!(!page().into_string().contains("//"));
    }
}
