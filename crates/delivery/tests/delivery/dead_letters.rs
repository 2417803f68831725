//! Events that were given up.

use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, id, number, pass_time, say_about, stage};

/// How often an event is tried.
const ATTEMPTS: u32 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_always_fails_leaves_a_dead_letter_with_its_cause_which_can_be_sent_again() {
    let archive = Attempts::that(|event: &Event| match number(event) {
        1 => Fate::Fails("the shelf is full"),
        _ => Fate::Well,
    });
    let billing = Attempts::that_go_well();
    let stage = stage([("archive", &archive), ("billing", &billing)]).await;
    say_about(&stage, "a", [1, 2]).await;
    for _ in 0..ATTEMPTS {
        pass_time(&stage).await;
    }
    let letters = stage.delivery().dead_letters(&id("source"), 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.listener.as_str(), letter.event.attempt), ("archive", ATTEMPTS));
    assert_eq!((letter.error.as_str(), number(&letter.event)), ("the shelf is full", 1));
    assert_eq!(archive.all().len() as u32, ATTEMPTS + 1, "the one behind it went on");
    assert_eq!(archive.numbers(), [2]);
    assert_eq!(stage.delivery().counts().dead, 1);

    archive.are_now(|_| Fate::Well);
    let nobody = stage.delivery().replay(&id("source"), None, Some(&id("billing"))).await.unwrap();
    assert_eq!(nobody, 0);
    let revived = stage.delivery().replay(&id("source"), Some(&letter.event.id), None).await.unwrap();
    assert_eq!(revived, 1);
    stage.idle().await;
    assert_eq!(archive.numbers(), [2, 1]);
    assert_eq!(billing.numbers(), [1, 2], "those who heard it do not hear it again");
    assert!(stage.delivery().dead_letters(&id("source"), 10).await.unwrap().is_empty());
    assert_eq!(stage.delivery().counts(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_still_one_after_a_restart() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("no"));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    for _ in 0..ATTEMPTS {
        pass_time(&stage).await;
    }
    let archive = Attempts::that_go_well();
    let stage = stage.again_with(crate::plugins::with_source([("archive", &archive)])).await;
    pass_time(&stage).await;
    assert!(archive.all().is_empty(), "it is not tried by itself");
    assert_eq!(stage.delivery().counts().dead, 1);
    assert_eq!(stage.delivery().replay(&id("source"), None, None).await.unwrap(), 1);
    stage.idle().await;
    assert_eq!(archive.numbers(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_that_is_very_long_is_cut() {
    let long: &'static str = Box::leak("long ".repeat(100_000).into_boxed_str());
    let archive = Attempts::that(move |_: &Event| Fate::Fails(long));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    for _ in 0..ATTEMPTS {
        pass_time(&stage).await;
    }
    let letters = stage.delivery().dead_letters(&id("source"), 10).await.unwrap();
    assert!(letters[0].error.starts_with("long long ") && letters[0].error.len() < 3000);
}
