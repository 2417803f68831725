//! What is left of a plugin that goes for good.

use switchboard_delivery::Waiting;
use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, id, pass_time, say_about, stage, with_source};

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_plugin_that_goes_for_good_is_forgotten_and_others_hear_on() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("the shelf is full"));
    let billing = Attempts::that_go_well();
    let stage = stage([("archive", &archive), ("billing", &billing)]).await;
    say_about(&stage, "a", [1, 2]).await;
    stage.idle().await;
    let billing = Attempts::that_go_well();
    let stage = stage.again_with(with_source([("billing", &billing)])).await;
    pass_time(&stage).await;
    let waiting = async |plugin: &str| stage.delivery().waiting(&id(plugin)).await.unwrap();
    assert_eq!(waiting("archive").await, Waiting { tasks: 0, events: 2 });
    assert_eq!(waiting("source").await, Waiting { tasks: 0, events: 2 });
    assert_eq!(stage.delivery().counts().pending, 2);

    stage.delivery().forget(&id("archive")).await.unwrap();
    stage.idle().await;
    assert_eq!(waiting("archive").await, Waiting::default());
    assert_eq!(waiting("source").await, Waiting::default());
    assert_eq!(stage.delivery().counts(), Default::default());
    say_about(&stage, "a", [3]).await;
    stage.idle().await;
    assert_eq!(billing.numbers(), [3], "it does not hear again what it heard");
    stage.finish().await;
}
