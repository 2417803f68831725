//! Plugins at work, seen at the terminal: their calls, their log, and failures for their authors.

use serde_json::{Value as Json, json};

use crate::installation::Installation;

#[tokio::test]
async fn calls_are_seen_by_plugin_and_by_request() {
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("A perfect run").await;
    let found = installation.json(&["plugin", "calls", "clips", "--org", "default"]);
    let call = found["calls"].as_array().unwrap().iter().find(|call| call["kind"] == "request").unwrap();
    assert_eq!((&call["what"], &call["outcome"]), (&json!("POST /api/v1/clips"), &json!("done")));
    assert!(call["asked"]["db"].as_u64().unwrap() > 0 && call["bytes_in"].as_u64().unwrap() > 0, "{call}");
    let trace = call["trace"].as_str().unwrap();
    let of_request = installation.json(&["plugin", "calls", "--trace", trace]);
    assert!(
        of_request["calls"].as_array().unwrap().iter().any(|call| call["plugin"] == "clips"),
        "{of_request}"
    );
    let troubled = installation.run(&["plugin", "calls", "--troubled"]);
    assert_eq!((troubled.code, troubled.out.trim()), (0, "No such call was recorded."));
}

#[tokio::test]
async fn what_runs_is_listed_with_numbers_and_one_that_has_ended_is_not_stopped() {
    let installation = Installation::new();
    let _server = installation.serve();
    // The question itself is a call that runs.
    let running = installation.json(&["plugin", "calls", "--running"]);
    let [call] = &running.as_array().unwrap()[..] else { panic!("{running}") };
    assert_eq!((&call["plugin"], &call["kind"]), (&json!("administration"), &json!("request")));
    let stopped = installation.run(&["plugin", "stop", &call["number"].to_string()]);
    assert_eq!(stopped.code, 1);
    assert!(stopped.err.contains("it may have ended"), "{}", stopped.err);
}

#[tokio::test]
async fn a_plugins_log_is_empty_until_it_writes() {
    let installation = Installation::new();
    let _server = installation.serve();
    assert_eq!(installation.run(&["plugin", "log", "clips"]).out, "");
    let unknown = installation.run(&["plugin", "log", "nobody"]);
    assert!(unknown.code == 1 && unknown.err.contains("nobody"), "{}", unknown.err);
}

#[tokio::test]
async fn captures_are_asked_for_and_what_is_none_is_not_made_again() {
    let installation = Installation::new();
    let _server = installation.serve();
    let left = installation.json(&["plugin", "capture", "next", "clips", "--calls", "3"]);
    assert_eq!(left, json!({ "plugin": "clips", "calls": 3 }));
    assert_eq!(installation.json(&["plugin", "capture", "list", "clips"]), Json::Array(Vec::new()));
    let none = installation.run(&["plugin", "capture", "save", "7"]);
    assert!(none.code == 1 && none.err.contains("no captured call 7"), "{}", none.err);
    let file = installation.beside("none.json");
    std::fs::write(&file, "{}").unwrap();
    let refused = installation.run(&["plugin", "replay", file.to_str().unwrap()]);
    assert!(refused.code == 1 && refused.err.contains("no captured call"), "{}", refused.err);
}
