//! Nobody sees another organization's data: every operation of the document, asked by whoever may not.
//!
//! Two organizations, each with things in them; a token of the one asks for the other's by every address that the OpenAPI
//! document has, and so do no token, one that has expired, and one that may not do it. Nothing but 401, 403 and 404 comes
//! back, and nothing changes.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::{
    installation::{Installation, Server, clip},
    own_database::OwnDatabase,
};

/// Operations that anyone may call, by what they are for: they give away nothing of an organization.
const OPEN: [&str; 5] =
    ["GET /", "GET /healthz", "GET /readyz", "GET /api/v1/health", "GET /api/openapi.json"];

/// Who asks, and may not.
struct Intruder {
    name: &'static str,
    token: Option<String>,
    /// Whether the organization that is asked for is one that they belong to.
    belongs: bool,
}

/// An operation of the document.
struct Operation {
    method: Method,
    path: String,
    /// Whether the document says that no token is needed.
    is_open: bool,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it is about one organization, named by the address or by the header.
    fn is_within_organization(&self, takes_header: &BTreeSet<String>) -> bool {
        self.path.contains("{org}") || takes_header.contains(&self.name())
    }

    /// The address, with the things of `acme` in the place of parameters.
    fn address(&self, things: &Json) -> String {
        let word = |word: &str| match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
            None => word.to_owned(),
            Some("org") => "acme".to_owned(),
            Some(name) => {
                let kind = self
                    .path
                    .split('/')
                    .rev()
                    .skip_while(|part| part.starts_with('{'))
                    .find(|part| things.get(*part).is_some());
                let thing = kind.and_then(|kind| things.get(kind)).or_else(|| things.get(name));
                thing.and_then(Json::as_str).unwrap_or("1").to_owned()
            }
        };
        self.path.split('/').map(word).collect::<Vec<_>>().join("/")
    }
}

fn operations(document: &Json) -> (Vec<Operation>, BTreeSet<String>) {
    let mut operations = Vec::new();
    let mut takes_header = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if !["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                continue;
            }
            let security = operation.get("security").and_then(Json::as_array);
            let is_open = security.is_some_and(|security| {
                security.is_empty() || security.iter().any(|one| one.as_object().unwrap().is_empty())
            });
            let operation_of = Operation { method, path: path.clone(), is_open };
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            if parameters
                .into_iter()
                .any(|parameter| parameter["$ref"] == "#/components/parameters/Organization")
            {
                takes_header.insert(operation_of.name());
            }
            operations.push(operation_of);
        }
    }
    (operations, takes_header)
}

/// Everything that an administrator sees, by address, without what changes by looking at it.
async fn all_that_is_seen(server: &Server, operations: &[Operation], things: &Json) -> Json {
    let mut seen = serde_json::Map::new();
    for operation in operations.iter().filter(|operation| operation.method == Method::GET) {
        // They grow by this: they say who was refused, and who asked.
        let is_log = ["/metrics", "/api/admin/audit", "/api/admin/calls"]
            .iter()
            .any(|log| operation.path.starts_with(log));
        // A stream has no end.
        if operation.is_open || is_log || operation.path.ends_with("/stream") {
            continue;
        }
        let address = operation.address(things);
        let request = server.ask(Method::GET, &address).header("x-organization", "acme");
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let mut body = serde_json::from_str(&text).unwrap_or(Json::String(text));
        without_what_looking_changes(&mut body);
        seen.insert(address, json!([status, body]));
    }
    Json::Object(seen)
}

fn without_what_looking_changes(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            for name in ["last_used_at", "last_seen_at", "measures", "instance", "request"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(without_what_looking_changes);
        }
        Json::Array(items) => items.iter_mut().for_each(without_what_looking_changes),
        _ => {}
    }
}

async fn made(server: &Server, path: &str, body: Json) -> Json {
    let mut request = server.ask(Method::POST, path).json(&body);
    if path.starts_with("/api/v1") {
        request = request.header("x-organization", "acme");
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "POST {path}: {text}");
    serde_json::from_str(&text).unwrap()
}

