//! Plugins seen and switched at the terminal, with a server and without one.

use reqwest::Method;
use serde_json::Value as Json;

use crate::installation::{Installation, clip};

const RIVAL: &str = r#"
id: rival
name: Rival
version: 1.0.0
type: external
category: media
entry_point: plugin.wasm
provides:
  api_routes:
    - { method: GET, path: /api/v1/clips, scope: root, reason: it wants them too }
"#;

const GREETER: &str = r#"
id: greeter
name: Greeter
version: 2.1.0
description: Says hello.
type: external
category: utility
entry_point: plugin.wasm
requires: [{ plugin_id: clips, version: ">=0.1" }]
capabilities:
  - { name: db, reason: Remembers whom it greeted. }
  - { name: events, reason: Says whom it greeted. }
permissions:
  actions:
    - { name: "greeting:say", description: Say hello. }
provides:
  api_routes:
    - { method: GET, path: "/hello/{name}", permission: "greeting:say" }
  events:
    - { type: greeting.said, description: Somebody was greeted., schema: { type: object } }
config_schema: { type: object, properties: { warmth: { type: number } } }
config_defaults: { warmth: 0.7 }
"#;

/// Why a plugin does not serve, as the server says when it is ready.
fn reason(ready: &Json, id: &str) -> String {
    let absent = ready["not_serving"].as_array().unwrap().iter().find(|absent| absent["id"] == id);
    absent.unwrap_or_else(|| panic!("{id} serves: {ready}"))["reason"].as_str().unwrap().to_owned()
}

fn entry<'a>(plugins: &'a Json, id: &str) -> &'a Json {
    plugins.as_array().unwrap().iter().find(|plugin| plugin["id"] == id).unwrap()
}

#[tokio::test]
async fn a_plugin_that_the_environment_switches_off_is_left_out_and_named() {
    let installation = Installation::new();
    let server = installation.serve_with(&[("DISABLED_PLUGINS", "highlight_detector")]);
    let reason = reason(&server.ready, "highlight_detector");
    assert!(reason.contains("DISABLED_PLUGINS"), "{reason}");
    let listed = installation.json(&["plugin", "list"]);
    assert_eq!(entry(&listed, "highlight_detector")["state"], "disabled");
    assert_eq!(entry(&listed, "clips")["state"], "loaded");
    let metadata = &server.make_clip("Unheard").await["metadata"];
    assert!(metadata.get("analyzed_by").is_none(), "{metadata}");
}

#[test]
fn a_name_that_is_no_plugin_id_in_the_environment_is_refused() {
    let installation = Installation::new();
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let output = command.env("DISABLED_PLUGINS", "No Plugin").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("DISABLED_PLUGINS"));
}

#[tokio::test]
async fn what_requires_a_plugin_that_is_switched_off_does_not_load_and_says_so() {
    let installation = Installation::new();
    let server = installation.serve_with(&[("DISABLED_PLUGINS", "clips")]);
    let reason = reason(&server.ready, "highlight_detector");
    assert!(reason.contains("clips"), "{reason}");
    assert_eq!(server.status("/api/v1/clips").await, 404);
    assert_eq!(server.status("/readyz").await, 200);
}

#[tokio::test]
async fn a_malformed_manifest_leaves_the_rest_starting_and_is_named_in_one_sentence() {
    let installation = Installation::new();
    installation.install("broken", "id: broken\nname: [unclosed\n");
    let server = installation.serve();
    let reason = reason(&server.ready, "broken");
    assert!(reason.contains("manifest.yaml") && reason.contains("line"), "{reason}");
    assert!(!reason.trim().contains('\n'), "{reason}");
    server.make_clip("Served all the same").await;
    let listed = installation.run(&["plugin", "list"]);
    assert!(listed.out.contains("broken does not run: "), "{}", listed.out);
    let report = installation.run(&["doctor"]);
    assert_eq!(report.code, 3);
    assert!(report.out.contains("plugin broken"), "{}", report.out);
}

#[tokio::test]
async fn of_two_plugins_that_claim_one_route_the_second_is_refused_naming_both() {
    let installation = Installation::new();
    installation.install("rival", RIVAL);
    let server = installation.serve();
    let reason = reason(&server.ready, "rival");
    assert!(reason.contains("/api/v1/clips") && reason.contains("`clips`"), "{reason}");
    server.make_clip("Mine").await;
}

#[tokio::test]
async fn a_plugin_is_switched_through_the_server_that_runs() {
    let installation = Installation::new();
    let server = installation.serve();
    installation.json(&["plugin", "disable", "highlight_detector", "--org", "default"]);
    assert!(server.make_clip("Unheard").await["metadata"].get("analyzed_by").is_none());
    installation.json(&["plugin", "disable", "highlight_detector"]);
    installation.json(&["plugin", "disable", "clips"]);
    let refused = server.ask(Method::POST, "/api/v1/clips").json(&clip("Off")).send().await.unwrap();
    assert!([403, 404].contains(&refused.status().as_u16()), "{}", refused.status());
    installation.json(&["plugin", "enable", "clips"]);
    server.make_clip("On again").await;
}

#[test]
fn disabling_what_another_requires_is_refused_with_its_name() {
    let installation = Installation::new();
    let _server = installation.serve();
    let said = installation.run(&["plugin", "disable", "clips"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("highlight_detector"), "{}", said.err);
}

#[test]
fn without_a_server_plugins_are_switched_just_as_well() {
    let installation = Installation::new();
    installation.serve().stop();
    let said = installation.run(&["plugin", "disable", "highlight_detector"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(entry(&installation.json(&["plugin", "list"]), "highlight_detector")["state"], "disabled");
    let server = installation.serve();
    assert!(!reason(&server.ready, "highlight_detector").is_empty());
}

#[test]
fn a_plugin_is_shown_with_what_it_contributes() {
    let installation = Installation::new();
    installation.install("greeter", GREETER);
    installation.serve().stop();
    let shown = installation.run(&["plugin", "show", "greeter"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    let folder = installation.data("plugins/greeter").display().to_string();
    insta::assert_snapshot!(shown.out.replace(&folder, "FOLDER"));
    let unknown = installation.run(&["plugin", "show", "nobody"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("`nobody`"), "{}", unknown.err);
    let outside = installation.run(&["plugin", "show", "../tokens"]);
    assert_eq!(outside.code, 1);
    assert!(outside.err.contains("../tokens"), "{}", outside.err);
}

#[test]
fn commands_that_need_a_data_folder_say_that_there_is_none() {
    let installation = Installation::new();
    for args in [&["plugin", "list"][..], &["token", "list"], &["backup"]] {
        let said = installation.run(args);
        assert_eq!(said.code, 1, "{args:?}");
        assert!(said.err.contains("there is no data folder") && said.err.contains("--data"), "{}", said.err);
    }
    assert!(!installation.data("").exists());
}
