//! More than fits into memory at once.

use serde_json::json;
use switchboard_kernel::By;
use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, pass_time, say_about, stage};

#[tokio::test(flavor = "multi_thread")]
async fn many_events_are_all_heard_in_order() {
    let archive = Attempts::that_go_well();
    let stage = stage([("archive", &archive)]).await;
    for begin in [0, 1000, 2000] {
        say_about(&stage, "a", begin..begin + 1000).await;
    }
    stage.idle().await;
    assert_eq!(archive.numbers(), (0..3000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_behind_one_that_fails_are_all_heard_in_order() {
    let mut first = true;
    let archive = Attempts::that(move |_: &Event| match std::mem::take(&mut first) {
        true => Fate::Fails("not yet"),
        false => Fate::Well,
    });
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", 0..2500).await;
    stage.idle().await;
    assert_eq!(stage.delivery().counts().pending, 2500);
    pass_time(&stage).await;
    assert_eq!(archive.numbers(), (0..2500).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_with_more_data_than_may_be_read_at_once_are_all_heard_in_order() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("not yet"));
    let stage = stage([("archive", &archive)]).await;
    let heard = Attempts::that_go_well();
    // The listener comes later, so that all of it is there when reading begins.
    stage.kernel().disable(&By::system("test"), "archive", "default").await.unwrap();
    stage.delivery().stop(std::time::Duration::ZERO).await;
    for number in 0..24 {
        let say = json!({ "subject": "a", "numbers": [number], "filling": 3_000_000 });
        stage.service("source.say", &say).await.unwrap();
    }
    stage.kernel().enable(&By::system("test"), "archive", "default").await.unwrap();
    let stage = stage.again_with(crate::plugins::with_source([("archive", &heard)])).await;
    stage.idle().await;
    assert_eq!(heard.numbers(), (0..24).collect::<Vec<_>>());
}
