//! The guestbook, asked as clients ask: through the kernel's routes, on real SQLite.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use switchboard_sdk::{Plugin, Said};
use switchboard_testkit::{
    Answer, Stage,
    kernel::{By, Measured},
};

const ENTRIES: &str = "/api/org/default/guestbook/entries";

fn guestbook() -> Arc<dyn Plugin> {
    guestbook::plugin().build().unwrap_or_else(|faults| panic!("{faults}"))
}

async fn sign(stage: &Stage, name: &str, message: &str) -> Answer {
    stage.ask("POST", ENTRIES).json(&json!({"name": name, "message": message})).send().await
}

async fn configure(stage: &Stage, config: Value) {
    let config = config.as_object().unwrap().clone();
    stage.kernel().configure(&By::system("test"), "guestbook", Some("default"), config).await.unwrap();
}

/// The messages, newest first.
async fn messages(stage: &Stage, address: &str) -> Vec<String> {
    let entries: Vec<Value> = stage.ask("GET", address).send().await.json(200);
    entries.iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_entry_is_kept_with_its_time() {
    let stage = Stage::with([guestbook()]).await;
    stage.clock().advance(Duration::from_secs(1));
    let entry: Value = sign(&stage, "Ada", "  It was lovely. ").await.json(201);
    let expected =
        json!({"id": 1, "name": "Ada", "message": "It was lovely.", "signed_at": "2026-01-02T03:04:06Z"});
    assert_eq!(entry, expected);
    let listed: Value = stage.ask("GET", ENTRIES).send().await.json(200);
    assert_eq!(listed, json!([expected]));
    stage.finish().await;
}

#[tokio::test]
async fn the_newest_entries_come_first_and_the_rest_page_by_page() {
    let stage = Stage::with([guestbook()]).await;
    for message in ["one", "two", "three"] {
        sign(&stage, "Ada", message).await.expect(201);
    }
    assert_eq!(messages(&stage, &format!("{ENTRIES}?limit=2")).await, ["three", "two"]);
    assert_eq!(messages(&stage, &format!("{ENTRIES}?before=2")).await, ["one"]);
    stage.finish().await;
}

#[tokio::test]
async fn whoever_may_not_sign_is_refused_and_may_read() {
    let stage = Stage::with([guestbook()]).await;
    let ask = stage.ask("POST", ENTRIES).allowed(&[]);
    let answer = ask.json(&json!({"name": "Ada", "message": "Hello"})).send().await;
    assert_eq!(answer.failure().kind(), "forbidden");
    stage.ask("GET", ENTRIES).allowed(&[]).send().await.expect(200);
    stage.finish().await;
}

#[tokio::test]
async fn an_empty_message_is_refused_with_its_place() {
    let stage = Stage::with([guestbook()]).await;
    match sign(&stage, "Ada", "").await.failure() {
        switchboard_sdk::Failure::Invalid { faults, .. } => assert_eq!(faults[0].place(), "body.message"),
        other => panic!("{other}"),
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_message_of_blanks_is_refused() {
    let stage = Stage::with([guestbook()]).await;
    assert_eq!(sign(&stage, "Ada", "  ").await.failure().kind(), "invalid");
    assert!(messages(&stage, ENTRIES).await.is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn a_refused_word_keeps_the_entry_out() {
    let stage = Stage::with([guestbook()]).await;
    configure(&stage, json!({"refused_words": ["casino"]})).await;
    let refused = sign(&stage, "Bot", "Best CASINO in town").await;
    assert_eq!(refused.failure().kind(), "conflict");
    assert!(messages(&stage, ENTRIES).await.is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn the_oldest_entries_go_when_there_are_more_than_are_kept() {
    let stage = Stage::with([guestbook()]).await;
    configure(&stage, json!({"keep": 2})).await;
    for message in ["one", "two", "three"] {
        sign(&stage, "Ada", message).await.expect(201);
    }
    stage.idle().await;
    assert_eq!(messages(&stage, ENTRIES).await, ["three", "two"]);
    stage.finish().await;
}

#[tokio::test]
async fn other_plugins_count_entries() {
    let stage = Stage::with([guestbook()]).await;
    sign(&stage, "Ada", "Hello").await.expect(201);
    sign(&stage, "Grace", "Hello").await.expect(201);
    let of_all = stage.service("guestbook.count", &json!({})).await.unwrap();
    let of_ada = stage.service("guestbook.count", &json!({"name": "Ada"})).await.unwrap();
    assert_eq!((of_all, of_ada), (json!({"entries": 2}), json!({"entries": 1})));
    stage.finish().await;
}

#[tokio::test]
async fn what_one_organization_keeps_is_nothing_to_another() {
    let stage = Stage::with([guestbook()]).await;
    stage.kernel().create_organization(&By::system("test"), "other", "Other").await.unwrap();
    configure(&stage, json!({"keep": 1})).await;
    let other = "/api/org/other/guestbook/entries";
    for message in ["one", "two"] {
        let new = json!({"name": "Ada", "message": message});
        stage.ask("POST", other).json(&new).send().await.expect(201);
    }
    sign(&stage, "Ada", "three").await.expect(201);
    stage.idle().await;
    assert_eq!(messages(&stage, other).await, ["two", "one"]);
    assert_eq!(messages(&stage, ENTRIES).await, ["three"]);
    stage.finish().await;
}

#[tokio::test]
async fn whoever_gives_the_command_is_told_who_signed_last_and_each_signature_is_counted() {
    let stage = Stage::with([guestbook()]).await;
    assert_eq!(stage.command("!signatures").await.unwrap(), Said::ephemeral("Nobody has signed yet."));
    for name in ["Ada", "Grace", "Edith"] {
        sign(&stage, name, "Hello").await.expect(201);
    }
    let said = stage.command("signatures 2").await.unwrap();
    assert_eq!(said, Said::new("- **Edith**: Hello\n- **Grace**: Hello"));
    match stage.command("!signatures eleven").await.unwrap_err() {
        switchboard_sdk::Failure::Invalid { faults, .. } => assert_eq!(faults[0].place(), "arguments.count"),
        other => panic!("{other}"),
    }
    let measured = stage.metrics("guestbook").series;
    assert_eq!(measured.values().collect::<Vec<_>>(), [&Measured::Counter(3)]);
    stage.finish().await;
}
