//! What the library says has happened.

use serde_json::{Value as Json, json};
use switchboard_testkit::Stage;

use crate::{
    CLIPS, at, clips, create, media_of,
    neighbour::{MARKER, Seen, listening, marking, refusing},
    upload, wav,
};

async fn heard(stage: &Stage, seen: &Seen) -> Vec<Json> {
    stage.idle().await;
    seen.take()
}

fn names(events: &[Json]) -> Vec<&str> {
    events.iter().map(|event| event["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_change_is_told_once_and_in_order() {
    let seen = Seen::default();
    let stage = Stage::with([clips(), listening(&seen)]).await;
    let id = create(&stage, "Ace", json!({"game_name": "Go"})).await["id"].clone();
    let change = json!({"title": "Better", "tags": ["a"], "processed": true, "game_name": "Go"});
    stage.ask("PUT", &at(&id)).json(&change).send().await.expect(200);
    stage.ask("DELETE", &at(&id)).send().await.expect(204);
    let told = |name: &str, title: &str, processed: bool| {
        json!({
            "name": name, "subject": "clip/1", "organization": 1,
            "data": {
                "id": 1, "title": title, "file_path": "/clips/Ace.mp4", "game_name": "Go", "processed": processed,
            },
        })
    };
    let mut updated = told("clip.updated", "Better", true);
    updated["data"]["changed"] = json!(["title", "tags", "processed"]);
    assert_eq!(
        heard(&stage, &seen).await,
        [
            told("clip.created", "Ace", false),
            updated,
            told("clip.processed", "Better", true),
            told("clip.deleted", "Better", true),
        ]
    );
}

#[tokio::test]
async fn what_did_not_happen_is_not_told() {
    let seen = Seen::default();
    let stage = Stage::with([clips(), listening(&seen)]).await;
    let id = create(&stage, "Ace", json!({"processed": true})).await["id"].clone();
    assert_eq!(names(&heard(&stage, &seen).await), ["clip.created"]);
    stage.ask("POST", CLIPS).json(&json!({})).send().await.failure();
    stage.ask("PATCH", &at(&id)).json(&json!({"title": "Ace", "processed": true})).send().await.expect(200);
    stage.ask("PATCH", &at(&id)).json(&json!({"title": ""})).send().await.failure();
    stage.ask("DELETE", &at(9)).send().await.failure();
    upload(&stage, &[("fps", "0")], &[("a.mp4", b"x")]).await.failure();
    stage.ask("PUT", &media_of(&id)).send().await.failure();
    assert_eq!(heard(&stage, &seen).await, Vec::<Json>::new());
}

#[tokio::test]
async fn media_and_metadata_are_told_as_changes() {
    let seen = Seen::default();
    let stage = Stage::with([clips(), listening(&seen)]).await;
    upload(&stage, &[], &[("a.wav", &wav(1))]).await.expect(201);
    stage.ask("PUT", &media_of(1)).body(wav(2)).send().await.expect(200);
    stage.service("clips.annotate", &json!({"id": 1, "metadata": {"a": 1}})).await.unwrap();
    stage.service("clips.annotate", &json!({"id": 1, "metadata": {"a": 1}, "remove": ["b"]})).await.unwrap();
    let events = heard(&stage, &seen).await;
    assert_eq!(names(&events), ["clip.created", "clip.updated", "clip.updated"]);
    assert_eq!(events[1]["data"]["changed"], json!(["media"]));
    assert_eq!(events[2]["data"]["changed"], json!(["metadata"]));
}

#[tokio::test]
async fn metadata_that_another_plugin_found_out_is_told_too() {
    let (seen, passed) = (Seen::default(), Seen::default());
    let stage = Stage::with([clips(), listening(&seen), marking(MARKER, &passed, "found", json!(1))]).await;
    create(&stage, "Ace", json!({})).await;
    let events = heard(&stage, &seen).await;
    assert_eq!(names(&events), ["clip.created", "clip.updated"]);
    assert_eq!(events[1]["data"]["changed"], json!(["metadata"]));
    let id = 1;
    stage.ask("PATCH", &at(id)).json(&json!({"processed": true})).send().await.expect(200);
    assert_eq!(
        names(&heard(&stage, &seen).await),
        ["clip.updated", "clip.processed"],
        "it was found out already"
    );
}

#[tokio::test]
async fn who_heard_of_a_clip_that_was_refused_hears_that_it_is_gone() {
    let seen = Seen::default();
    let stage = Stage::with([clips(), listening(&seen), refusing(MARKER, "clip.captured")]).await;
    stage.ask("POST", CLIPS).json(&json!({"title": "A", "file_path": "a"})).send().await.failure();
    assert_eq!(names(&heard(&stage, &seen).await), ["clip.created", "clip.deleted"]);
}

#[tokio::test]
async fn events_that_nobody_heard_before_a_restart_are_heard_after_it() {
    let seen = Seen::default();
    let stage = Stage::with([clips(), listening(&seen)]).await;
    create(&stage, "Ace", json!({})).await;
    stage.idle().await;
    let stage = stage.again_with([clips(), listening(&seen)]).await;
    create(&stage, "Next", json!({})).await;
    assert_eq!(names(&heard(&stage, &seen).await), ["clip.created", "clip.created"]);
}
