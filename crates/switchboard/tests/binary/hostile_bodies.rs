//! Bodies that mean harm, sent to every operation that takes JSON: with fields that nobody asked for, too large, too deep.

use reqwest::Method;
use serde_json::Value as Json;

use crate::installation::Installation;

/// Operations whose bodies have fields that a plugin's schema knows, and those that pass over what existing clients send.
const TOLERANT: [&str; 6] = [
    "POST /api/v1/plugins",
    "POST /api/v1/plugins/{id}/config",
    "PUT /api/admin/plugins/{id}/config",
    "PATCH /api/admin/plugins/{id}/config",
    "PUT /api/org/{org}/organization/plugins/{id}/config",
    "PATCH /api/org/{org}/organization/plugins/{id}/config",
];

/// Each operation that takes JSON: its method, its path, the plugin that it is of, and the schema of the body.
fn operations(document: &Json) -> Vec<(Method, String, String, Json)> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            if body.is_object() {
                let method = method.to_uppercase().parse().unwrap();
                let plugin = operation["tags"][0].as_str().unwrap().to_owned();
                operations.push((method, path.clone(), plugin, resolved(document, body).clone()));
            }
        }
    }
    assert!(operations.len() > 40, "{}", operations.len());
    operations
}

fn resolved<'a>(document: &'a Json, schema: &'a Json) -> &'a Json {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    }
}

#[tokio::test]
async fn no_operation_of_the_servers_own_takes_a_field_that_it_does_not_know() {
    let installation = Installation::new();
    let server = installation.serve();
    let document = server.get("/api/openapi.json").await;
    let mut takes_anything: Vec<String> = operations(&document)
        .into_iter()
        .filter(|(.., plugin, _)| ["account", "administration", "organization"].contains(&plugin.as_str()))
        .filter(|(.., schema)| schema["additionalProperties"] != false)
        .map(|(method, path, ..)| format!("{method} {path}"))
        .collect();
    takes_anything.retain(|operation| !TOLERANT.contains(&operation.as_str()));
    assert_eq!(
        takes_anything, [""; 0],
        "whoever sends more than is known could set what is not theirs to set"
    );
}

#[tokio::test]
async fn every_operation_refuses_what_is_too_deep_or_too_large_and_serves_on() {
    let installation = Installation::unlimited();
    let server = installation.serve();
    let document = server.get("/api/openapi.json").await;
    let deep = format!("{{\"name\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20));
    for (method, path, ..) in operations(&document) {
        let word = |word: &str| match word {
            "{org}" => "default".to_owned(),
            word if word.starts_with('{') => "1".to_owned(),
            word => word.to_owned(),
        };
        let address: String = path.split('/').map(word).collect::<Vec<_>>().join("/");
        let request = || server.ask(method.clone(), &address).header("content-type", "application/json");
        let answer = request().body(deep.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 422, "{method} {path}: {}", answer.text().await.unwrap());
        // The server may have closed the connection before all was sent.
        if let Ok(answer) = request().body(large.clone()).send().await {
            assert_eq!(answer.status(), 413, "{method} {path}");
        }
    }
    server.get("/api/v1/health").await;
    server.stop();
}
