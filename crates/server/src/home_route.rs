//! `GET /`: for a program where things are, for a person the home page.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use serde_json::json;
use switchboard_api::OrganizationId;
use switchboard_kernel::{Catalog, Directory, Entry, Snapshot, State as PluginState};
use switchboard_manifest::{Manifest, PluginId};

use crate::{
    acting_as::ActingAs,
    client_address,
    home::{self, HomeView, PluginLine, StateKind},
    server::Server,
};

/// What the page may do: show itself, and send its form here.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                                form-action 'self'; frame-ancestors 'none'";

/// Answers with JSON to a client that asks for it, and with the page to every other.
pub(crate) async fn home(State(server): State<Server>, headers: HeaderMap) -> Response {
    let vary = [(header::VARY, "Accept, Cookie")];
    if asks_for_json(&headers) {
        return (vary, Json(places(&server))).into_response();
    }
    let acting_as = ActingAs::of(&server, &headers).await;
    let cached = if acting_as.is_some() { "no-store" } else { "no-cache" };
    let security = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer` a browser would send the form as if from nowhere: `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, cached),
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    ];
    (vary, security, home::home(&view(&server, &headers, acting_as)).into_string()).into_response()
}

fn places(server: &Server) -> serde_json::Value {
    json!({
        "message": "Switchboard is running",
        "version": server.kernel.version(),
        "docs": "/api/docs",
        "health": "/api/v1/health",
    })
}

/// Whether JSON is named, and a page is not wanted more.
fn asks_for_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut json, mut page) = (0.0, 0.0);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0);
        match media.as_str() {
            "application/json" => json = f64::max(json, weight),
            "text/html" | "application/xhtml+xml" => page = f64::max(page, weight),
            _ => {}
        }
    }
    json > 0.0 && json >= page
}

fn view(server: &Server, headers: &HeaderMap, acting_as: Option<ActingAs>) -> HomeView {
    let (catalog, snapshot) = (server.kernel.catalog(), server.kernel.snapshot());
    let directory = server.kernel.directory();
    HomeView {
        version: server.kernel.version().to_string(),
        address: address(headers),
        organization: organization(&directory),
        uptime: server.started.elapsed(),
        acting_as,
        plugins: plugins(&catalog, &snapshot, &directory),
    }
}

fn organization(directory: &Directory) -> String {
    match directory.organizations() {
        [only] => only.name.clone(),
        several => format!("one of {}, named by X-Organization", several.len()),
    }
}

/// The address by which the visitor came; it goes nowhere but back to them.
fn address(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_host = |host: &&str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]_".contains(&byte))
    };
    let host = text(header::HOST).filter(is_host).unwrap_or("localhost");
    let scheme = if client_address::is_encrypted(headers) { "https" } else { "http" };
    format!("{scheme}://{host}")
}

fn plugins(catalog: &Catalog, snapshot: &Snapshot, directory: &Directory) -> Vec<PluginLine> {
    let organizations: Vec<_> =
        directory.organizations().iter().map(|organization| organization.id).collect();
    // Anyone sees the page, and private plugins are not for anyone to know of.
    let public = catalog.entries().filter(|(_, entry)| !entry.manifest.private);
    let found = public.map(|(id, entry)| line(id, entry, snapshot, &organizations));
    let unreadable = catalog.unreadable().iter().map(|folder| PluginLine {
        id: folder.label.clone(),
        name: folder.label.clone(),
        version: String::new(),
        category: String::new(),
        state: "failed".to_owned(),
        state_kind: StateKind::Bad,
        description: "No plugin could be made out in this folder.".to_owned(),
        reason: Some(where_the_reason_is(&folder.label)),
        contributions: Vec::new(),
    });
    found.chain(unreadable).collect()
}

fn line(id: &PluginId, entry: &Entry, snapshot: &Snapshot, organizations: &[OrganizationId]) -> PluginLine {
    let manifest = &entry.manifest;
    let is_on = snapshot.plugin(id.as_str()).is_some_and(|plugin| {
        organizations.iter().any(|organization| snapshot.is_enabled(plugin, *organization))
    });
    let (state, state_kind) = match &entry.state {
        PluginState::Loaded if !is_on => ("not switched on", StateKind::Muted),
        PluginState::Loaded if !entry.warnings.is_empty() => ("running, with warnings", StateKind::Warning),
        PluginState::Loaded => ("running", StateKind::Good),
        PluginState::Disabled { .. } => ("switched off", StateKind::Muted),
        PluginState::Failed { .. } => ("failed", StateKind::Bad),
        PluginState::Unloaded => ("unloaded", StateKind::Muted),
        PluginState::Discovered | PluginState::Validated => ("starting", StateKind::Muted),
    };
    PluginLine {
        id: id.to_string(),
        name: manifest.name.clone(),
        version: manifest.version.to_string(),
        category: word(&manifest.category),
        state: state.to_owned(),
        state_kind,
        description: manifest.description.clone(),
        reason: (state_kind == StateKind::Bad).then(|| where_the_reason_is(id.as_str())),
        contributions: contributions(manifest),
    }
}

/// The page is for everybody; why something failed may name files and settings, and is for those with a token.
fn where_the_reason_is(id: &str) -> String {
    format!("`switchboard plugin show {id}` says why.")
}

fn contributions(manifest: &Manifest) -> Vec<(String, usize)> {
    let provides = &manifest.provides;
    let counts = [
        ("route", provides.api_routes.len()),
        ("table", provides.models.len()),
        ("service", provides.services.len()),
        ("event", provides.events.len()),
        ("listener", provides.listeners.len()),
        ("filter point", provides.filter_points.len()),
        ("filter", provides.filters.len()),
        ("task", provides.tasks.len()),
        ("command", provides.commands.len()),
    ];
    let some = counts.into_iter().filter(|(_, count)| *count > 0);
    some.map(|(one, count)| (if count == 1 { one.to_owned() } else { format!("{one}s") }, count)).collect()
}

/// A word of the manifest as it is written there.
fn word(value: &impl serde::Serialize) -> String {
    let written = serde_json::to_value(value).ok();
    written.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};

    use super::{address, asks_for_json};

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn json_is_for_those_who_ask_for_it() {
        let asks = |accept| asks_for_json(&with(header::ACCEPT, accept));
        assert!(asks("application/json") && asks("application/json, text/html;q=0.5"));
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert!(!asks(browser) && !asks("*/*") && !asks("application/json;q=0.5, text/html"));
        assert!(!asks_for_json(&HeaderMap::new()));
    }

    #[test]
    fn an_address_that_is_none_is_not_shown() {
        assert_eq!(address(&with(header::HOST, "[::1]:8080")), "http://[::1]:8080");
        assert_eq!(address(&with(header::HOST, "a\" onload=x")), "http://localhost");
    }
}
