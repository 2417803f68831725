//! The commands of an organization's plugins: who is shown which, and what comes of giving one.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::stage::{Answer, Stage};

const COMMANDS: &str = "/api/org/default/organization/commands";

async fn line(stage: &Stage, line: &str) -> Answer {
    stage.post(COMMANDS, json!({ "line": line })).await
}

fn names(listed: &Json) -> Vec<String> {
    let name = |command: &Json| format!("{}: {}", command["plugin"], command["usage"]).replace('"', "");
    listed.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_give_a_command_is_shown_how_it_is_written() {
    let stage = Stage::new().await;
    let all = stage.get(COMMANDS).await.json(200);
    assert_eq!(names(&all), ["greeter: greet <name> [times]", "greeter: whisper"]);
    let times = json!({"name": "times", "description": "How often", "required": false,
                       "schema": {"type": "integer", "minimum": 1}});
    assert_eq!(all[0]["arguments"][1], times);
    let token = stage.token("few", Some("default"), &["clip:read"]).await;
    let few = stage.ask(Method::GET, COMMANDS, Some(&token), None).await.json(200);
    assert_eq!(names(&few), ["greeter: greet <name> [times]"]);
    let whisper = stage.ask(Method::POST, COMMANDS, Some(&token), Some(json!({"line": "whisper"}))).await;
    assert!(whisper.detail(403).contains("greeting:whisper"));
    stage.post("/api/admin/plugins/greeter/disable", json!({"organization": "default"})).await.json(200);
    assert_eq!(stage.get(COMMANDS).await.json(200), json!([]));
    let gone = line(&stage, "greet Ada").await.detail(404);
    assert_eq!(gone, "there is no command `greet` for organization `default`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_given_as_a_line_or_by_name() {
    let stage = Stage::new().await;
    for given in ["!greet Ada", " greet  Ada ", "!greeter:greet \"Ada\""] {
        let said = line(&stage, given).await.json(200);
        assert_eq!(said, json!({"text": "Hello, Ada!", "ephemeral": false}), "{given}");
    }
    let named = format!("{COMMANDS}/greeter/greet");
    let said = stage.post(&named, json!({"arguments": {"name": "Ada", "times": 2}})).await.json(200);
    assert_eq!(said["text"], "Hello, Ada!\nHello, Ada!");
    let whisper = stage.post(&format!("{COMMANDS}/greeter/whisper"), json!({})).await.json(200);
    assert_eq!(whisper["ephemeral"], true);
    assert!(whisper["text"].as_str().unwrap().starts_with("psst, "), "{whisper}");

    let calls = stage.get("/api/admin/calls?plugin=greeter&kind=command").await.json(200);
    let call = calls["calls"].as_array().unwrap().iter().find(|call| call["what"] == "greet").unwrap();
    assert_eq!((&call["outcome"], &call["organization"]), (&json!("done"), &json!("default")));
    let metrics = stage.get("/metrics").await.text;
    for expected in [
        "# TYPE plugin_counter_greetings_total counter",
        "plugin_counter_greetings_total{plugin=\"greeter\",from=\"api\"} 5",
        "switchboard_plugin_call_seconds_count{plugin=\"greeter\",kind=\"command\"} 5",
    ] {
        assert!(metrics.lines().any(|line| line == expected), "{expected} in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_command_is_told_by_argument() {
    let stage = Stage::new().await;
    let wrong = line(&stage, "greet \"Ada of somewhere\" none").await;
    assert_eq!(wrong.faults(), ["int_parsing arguments.times", "string_too_long arguments.name"]);
    let missing = line(&stage, "greet").await;
    assert_eq!(missing.faults(), ["missing arguments.name"]);
    assert!(missing.detail(422).contains("greet <name> [times]"));
    let named = format!("{COMMANDS}/greeter/greet");
    let wrong = stage.post(&named, json!({"arguments": {"times": 0, "loud": true}})).await;
    let faults =
        ["extra_forbidden arguments.loud", "greater_than_equal arguments.times", "missing arguments.name"];
    assert_eq!(wrong.faults(), faults);
    assert_eq!(stage.post(COMMANDS, json!({})).await.faults(), ["missing body.line"]);
    let nobody = stage.post(&format!("{COMMANDS}/choir/greet"), json!({})).await.detail(404);
    assert_eq!(nobody, "there is no command `greet` of plugin `choir` for organization `default`");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_two_plugins_have_a_command_of_one_name_it_is_said_which_is_meant() {
    let stage = Stage::new().await;
    stage.post("/api/admin/plugins/choir/enable", json!({"organization": "default"})).await.json(200);
    let which = line(&stage, "greet Ada").await.detail(409);
    assert_eq!(
        which,
        "several plugins have a command `greet`: say which one, `greeter:greet` or `choir:greet`"
    );
    assert_eq!(line(&stage, "!choir:greet").await.json(200)["text"], "La, all!");
    assert_eq!(line(&stage, "!greeter:greet Ada").await.json(200)["text"], "Hello, Ada!");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_for_those_who_belong_to_the_organization() {
    let stage = Stage::new().await;
    stage.post("/api/admin/organizations", json!({"slug": "acme", "name": "Acme"})).await.json(201);
    let token = stage.token("theirs", Some("acme"), &["*"]).await;
    for (method, address) in [(Method::GET, COMMANDS), (Method::POST, COMMANDS)] {
        let body = Some(json!({"line": "greet Eve"})).filter(|_| method == Method::POST);
        stage.ask(method, address, Some(&token), body).await.detail(404);
    }
}
