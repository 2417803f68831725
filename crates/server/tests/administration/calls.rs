//! `/api/admin/calls` and a plugin's log: what an administrator sees of plugins at work.

use std::sync::Arc;

use serde_json::json;

use crate::stage::Stage;

const CALLS: &str = "/api/admin/calls";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_runs_is_listed_and_an_administrator_stops_it() {
    let stage = Arc::new(Stage::new().await);
    let waiting = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move { stage.get("/api/org/default/greeter/wait").await }
    });
    stage.direction.entered().await;
    let running = stage.get(&format!("{CALLS}/running")).await.json(200);
    let call = running.as_array().unwrap().iter().find(|call| call["plugin"] == "greeter").unwrap();
    assert_eq!(
        (&call["what"], &call["kind"]),
        (&json!("GET /api/org/{org}/greeter/wait"), &json!("request"))
    );
    assert_eq!((&call["organization"], &call["version"]), (&json!("default"), &json!("1.0.0")));
    let number = &call["number"];
    stage.post(&format!("{CALLS}/running/{number}/stop"), json!({})).await.is_empty();
    let told = waiting.await.unwrap().detail(503);
    assert_eq!(told, "plugin `greeter` was stopped in a request: an administrator stopped it");
    let gone = stage.post(&format!("{CALLS}/running/{number}/stop"), json!({})).await.detail(404);
    assert!(gone.contains("it may have ended"), "{gone}");
    let page = stage.get(&format!("{CALLS}?plugin=greeter&troubled=true&limit=1")).await.json(200);
    let stopped = &page["calls"][0];
    assert_eq!((&stopped["outcome"], &stopped["message"]), (&json!("stopped"), &json!(told)));
    assert_eq!(page["next"], stopped["id"], "there may be more");
    let lines = stage.get("/api/admin/audit?action=call.stopped").await.json(200);
    let line = &lines["lines"][0];
    assert_eq!((&line["subject"], &line["organization"]), (&json!("plugin:greeter"), &json!("default")));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_ended_are_found_by_what_they_were() {
    let stage = Stage::new().await;
    stage.get("/api/org/default/greeter/hello").await.json(200);
    let found = |query: &str| {
        let address = format!("{CALLS}?{query}");
        let stage = &stage;
        async move { stage.get(&address).await.json(200)["calls"].as_array().unwrap().len() }
    };
    assert_eq!(found("plugin=greeter&kind=request&outcome=done&organization=default").await, 1);
    assert_eq!(found("plugin=greeter&kind=task").await, 0);
    assert_eq!(found("plugin=nobody").await, 0);
    let faults = stage.get(&format!("{CALLS}?kind=dance")).await.faults();
    assert_eq!(faults, ["enum query.kind"]);
    stage.get(&format!("{CALLS}?organization=nowhere")).await.detail(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_plugin_is_asked_for_by_its_id() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/api/admin/plugins/greeter/log").await.json(200), json!([]));
    assert!(stage.get("/api/admin/plugins/nobody/log").await.detail(404).contains("no plugin `nobody`"));
    assert_eq!(stage.get("/api/admin/plugins/greeter/log?level=loud").await.faults(), ["enum query.level"]);
}
