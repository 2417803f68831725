//! Other plugins take part when a clip is captured and when it is processed.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use switchboard_sdk::{Context, Definition, Failure};
use switchboard_testkit::Stage;
use tokio::sync::Semaphore;

use crate::{
    CLIPS, at, clips, create, expect_stored_files, get, media_of,
    neighbour::{EARLIER, MARKER, Seen, URGENT, built, marking, refusing, taking_part},
    upload, wav,
};

#[tokio::test]
async fn who_takes_part_sees_a_new_clip_and_what_it_finds_out_is_saved() {
    let seen = Seen::default();
    let stage = Stage::with([clips(), marking(MARKER, &seen, "found", json!([1, 2]))]).await;
    let fields = json!({"game_name": "Go", "clip_metadata": {"own": 1}});
    let created = create(&stage, "Ace", fields).await;
    assert_eq!(created["metadata"], json!({"own": 1, "found": [1, 2]}));
    assert_eq!(get(&stage, &at(1)).await, created);
    let passing = json!({
        "id": 1, "title": "Ace", "file_path": "/clips/Ace.mp4", "game_name": "Go", "metadata": {"own": 1},
    });
    assert_eq!(seen.all(), [json!({"point": "clip.captured", "passing": passing})]);
    create(&stage, "Plain", json!({})).await;
    let passing = json!({"id": 2, "title": "Plain", "file_path": "/clips/Plain.mp4", "game_name": null, "metadata": null});
    assert_eq!(seen.all()[1], json!({"point": "clip.captured", "passing": passing}));
}

#[tokio::test]
async fn an_upload_and_new_media_are_captured_with_the_media_in_place() {
    // The neighbour looks where the media is, from within the filter.
    let manifest = r#"
id: looker
name: Looker
version: 1.0.0
type: builtin
category: media
enabled_by_default: true
requires: [{ plugin_id: clips, version: ">=1" }]
capabilities:
  - { name: services, reason: Asks where the media is. }
  - { name: blobs, reason: Reads it., read_from: [clips] }
provides:
  filters: [{ name: clip.captured }]
"#;
    let look = |ctx: Context, mut passing: Json| async move {
        let media: Json = ctx.services().call("clips.media", &json!({"id": passing["id"]})).await?;
        let key = media["key"].as_str().unwrap();
        let owner = "clips".parse().unwrap();
        let blob = ctx.blobs().of(&owner).get(key, None).await?.unwrap();
        let bytes = blob.body.collect(u64::MAX).await?;
        passing["metadata"] =
            json!({"size": media["size"], "read": bytes.len(), "type": media["content_type"]});
        Ok(passing)
    };
    let looker = built(Definition::new(manifest).filter("clip.captured", look));
    let stage = Stage::with([clips(), looker]).await;
    let created: Json = upload(&stage, &[], &[("a.wav", &wav(1))]).await.json(201);
    assert_eq!(created["metadata"], json!({"size": 16_044, "read": 16_044, "type": "audio/wav"}));
    let replaced: Json = stage.ask("PUT", &media_of(1)).body(wav(2)).send().await.json(200);
    assert_eq!(replaced["metadata"], json!({"size": 32_044, "read": 32_044, "type": "audio/wav"}));
    assert_eq!(get(&stage, &at(1)).await, replaced);
}

#[tokio::test]
async fn a_clip_is_processed_each_time_that_it_turns_from_false_to_true() {
    let seen = Seen::default();
    let stage = Stage::with([clips(), marking(MARKER, &seen, "complete", json!(true))]).await;
    let id = create(&stage, "Ace", json!({"clip_metadata": {"complete": false}})).await["id"].clone();
    seen.take();
    for (body, is_asked) in [
        (json!({"title": "Better"}), false),
        (json!({"processed": true, "clip_metadata": {"own": 1}}), true),
        (json!({"processed": true, "title": "Best"}), false),
        (json!({"processed": false}), false),
        (json!({"processed": true}), true),
    ] {
        let after: Json = stage.ask("PUT", &at(&id)).json(&body).send().await.json(200);
        let points: Vec<_> = seen.take().iter().map(|seen| seen["point"].clone()).collect();
        assert_eq!(points, vec![json!("clip.processed"); usize::from(is_asked)], "{body}");
        if is_asked {
            assert_eq!(after["metadata"], json!({"own": 1, "complete": true}));
            assert_eq!(after["processed"], json!(true));
        }
        assert_eq!(get(&stage, &at(&id)).await, after);
    }
    create(&stage, "Born processed", json!({"processed": true})).await;
    let points: Vec<_> = seen.take().iter().map(|seen| seen["point"].clone()).collect();
    assert_eq!(points, ["clip.captured"]);
}

