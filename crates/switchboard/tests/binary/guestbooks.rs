//! The guestbook in every language, in a real server: each answers as the others do, to the word.
//!
//! Beside it stands `once`, which takes part in the signing and calls its service.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::installation::{Installation, Server, send};

const ENTRIES: &str = "/api/org/default/guestbook/entries";

fn at_the_root(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).to_str().unwrap().to_owned()
}

/// Builds a plugin at the terminal, into the folder from which the server loads it.
fn put_in(installation: &Installation, source: &str, id: &str) {
    let into: PathBuf = installation.data("plugins").join(id);
    fs::create_dir_all(installation.data("plugins")).unwrap();
    installation.json(&["plugin", "build", &at_the_root(source), "--output", into.to_str().unwrap()]);
}

async fn sign(server: &Server, entry: Json) -> (u16, Json) {
    let answer = server.ask(Method::POST, ENTRIES).json(&entry).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn configure(server: &Server, plugin: &str, config: Json) {
    let path = format!("/api/admin/plugins/{plugin}/config?organization=default");
    send(server, Method::PUT, &path, config).await;
}

/// The messages at an address, newest first.
async fn messages(server: &Server, query: &str) -> Vec<String> {
    let entries = server.get(&format!("{ENTRIES}{query}")).await;
    let of = |entry: &Json| entry["message"].as_str().unwrap().to_owned();
    entries.as_array().unwrap().iter().map(of).collect()
}

/// What a refusal says, without what differs from request to request.
fn refusal((status, mut problem): (u16, Json)) -> (u16, Json) {
    for word in ["request_id", "trace", "instance"] {
        problem.as_object_mut().unwrap().remove(word);
    }
    (status, problem)
}

/// Goes through all that a guestbook does, and gives its refusals, which are the same in every language.
async fn conforms(source: &str) -> Vec<(u16, Json)> {
    let installation = Installation::unlimited();
    put_in(&installation, source, "guestbook");
    put_in(&installation, "tests/conformance/once", "once");
    let server = installation.serve();

    let (status, entry) = sign(&server, json!({"name": "Ada", "message": "  It was lövely. "})).await;
    assert_eq!(
        (status, &entry["id"], &entry["message"]),
        (201, &json!(1), &json!("It was lövely.")),
        "{source}: {entry}"
    );
    let signed_at = entry["signed_at"].as_str().unwrap();
    assert!(signed_at.ends_with('Z') && signed_at.len() >= "2026-01-02T03:04:05Z".len(), "{signed_at}");
    assert_eq!(server.get(ENTRIES).await, json!([entry]), "{source}");
    for message in ["two", "three"] {
        assert_eq!(sign(&server, json!({"name": "Grace", "message": message})).await.0, 201, "{source}");
    }
    assert_eq!(messages(&server, "?limit=2").await, ["three", "two"], "{source}");
    assert_eq!(messages(&server, "?before=2").await, ["It was lövely."], "{source}");

    let count = "/api/org/default/once/count";
    assert_eq!(server.get(count).await, json!({"entries": 3}), "{source}");
    assert_eq!(server.get(&format!("{count}?name=Ada")).await, json!({"entries": 1}), "{source}");
    assert_eq!(server.status(&format!("{count}?odd=true")).await, 422, "{source}");

    let mut refusals = Vec::new();
    for entry in [
        json!({"name": "Ada", "message": ""}),
        json!({"name": "Ada", "message": "   "}),
        json!({"name": "", "message": "x".repeat(1001)}),
        json!({"name": 7}),
    ] {
        refusals.push(refusal(sign(&server, entry).await));
    }
    for query in ["limit=0", "limit=101", "limit=many", "before=x"] {
        let answer = server.ask(Method::GET, &format!("{ENTRIES}?{query}")).send().await.unwrap();
        refusals.push(refusal((answer.status().as_u16(), answer.json().await.unwrap())));
    }
    configure(&server, "guestbook", json!({"refused_words": ["casino"]})).await;
    refusals.push(refusal(sign(&server, json!({"name": "Bot", "message": "Best CASINO in town"})).await));
    configure(&server, "once", json!({"refuse": true})).await;
    refusals.push(refusal(sign(&server, json!({"name": "Ada", "message": "again"})).await));
    let anyone = server.client().post(server.url(ENTRIES)).json(&json!({"name": "Eve", "message": "x"}));
    assert_eq!(anyone.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{source}");
    assert_eq!(messages(&server, "").await.len(), 3, "{source}: a refused entry was kept");

    // The event has the task run, apart from the request.
    configure(&server, "once", json!({"refuse": false})).await;
    configure(&server, "guestbook", json!({"keep": 2})).await;
    assert_eq!(sign(&server, json!({"name": "Ada", "message": "four"})).await.0, 201, "{source}");
    let begun = Instant::now();
    while messages(&server, "").await != ["four", "three"] {
        assert!(begun.elapsed() < Duration::from_secs(30), "{source}: the oldest entries stay");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop();
    refusals
}

/// Whether components can be built of Rust here: `scripts/wasm-target` sees to it.
fn rust_makes_components() -> bool {
    if std::env::var_os("SWITCHBOARD_WASM_RUSTC").is_some() {
        return true;
    }
    let asked = std::process::Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .output();
    let folder =
        asked.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default();
    fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

#[tokio::test]
async fn the_guestbook_answers_alike_in_every_language() {
    let mut sources =
        vec!["examples/guestbook-python", "examples/guestbook-javascript", "examples/guestbook-c"];
    if rust_makes_components() {
        sources.insert(0, "examples/guestbook");
    } else {
        assert!(std::env::var_os("CI").is_none(), "`scripts/wasm-target` gets the target for components");
        eprintln!(
            "SKIPPED: the guestbook in Rust as a component: `scripts/wasm-target` gets the target for it"
        );
    }
    let mut first = None;
    for source in sources {
        let refusals = conforms(source).await;
        assert_eq!(refusals, *first.get_or_insert_with(|| refusals.clone()), "{source}");
    }
}
