//! Events that were given up.

use switchboard_delivery::{DeadLetter, EventFilter, HearingState, LetterFate, LetterFilter};
use switchboard_kernel::{AuditFilter, AuditPage, By};
use switchboard_sdk::Event;
use switchboard_testkit::Stage;

use crate::plugins::{Attempts, Fate, id, number, pass_time, say_about, stage};

/// How often an event is tried.
const ATTEMPTS: u32 = 10;

async fn letters(stage: &Stage) -> Vec<DeadLetter> {
    stage.delivery().dead_letters(&LetterFilter::default(), 10).await.unwrap().0
}

async fn decide(stage: &Stage, which: LetterFilter, fate: LetterFate) -> u64 {
    stage.delivery().decide(&By::system("test"), &which, fate).await.unwrap()
}

async fn replay(stage: &Stage, which: LetterFilter) -> u64 {
    decide(stage, which, LetterFate::Replayed).await
}

/// Lets so much time pass that whatever always fails is given up.
async fn give_up(stage: &Stage) {
    for _ in 0..ATTEMPTS {
        pass_time(stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_always_fails_leaves_a_dead_letter_with_its_cause_which_can_be_sent_again() {
    let archive = Attempts::that(|event: &Event| match number(event) {
        1 => Fate::Fails("the shelf is full"),
        _ => Fate::Well,
    });
    let billing = Attempts::that_go_well();
    let stage = stage([("archive", &archive), ("billing", &billing)]).await;
    say_about(&stage, "a", [1, 2]).await;
    give_up(&stage).await;
    let all = letters(&stage).await;
    assert_eq!(all.len(), 1);
    let letter = &all[0];
    assert_eq!((letter.listener.as_str(), letter.event.attempt), ("archive", ATTEMPTS));
    assert_eq!((letter.error.as_str(), number(&letter.event)), ("the shelf is full", 1));
    assert_eq!(archive.all().len() as u32, ATTEMPTS + 1, "the one behind it went on");
    assert_eq!(archive.numbers(), [2]);
    assert_eq!(stage.delivery().counts().dead, 1);

    archive.are_now(|_| Fate::Well);
    let to_billing = LetterFilter { listener: Some(id("billing")), ..LetterFilter::default() };
    assert_eq!(replay(&stage, to_billing).await, 0);
    let this = LetterFilter { event: Some(letter.event.id.clone()), ..LetterFilter::default() };
    assert_eq!(replay(&stage, this).await, 1);
    stage.idle().await;
    assert_eq!(archive.numbers(), [2, 1]);
    assert_eq!(billing.numbers(), [1, 2], "those who heard it do not hear it again");
    assert!(letters(&stage).await.is_empty());
    assert_eq!(stage.delivery().counts(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_still_one_after_a_restart() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("no"));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    give_up(&stage).await;
    let archive = Attempts::that_go_well();
    let stage = stage.again_with(crate::plugins::with_source([("archive", &archive)])).await;
    pass_time(&stage).await;
    assert!(archive.all().is_empty(), "it is not tried by itself");
    assert_eq!(stage.delivery().counts().dead, 1);
    assert_eq!(replay(&stage, LetterFilter::default()).await, 1);
    stage.idle().await;
    assert_eq!(archive.numbers(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_are_meant_are_sent_again_and_the_others_stay() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("no"));
    let stage = stage([("archive", &archive)]).await;
    for (subject, number) in [("a", 1), ("b", 2), ("c", 3)] {
        say_about(&stage, subject, [number]).await;
    }
    give_up(&stage).await;
    archive.are_now(|_| Fate::Well);
    let about = |subject: &str| LetterFilter {
        events: EventFilter { subject: Some(subject.to_owned()), ..EventFilter::default() },
        ..LetterFilter::default()
    };
    let of_type = |pattern: &str| LetterFilter {
        events: EventFilter { pattern: Some(pattern.parse().unwrap()), ..EventFilter::default() },
        ..LetterFilter::default()
    };
    assert_eq!(replay(&stage, about("d")).await, 0);
    assert_eq!(replay(&stage, of_type("thing.*.said")).await, 0);
    assert_eq!(replay(&stage, about("b")).await, 1);
    stage.idle().await;
    assert_eq!(archive.numbers(), [2]);
    let left: Vec<i64> = letters(&stage).await.iter().map(|letter| number(&letter.event)).collect();
    assert_eq!(left, [3, 1], "the newest first");
    let (one, total) = stage.delivery().dead_letters(&LetterFilter::default(), 1).await.unwrap();
    assert_eq!((one.len(), total), (1, 2));
    assert_eq!(replay(&stage, of_type("thing.*")).await, 2);
    stage.idle().await;
    assert_eq!(stage.delivery().counts(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_discarded_is_delivered_no_more_and_forgotten_in_its_time() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("no"));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    give_up(&stage).await;
    let event = letters(&stage).await.remove(0).event;
    assert_eq!(decide(&stage, LetterFilter::default(), LetterFate::Discarded).await, 1);
    assert_eq!(decide(&stage, LetterFilter::default(), LetterFate::Discarded).await, 0);
    assert_eq!(stage.delivery().counts(), Default::default());
    let (_, hearings) = stage.delivery().event(&id("source"), &event.id).await.unwrap().unwrap();
    assert_eq!((hearings[0].state, hearings[0].attempt), (HearingState::Discarded, ATTEMPTS));

    let archive = Attempts::that_go_well();
    let stage = stage.again_with(crate::plugins::with_source([("archive", &archive)])).await;
    assert_eq!(replay(&stage, LetterFilter::default()).await, 0);
    stage.clock().advance(std::time::Duration::from_secs(8 * 24 * 3600));
    say_about(&stage, "a", [2]).await;
    stage.idle().await;
    assert_eq!(archive.numbers(), [2]);
    let kept = stage.delivery().said(&id("source")).await.unwrap();
    assert_eq!(kept.iter().map(number).collect::<Vec<_>>(), [2]);
    let room = stage.store().room("plugin_source").await.unwrap();
    let rows = room.query("select count(*) from _switchboard_delivery", vec![]).await.unwrap();
    assert_eq!(rows.to::<i64>().unwrap(), [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decided_on_dead_letters_is_in_the_audit_log() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("no"));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    give_up(&stage).await;
    let which = LetterFilter { listener: Some(id("archive")), ..LetterFilter::default() };
    replay(&stage, which.clone()).await;
    give_up(&stage).await;
    decide(&stage, which.clone(), LetterFate::Discarded).await;
    decide(&stage, which, LetterFate::Discarded).await;
    let lines = stage.kernel().audit(&AuditFilter::default(), AuditPage::Newest, 2).await.unwrap();
    let actions: Vec<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["event.discarded", "event.replayed"], "what comes to nothing has no line");
    let after: serde_json::Value = serde_json::from_str(lines[0].after.as_deref().unwrap()).unwrap();
    assert_eq!(after, serde_json::json!({"letters": 1, "which": {"listener": "archive"}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_that_is_very_long_is_cut() {
    let long: &'static str = Box::leak("long ".repeat(100_000).into_boxed_str());
    let archive = Attempts::that(move |_: &Event| Fate::Fails(long));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    give_up(&stage).await;
    let letters = letters(&stage).await;
    assert!(letters[0].error.starts_with("long long ") && letters[0].error.len() < 3000);
}
