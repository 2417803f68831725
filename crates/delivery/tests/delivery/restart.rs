//! What is left when the server goes down.

use std::time::Duration;
use switchboard_kernel::By;

use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, Gate, number, numbers, pass_time, say_about, stage, with_source};

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_another_attempt_goes_on_after_a_restart_in_order() {
    let archive = Attempts::that(|event: &Event| match number(event) {
        1 => Fate::Fails("no"),
        _ => Fate::Well,
    });
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1, 2, 3]).await;
    stage.idle().await;
    assert_eq!(numbers(&archive.all()), [1]);

    let archive = Attempts::that_go_well();
    let stage = stage.again_with(with_source([("archive", &archive)])).await;
    assert_eq!(numbers(&archive.all()), [0; 0], "it is not due yet");
    pass_time(&stage).await;
    assert_eq!(archive.numbers(), [1, 2, 3]);
    let attempts: Vec<u32> = archive.all().iter().map(|event| event.attempt).collect();
    assert_eq!(attempts, [2, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_delivery_was_cut_short_is_delivered_after_the_restart() {
    let archive = Attempts::that(|event: &Event| match number(event) {
        2 => Fate::Waits(Gate::default()),
        _ => Fate::Well,
    });
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1, 2, 3]).await;
    archive.have_begun(2).await;
    stage.delivery().stop(Duration::ZERO).await;
    assert_eq!(archive.numbers(), [1]);

    let archive = Attempts::that_go_well();
    let stage = stage.again_with(with_source([("archive", &archive)])).await;
    stage.idle().await;
    assert_eq!(archive.numbers(), [2, 3], "and what was delivered is not delivered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_within_the_grace_of_a_stop_counts_as_delivered() {
    let gate = Gate::default();
    let opened = gate.clone();
    let archive = Attempts::that(move |_: &Event| Fate::Waits(gate.clone()));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1, 2]).await;
    archive.have_begun(1).await;
    let delivery = stage.delivery().clone();
    let stopped = tokio::spawn(async move { delivery.stop(Duration::from_secs(60)).await });
    opened.open();
    stopped.await.unwrap();
    // It may have gone on to the second before it was told to stop.
    let heard = archive.numbers();
    let again = Attempts::that_go_well();
    let stage = stage.again_with(with_source([("archive", &again)])).await;
    stage.idle().await;
    assert_eq!([heard, again.numbers()].concat(), [1, 2], "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_already_failed_keeps_its_count_when_the_event_is_delivered_to_others_again() {
    // The first event is under way to the end, so that all later ones are read again after the restart.
    let archive = Attempts::that(|event: &Event| match event.subject.as_str() {
        "held" => Fate::Waits(Gate::default()),
        _ => Fate::Fails("no"),
    });
    let billing = Attempts::that_go_well();
    let stage = stage([("archive", &archive), ("billing", &billing)]).await;
    say_about(&stage, "held", [1]).await;
    say_about(&stage, "a", [2, 3]).await;
    // Nobody hears the third before it is known how the second went.
    billing.have_begun(2).await;
    assert_eq!(numbers(&billing.all()), [2, 3]);
    stage.delivery().stop(Duration::ZERO).await;

    let archive = Attempts::that_go_well();
    let stage = stage.again_with(with_source([("archive", &archive), ("billing", &billing)])).await;
    stage.idle().await;
    assert_eq!(archive.numbers(), [1], "the others wait for their moment");
    pass_time(&stage).await;
    assert_eq!(archive.numbers(), [1, 2, 3]);
    assert_eq!(archive.all()[1].attempt, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_said_before_it_was_switched_off_is_heard_all_the_same() {
    let archive = Attempts::that(|_: &Event| Fate::Fails("no"));
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    stage.idle().await;
    stage.kernel().switch_off(&By::system("test"), "source").await.unwrap();
    let archive = Attempts::that_go_well();
    let plugins = with_source([("archive", &archive)]);
    stage.delivery().stop(Duration::ZERO).await;
    let stage = stage.again_with(plugins).await;
    assert!(stage.kernel().snapshot().plugin("source").is_none());
    pass_time(&stage).await;
    assert_eq!(archive.numbers(), [1]);
}