#[tokio::test]
async fn several_take_part_by_priority_and_then_by_id() {
    let seen = Seen::default();
    let stage = Stage::with([
        clips(),
        marking(MARKER, &seen, "second", json!("marker")),
        marking(URGENT, &seen, "first", json!("urgent")),
        marking(EARLIER, &seen, "second", json!("earlier")),
    ])
    .await;
    let created = create(&stage, "Ace", json!({})).await;
    assert_eq!(created["metadata"], json!({"first": "urgent", "second": "marker"}));
    let passed: Vec<_> = seen.take().iter().map(|seen| seen["passing"]["metadata"].clone()).collect();
    assert_eq!(
        passed,
        [json!(null), json!({"first": "urgent"}), json!({"first": "urgent", "second": "earlier"})]
    );
}

#[tokio::test]
async fn one_that_fails_is_passed_over_and_the_clip_stays() {
    let seen = Seen::default();
    let failing = taking_part(EARLIER, |_, _| Err(Failure::broken("it fell over")));
    let panicking = taking_part(URGENT, |_, _| panic!("it fell over loudly"));
    let stage = Stage::with([clips(), failing, panicking, marking(MARKER, &seen, "found", json!(1))]).await;
    let created = create(&stage, "Ace", json!({"clip_metadata": {"own": 1}})).await;
    assert_eq!(created["metadata"], json!({"own": 1, "found": 1}));
    let after: Json = stage.ask("PATCH", &at(1)).json(&json!({"processed": true})).send().await.json(200);
    assert_eq!(after["processed"], json!(true));
}

#[tokio::test]
async fn one_that_runs_out_of_time_is_passed_over() {
    let manifest = r#"
id: slow
name: Slow
version: 1.0.0
type: builtin
category: media
enabled_by_default: true
requires: [{ plugin_id: clips, version: ">=1" }]
provides:
  filters: [{ name: clip.captured, timeout_ms: 20 }]
"#;
    let never = |_: Context, passing: Json| async move {
        std::future::pending::<()>().await;
        Ok(passing)
    };
    let stage = Stage::with([clips(), built(Definition::new(manifest).filter("clip.captured", never))]).await;
    let created = create(&stage, "Ace", json!({})).await;
    assert_eq!(get(&stage, &at(1)).await, created);
}

#[tokio::test]
async fn what_comes_out_of_another_plugin_is_not_taken_on_trust() {
    for nonsense in [
        json!(null),
        json!([]),
        json!({}),
        json!({"id": 1, "title": "A", "file_path": "a", "game_name": null, "metadata": "text"}),
        json!({"id": "1", "title": "A", "file_path": "a", "game_name": null, "metadata": {"found": 1}}),
    ] {
        let given = nonsense.clone();
        let stage = Stage::with([clips(), taking_part(MARKER, move |_, _| Ok(given.clone()))]).await;
        let created = create(&stage, "Ace", json!({"clip_metadata": {"own": 1}})).await;
        assert_eq!(created["metadata"], json!({"own": 1}), "{nonsense}");
    }
    let stage = Stage::with([
        clips(),
        taking_part(MARKER, |_, mut passing| {
            (passing["id"], passing["title"], passing["file_path"]) =
                (json!(2), json!("Other"), json!("/etc"));
            passing["metadata"] = json!({"found": 1});
            Ok(passing)
        }),
    ])
    .await;
    let created = create(&stage, "Ace", json!({})).await;
    let expected = [("id", json!(1)), ("title", json!("Ace")), ("file_path", json!("/clips/Ace.mp4"))];
    for (field, value) in expected {
        assert_eq!(created[field], value, "only metadata may change");
    }
    assert_eq!(created["metadata"], json!({"found": 1}));
}

#[tokio::test]
async fn metadata_that_is_taken_out_is_gone() {
    let stage = Stage::with([
        clips(),
        taking_part(MARKER, |_, mut passing| {
            passing["metadata"].as_object_mut().unwrap().remove("secret");
            Ok(passing)
        }),
    ])
    .await;
    let created = create(&stage, "Ace", json!({"clip_metadata": {"secret": 1, "own": 1}})).await;
    assert_eq!(created["metadata"], json!({"own": 1}));
}

#[tokio::test]
async fn a_veto_leaves_nothing_of_a_new_clip() {
    let stage = Stage::with([clips(), refusing(MARKER, "clip.captured")]).await;
    let answer = stage.ask("POST", CLIPS).json(&json!({"title": "A", "file_path": "a"})).send().await;
    assert_eq!(*answer.failure(), Failure::conflict("not this one"));
    assert_eq!(
        *upload(&stage, &[], &[("a.wav", &wav(1))]).await.failure(),
        Failure::conflict("not this one")
    );
    assert_eq!(get(&stage, CLIPS).await, json!([]));
    expect_stored_files(&stage, 0).await;
}

