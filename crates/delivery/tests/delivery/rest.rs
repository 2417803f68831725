//! Nothing to do.

use std::time::Duration;

use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, say_about, stage};

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_no_statement_is_run() {
    let archive = Attempts::that(|event: &Event| match event.subject.as_str() {
        "a" => Fate::Well,
        _ => Fate::Fails("no"),
    });
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1, 2]).await;
    // One that waits for a later attempt is no reason to look either.
    say_about(&stage, "b", [3]).await;
    stage.idle().await;
    let room = stage.store().room("plugin_source").await.unwrap();
    let before = room.stats();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(room.stats(), before);
}
