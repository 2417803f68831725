//! A plugin that handles only so many events at a time.

use serde_json::json;
use switchboard_sdk::Event;
use switchboard_testkit::Stage;

use crate::plugins::{Attempts, Fate, Gate, listener, listener_with, say_about, source};

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_handles_no_more_events_at_a_time_than_its_manifest_says() {
    let gate = Gate::default();
    let opened = gate.clone();
    let archive = Attempts::that(move |_: &Event| Fate::Waits(gate.clone()));
    let billing = Attempts::that_go_well();
    let plugins = [
        source(&Attempts::that_go_well()),
        listener_with("archive", &archive, json!({"call_ms": 60000, "concurrent_events": 2})),
        listener("billing", &billing),
    ];
    let stage = Stage::with(plugins).await;
    for number in 0..20 {
        say_about(&stage, &format!("subject {number}"), [number, 100 + number]).await;
    }
    archive.have_begun(2).await;
    billing.have_begun(40).await;
    assert_eq!(archive.all().len(), 2, "and nobody else waits for it");
    opened.open();
    stage.idle().await;
    let heard = archive.numbers();
    assert_eq!(heard.len(), 40);
    let place = |number: i64| heard.iter().position(|other| *other == number).unwrap();
    assert!((0..20).all(|number| place(number) < place(100 + number)), "{heard:?}");
    assert!(archive.all().iter().all(|event| event.attempt == 1));
    assert_eq!(stage.delivery().counts(), Default::default());
}
