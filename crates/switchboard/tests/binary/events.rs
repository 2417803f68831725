//! Events at the terminal, and those that are streamed when the server is told to stop.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::installation::Installation;

#[tokio::test]
async fn events_are_listed_and_shown_with_a_server_and_without() {
    let installation = Installation::new();
    let server = installation.serve();
    for title in ["A perfect run", "Another"] {
        server.make_clip(title).await;
    }
    let list = ["events", "list", "--type", "clip.created", "--org", "default"];
    let page = installation.json(&list);
    let titles: Vec<&Json> =
        page["events"].as_array().unwrap().iter().map(|event| &event["data"]["title"]).collect();
    assert_eq!(titles, ["Another", "A perfect run"]);
    let first = installation.json(&[&list[..], &["--limit", "1"]].concat());
    let next = first["next"].as_str().unwrap();
    assert_eq!(installation.json(&[&list[..], &["--before", next]].concat())["events"][0], page["events"][1]);
    let id = page["events"][0]["id"].as_str().unwrap();
    let shown = installation.run(&["events", "show", "clips", id]);
    assert!(shown.out.contains("Another") && shown.out.contains("No plugin listens to it."), "{}", shown.out);
    server.stop();
    assert_eq!(installation.json(&list)["events"], page["events"], "without a server they are the same");
    let none = installation.run(&["events", "show", "clips", "../../plugins"]);
    assert!(none.code == 1 && none.err.contains("is no event's id"), "{}", none.err);
}

#[tokio::test]
async fn what_was_given_up_is_decided_on_and_nothing_where_nothing_is_said() {
    let installation = Installation::new();
    let _server = installation.serve();
    assert_eq!(installation.run(&["events", "dead"]).out.trim(), "No event was given up.");
    let unsaid = installation.run(&["events", "replay"]);
    assert!(unsaid.code == 1 && unsaid.err.contains("say which dead letters"), "{}", unsaid.err);
    for what in ["replay", "discard"] {
        let done = installation.json(&["events", what, "--all", "--org", "default"]);
        assert_eq!(done, json!({ "letters": 0 }));
    }
    let refused = installation.run(&["events", "discard", "--type", "Clip"]);
    assert!(refused.code == 1 && refused.err.contains("no pattern of event types"), "{}", refused.err);
}

#[tokio::test]
async fn only_a_plugin_that_listens_is_paused() {
    let installation = Installation::new();
    let _server = installation.serve();
    assert_eq!(installation.run(&["events", "listeners"]).out.trim(), "No plugin listens to events.");
    let refused = installation.run(&["events", "pause", "clips"]);
    assert!(refused.code == 1 && refused.err.contains("listens to no events"), "{}", refused.err);
    let unknown = installation.run(&["events", "resume", "nobody"]);
    assert!(unknown.code == 1 && unknown.err.contains("nobody"), "{}", unknown.err);
}

#[tokio::test]
async fn who_reads_a_stream_does_not_keep_the_server_from_stopping() {
    let installation = Installation::new();
    let server = installation.serve();
    let mut answer = server.ask(Method::GET, "/api/admin/events/stream").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    server.make_clip("A perfect run").await;
    let mut read = String::new();
    while !read.contains("A perfect run") {
        read.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
    }
    server.signal("TERM");
    let rest = tokio::time::timeout(Duration::from_secs(20), async {
        let mut rest = String::new();
        while let Some(chunk) = answer.chunk().await.unwrap() {
            rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        rest
    });
    assert!(rest.await.unwrap().contains("the server stops"));
    assert_eq!(server.ended().code(), Some(0));
}
