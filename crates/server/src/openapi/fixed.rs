//! The addresses that are the server's own, whatever is loaded.

use serde_json::{Map, Value as Json, json};

/// The tag that they stand under; a capital begins no plugin's id.
pub(super) const TAG: &str = "Server";

/// Each address with what is answered there. None needs a token but the metrics.
pub(super) fn paths() -> Map<String, Json> {
    let text = |description: &str, content_type: &str| json!({ "description": description, "content": { content_type: { "schema": {"type": "string"} } } });
    let object = |description: &str, properties: Json| {
        let required: Vec<String> = properties.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        let schema = json!({ "type": "object", "required": required, "properties": properties });
        json!({ "description": description, "content": { "application/json": { "schema": schema } } })
    };
    let word = || json!({"type": "string"});
    let about = json!({ "message": word(), "version": word(), "docs": word(), "health": word() });
    let mut about =
        object("What this is, for a client that asks for JSON; a page for one that asks for HTML.", about);
    if let Some(content) = about.get_mut("content").and_then(Json::as_object_mut) {
        content.insert("text/html".to_owned(), json!({ "schema": word() }));
    }
    let health = json!({
        "status": {"type": "string", "const": "ok"}, "service": word(), "version": word(),
        "timestamp": {"type": "string", "format": "date-time"},
    });
    let whole = json!({ "description": "This document.", "content": { "application/json": { "schema": {"type": "object"} } } });
    let any = |description: &str| json!({ "description": description, "content": { "application/json": { "schema": {"type": "object"} } } });
    let error = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let addresses = [
        ("/", "about", "What runs here", vec![("200", about)]),
        ("/api/docs", "docs", "This reference as a page", vec![("200", text("The page.", "text/html"))]),
        ("/api/openapi.json", "openapi", "This reference for programs", vec![("200", whole)]),
        ("/api/v1/health", "health", "Whether the server answers", vec![("200", object("It does.", health))]),
        ("/healthz", "alive", "Whether the process answers", vec![("200", text("It does.", "text/plain"))]),
        (
            "/readyz",
            "ready",
            "Whether the server is ready for requests",
            vec![("200", any("It is.")), ("503", any("It is not; the body says why."))],
        ),
        (
            "/metrics",
            "metrics",
            "Counters and timings for Prometheus",
            vec![
                ("200", text("In Prometheus' text format.", "text/plain")),
                ("401", error("Unauthorized")),
                ("403", error("Forbidden")),
            ],
        ),
    ];
    let operation = |id: &str, summary: &str, responses: Vec<(&str, Json)>| {
        let responses: Map<String, Json> =
            responses.into_iter().map(|(status, response)| (status.to_owned(), response)).collect();
        // The document asks for a token wherever nothing else is said.
        let needs_token = responses.contains_key("401");
        let mut operation = json!({
            "tags": [TAG], "operationId": format!("{TAG}.{id}"), "summary": summary, "responses": responses,
        });
        if let Some(operation) = operation.as_object_mut().filter(|_| !needs_token) {
            operation.insert("security".to_owned(), json!([]));
        }
        json!({ "get": operation })
    };
    addresses
        .into_iter()
        .map(|(address, id, summary, responses)| (address.to_owned(), operation(id, summary, responses)))
        .collect()
}