async fn token(server: &Server, terms: Json) -> String {
    made(server, "/api/admin/tokens", terms).await["token"].as_str().unwrap().to_owned()
}

async fn walk(installation: &Installation, environment: &[(&str, &str)]) {
    let server = installation.serve_with(environment);
    for slug in ["acme", "rival"] {
        made(&server, "/api/admin/organizations", json!({ "slug": slug, "name": slug })).await;
    }
    let clip = made(&server, "/api/v1/clips", clip("Ours")).await;
    let spare = made(&server, "/api/admin/tokens", json!({ "name": "spare", "organization": "acme" })).await;
    let things = json!({
        "clips": clip["id"].to_string(), "tokens": spare["id"].to_string(), "plugins": "clips",
        "organizations": "acme",
    });
    let soon = jiff::Timestamp::now() + Duration::from_secs(1);
    let intruders = [
        Intruder { name: "nobody", token: None, belongs: false },
        Intruder {
            name: "an expired token",
            token: Some(token(&server, json!({ "name": "expired", "expires_at": soon.to_string() })).await),
            belongs: false,
        },
        Intruder {
            name: "a token of the rival",
            token: Some(token(&server, json!({ "name": "rival's", "organization": "rival" })).await),
            belongs: false,
        },
        Intruder {
            name: "a token that may not",
            token: Some(
                token(
                    &server,
                    json!({ "name": "idle", "organization": "acme", "actions": ["nothing:at_all"] }),
                )
                .await,
            ),
            belongs: true,
        },
    ];
    tokio::time::sleep(Duration::from_millis(1100)).await;

    let (operations, takes_header) = operations(&server.get("/api/openapi.json").await);
    let before = all_that_is_seen(&server, &operations, &things).await;
    let mut asked = 0;
    let mut own = BTreeSet::new();
    for operation in operations.iter().filter(|operation| !operation.is_open) {
        for intruder in &intruders {
            let is_within = operation.is_within_organization(&takes_header);
            let address = operation.address(&things);
            let mut request = server.client().request(operation.method.clone(), server.url(&address));
            if let Some(token) = &intruder.token {
                request = request.bearer_auth(token);
            }
            if takes_header.contains(&operation.name()) {
                request = request.header("x-organization", "acme");
            }
            if [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&operation.method) {
                request = request.json(&json!({}));
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            asked += 1;
            let text = answer.text().await.unwrap();
            if [401, 403, 404].contains(&status) {
                assert!(!text.contains("Ours"), "{} by {}: {text}", operation.name(), intruder.name);
                continue;
            }
            // What needs no action is for whoever is known, and says nothing of any organization but their own.
            let is_known = intruder.name.starts_with("a token");
            assert!(
                is_known && (!is_within || intruder.belongs),
                "{} by {}: {status} {text}",
                operation.name(),
                intruder.name
            );
            own.insert(operation.name());
        }
    }
    let after = all_that_is_seen(&server, &operations, &things).await;
    for (address, before) in before.as_object().unwrap() {
        assert_eq!(&after[address], before, "{address} has changed");
    }
    let open: Vec<String> =
        operations.iter().filter(|operation| operation.is_open).map(Operation::name).collect();
    for name in OPEN {
        assert!(open.iter().any(|open| open == name), "{name} is not open any more");
    }
    // A new operation that is for anyone, or asks for no action, is for a person to look at.
    let (open, own): (Vec<_>, Vec<_>) = (open, own.into_iter().collect());
    insta::assert_snapshot!(
        "operations_that_ask_for_no_action",
        format!("anyone:\n  {}\n\nwhoever is known:\n  {}", open.join("\n  "), own.join("\n  "))
    );
    eprintln!("{asked} requests to {} operations by {} intruders", operations.len(), intruders.len());
    server.stop();
}

#[tokio::test]
async fn no_operation_shows_or_changes_what_is_anothers() {
    walk(&Installation::unlimited(), &[]).await;
}

#[tokio::test]
async fn no_operation_shows_or_changes_what_is_anothers_on_postgresql() {
    let Some(database) = OwnDatabase::new("isolation") else { return };
    walk(&Installation::unlimited(), &[("SWITCHBOARD_DATABASE", &database.address())]).await;
}
