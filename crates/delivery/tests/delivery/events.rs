//! Events to their listeners.

use serde_json::json;
use switchboard_kernel::By;
use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, Gate, number, numbers, pass_time, say_about, stage};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_transaction_that_is_undone_is_never_heard() {
    let archive = Attempts::that_go_well();
    let stage = stage([("archive", &archive)]).await;
    let undone = json!({ "subject": "a", "numbers": [1, 2], "undo": true });
    stage.service("source.say", &undone).await.unwrap();
    say_about(&stage, "a", [3]).await;
    stage.idle().await;
    assert_eq!(numbers(&archive.all()), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_event_reaches_every_listener_once_with_all_that_is_known_of_it() {
    let (archive, billing) = (Attempts::that_go_well(), Attempts::that_go_well());
    let stage = stage([("archive", &archive), ("billing", &billing)]).await;
    say_about(&stage, "a", [1, 2, 3]).await;
    say_about(&stage, "b", [4]).await;
    stage.idle().await;
    for heard in [&archive, &billing] {
        let mut all = numbers(&heard.all());
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4]);
    }
    let event = archive.all().into_iter().find(|event| number(event) == 4).unwrap();
    let about = (event.source.as_str(), event.name.as_str(), event.subject.as_str(), event.attempt);
    assert_eq!(about, ("source", "thing.said", "b", 1));
    assert_eq!((event.trace.as_str(), event.actor.as_str()), ("test", "system"));
    assert!(event.organization.is_some());
    assert_eq!(stage.delivery().counts(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_a_subject_is_kept_although_the_first_attempt_fails() {
    let archive = Attempts::that(|event: &Event| match (number(event), event.attempt) {
        (1, 1) | (3, ..3) => Fate::Fails("the disk is full"),
        _ => Fate::Well,
    });
    let billing = Attempts::that_go_well();
    let stage = stage([("archive", &archive), ("billing", &billing)]).await;
    say_about(&stage, "a", [1, 2, 3, 4]).await;
    say_about(&stage, "b", [5]).await;
    stage.idle().await;
    assert_eq!(archive.numbers(), [5], "what is behind the one that failed waits, another subject does not");
    assert_eq!(billing.numbers().len(), 5, "another listener does not wait either");
    assert_eq!(stage.delivery().counts().pending, 4);
    say_about(&stage, "a", [6]).await;
    for _ in 0..3 {
        pass_time(&stage).await;
    }
    assert_eq!(archive.numbers(), [5, 1, 2, 3, 4, 6]);
    let mut heard = billing.numbers();
    heard.retain(|number| *number != 5);
    assert_eq!(heard, [1, 2, 3, 4, 6], "once each");
    let third: Vec<u32> = archive.all().iter().filter(|it| number(it) == 3).map(|it| it.attempt).collect();
    assert_eq!(third, [1, 2, 3]);
    assert_eq!(stage.delivery().counts().pending, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_takes_its_time_over_one_subject_holds_up_no_other() {
    let gate = Gate::default();
    let opened = gate.clone();
    let archive = Attempts::that(move |event: &Event| match number(event) {
        1 => Fate::Waits(gate.clone()),
        _ => Fate::Well,
    });
    let stage = stage([("archive", &archive)]).await;
    // More than is read at once stands before the other subject.
    say_about(&stage, "slow", 1..=700).await;
    say_about(&stage, "quick", [1000, 1001]).await;
    archive.have_begun(3).await;
    assert_eq!(numbers(&archive.all()), [1, 1000, 1001]);
    opened.open();
    stage.idle().await;
    let slow: Vec<i64> = archive.numbers().into_iter().filter(|number| *number < 1000).collect();
    assert_eq!(slow, (1..=700).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_switched_off_for_the_organization_does_not_hear_its_events() {
    let archive = Attempts::that(|event: &Event| match number(event) {
        1 => Fate::Fails("not yet"),
        _ => Fate::Well,
    });
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    stage.idle().await;
    stage.kernel().disable(&By::system("test"), "archive", "default").await.unwrap();
    say_about(&stage, "a", [2]).await;
    pass_time(&stage).await;
    assert_eq!(stage.delivery().counts().pending, 0, "nobody is left to hear the first one");
    stage.kernel().enable(&By::system("test"), "archive", "default").await.unwrap();
    say_about(&stage, "a", [3]).await;
    pass_time(&stage).await;
    assert_eq!(numbers(&archive.all()), [1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_another_attempt_waits_for_a_listener_that_does_not_serve() {
    let archive = Attempts::that(|event: &Event| match event.attempt {
        1 => Fate::Fails("not yet"),
        _ => Fate::Well,
    });
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    stage.idle().await;
    stage.kernel().switch_off(&By::system("test"), "archive").await.unwrap();
    for _ in 0..20 {
        pass_time(&stage).await;
    }
    assert_eq!(stage.delivery().counts().pending, 1);
    stage.kernel().switch_on(&By::system("test"), "archive").await.unwrap();
    pass_time(&stage).await;
    let attempts: Vec<u32> = archive.all().iter().map(|event| event.attempt).collect();
    assert_eq!(attempts, [1, 2], "what was not tried is not counted");
    assert_eq!(stage.delivery().counts(), Default::default());
}
