//! Media that a crash left behind is removed.

use std::{sync::Arc, time::Duration};

use serde_json::{Value as Json, json};
use switchboard_sdk::{Context, Definition, Plugin};
use switchboard_testkit::Stage;
use tokio::sync::Semaphore;

use crate::{
    at, clips, create, expect_stored_files, get, library, media_of,
    neighbour::{MARKER, built},
    stored_files, upload, wav,
};

/// A plugin in whose hands a clip that is called `Stuck` stays for good.
fn holding(begun: &Arc<Semaphore>) -> Arc<dyn Plugin> {
    let begun = Arc::clone(begun);
    let hold = move |_: Context, passing: Json| {
        let begun = Arc::clone(&begun);
        async move {
            if passing["title"] == "Stuck" {
                begun.add_permits(1);
                std::future::pending::<()>().await;
            }
            Ok(passing)
        }
    };
    let pass = |_: Context, passing: Json| async move { Ok(passing) };
    built(Definition::new(MARKER).filter("clip.captured", hold).filter("clip.processed", pass))
}

/// A stage on which replacing the media of clip 1 was cut off after the new media took its place, and before the old
/// was removed.
async fn cut_off() -> Stage {
    let begun = Arc::new(Semaphore::new(0));
    let stage = Stage::with([clips(), holding(&begun)]).await;
    upload(&stage, &[("title", "Ace")], &[("a.wav", &wav(1))]).await.expect(201);
    stage.ask("PATCH", &at(1)).json(&json!({"title": "Stuck"})).send().await.expect(200);
    {
        let replacing = std::pin::pin!(stage.ask("PUT", &media_of(1)).body(wav(2)).send());
        let held = std::pin::pin!(begun.acquire());
        let both = futures_util::future::select(replacing, held).await;
        assert!(matches!(both, futures_util::future::Either::Right(_)), "the replacement is held up");
    }
    assert_eq!(stored_files(&stage), 2, "the old media and the new");
    stage
}

#[tokio::test]
async fn after_a_restart_the_next_upload_removes_what_was_left_behind() {
    let stage = cut_off().await.again_with([clips()]).await;
    assert_eq!(stored_files(&stage), 2);
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, wav(2));
    upload(&stage, &[], &[("b.wav", &wav(3))]).await.expect(201);
    expect_stored_files(&stage, 2).await;
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, wav(2));
    assert_eq!(stage.ask("GET", &media_of(2)).send().await.expect(200).body, wav(3));
}

#[tokio::test]
async fn after_a_restart_the_next_deletion_does_so_too() {
    let stage = cut_off().await.again_with([clips()]).await;
    let id = create(&stage, "Bare", json!({})).await["id"].clone();
    stage.ask("DELETE", &at(id)).send().await.expect(204);
    expect_stored_files(&stage, 1).await;
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, wav(2));
}

#[tokio::test]
async fn without_a_restart_it_is_removed_after_a_day() {
    let stage = cut_off().await;
    upload(&stage, &[], &[("b.wav", &wav(1))]).await.expect(201);
    assert_eq!(stored_files(&stage), 3, "an upload may still be under way");
    stage.clock().advance(Duration::from_secs(25 * 3600));
    upload(&stage, &[], &[("c.wav", &wav(1))]).await.expect(201);
    expect_stored_files(&stage, 3).await;
    assert_eq!(get(&stage, "/api/v1/clips/").await.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_upload_that_was_given_up_halfway_leaves_nothing() {
    let stage = library().await;
    {
        let begun = Arc::new(Semaphore::new(0));
        let begin = Arc::clone(&begun);
        let endless = futures_util::stream::unfold(0, move |number| {
            let begin = Arc::clone(&begin);
            async move {
                if number == 40 {
                    begin.add_permits(1);
                    std::future::pending::<()>().await;
                }
                Some((Ok(vec![7; 100_000].into()), number + 1))
            }
        });
        create(&stage, "Ace", json!({})).await;
        let body = switchboard_sdk::Body::stream(endless, None);
        let putting = std::pin::pin!(stage.ask("PUT", &media_of(1)).body(body).send());
        let held = std::pin::pin!(begun.acquire());
        let both = futures_util::future::select(putting, held).await;
        assert!(matches!(both, futures_util::future::Either::Right(_)));
    }
    expect_stored_files(&stage, 0).await;
    let stage = stage.again_with([clips()]).await;
    upload(&stage, &[], &[("b.wav", &wav(1))]).await.expect(201);
    expect_stored_files(&stage, 1).await;
}