#[tokio::test]
async fn a_veto_against_new_media_brings_the_old_media_back() {
    let stage = Stage::with([
        clips(),
        taking_part(MARKER, |_, passing| match passing["metadata"]["closed"] == true {
            true => Err(Failure::conflict("closed")),
            false => Ok(passing),
        }),
    ])
    .await;
    upload(&stage, &[], &[("a.wav", &wav(1))]).await.expect(201);
    stage.ask("PATCH", &at(1)).json(&json!({"clip_metadata": {"closed": true}})).send().await.expect(200);
    let before = get(&stage, &at(1)).await;
    let answer = stage.ask("PUT", &media_of(1)).body(wav(2)).send().await;
    assert_eq!(*answer.failure(), Failure::conflict("closed"));
    assert_eq!(get(&stage, &at(1)).await, before);
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, wav(1));
    expect_stored_files(&stage, 1).await;
}

#[tokio::test]
async fn a_veto_turns_processed_back() {
    let stage = Stage::with([clips(), refusing(MARKER, "clip.processed")]).await;
    create(&stage, "Ace", json!({})).await;
    let change = json!({"processed": true, "title": "Better"});
    let answer = stage.ask("PATCH", &at(1)).json(&change).send().await;
    assert_eq!(*answer.failure(), Failure::conflict("not this one"));
    let after = get(&stage, &at(1)).await;
    assert_eq!((&after["processed"], &after["title"]), (&json!(false), &json!("Better")));
}

#[tokio::test]
async fn what_a_client_writes_while_others_take_part_is_kept() {
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (begin, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let slowly = move |_: Context, mut passing: Json| {
        let (begin, wait) = (Arc::clone(&begin), Arc::clone(&wait));
        async move {
            begin.add_permits(1);
            wait.acquire().await.unwrap().forget();
            passing["metadata"] = json!({"found": 1});
            Ok(passing)
        }
    };
    let pass = |_: Context, passing: Json| async move { Ok(passing) };
    let slow = Definition::new(MARKER).filter("clip.captured", slowly).filter("clip.processed", pass);
    let stage = Stage::with([clips(), built(slow)]).await;
    let body = json!({"title": "Ace", "file_path": "a"});
    let creating = stage.ask("POST", CLIPS).json(&body).send();
    let meanwhile = async {
        begun.acquire().await.unwrap().forget();
        let change = json!({"title": "Better", "clip_metadata": {"own": 1}});
        stage.ask("PATCH", &at(1)).json(&change).send().await.expect(200);
        go_on.add_permits(1);
    };
    let (created, ()) = futures_util::future::join(creating, meanwhile).await;
    let created: Json = created.json(201);
    assert_eq!((&created["title"], &created["metadata"]), (&json!("Better"), &json!({"own": 1, "found": 1})));
    assert_eq!(get(&stage, &at(1)).await, created);
}

#[tokio::test]
async fn what_was_found_out_about_media_that_is_no_longer_there_is_not_saved() {
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (begin, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let slowly = move |_: Context, mut passing: Json| {
        let (begin, wait, calls) = (Arc::clone(&begin), Arc::clone(&wait), Arc::clone(&calls));
        async move {
            let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if call == 0 {
                begin.add_permits(1);
                wait.acquire().await.unwrap().forget();
            }
            passing["metadata"] = json!({"found": call});
            Ok(passing)
        }
    };
    let pass = |_: Context, passing: Json| async move { Ok(passing) };
    let slow = Definition::new(MARKER).filter("clip.captured", slowly).filter("clip.processed", pass);
    let stage = Stage::with([clips(), built(slow)]).await;
    let sound = wav(1);
    let files: [(&str, &[u8]); 1] = [("a.wav", &sound)];
    let uploading = upload(&stage, &[], &files);
    let meanwhile = async {
        begun.acquire().await.unwrap().forget();
        let replaced: Json = stage.ask("PUT", &media_of(1)).body(wav(2)).send().await.json(200);
        assert_eq!(replaced["metadata"], json!({"found": 1}));
        go_on.add_permits(1);
    };
    let (uploaded, ()) = futures_util::future::join(uploading, meanwhile).await;
    assert_eq!(uploaded.json::<Json>(201)["metadata"], json!({"found": 1}));
    assert_eq!(get(&stage, &at(1)).await["metadata"], json!({"found": 1}));
    expect_stored_files(&stage, 1).await;
}
