//! A plugin that has no room for one more call.

use std::sync::Arc;

use serde_json::json;
use switchboard_delivery::Counts;
use switchboard_sdk::{Plugin, prelude::*};
use switchboard_testkit::Stage;

use crate::plugins::{Attempts, Gate, pass_time, say_about, source};

/// A plugin with room for one call, and a service that asks for a task and takes the room until `let_go` is opened.
fn narrow(
    heard: &Attempts<Event>,
    runs: &Attempts<TaskCall>,
    has_begun: &Gate,
    let_go: &Gate,
) -> Arc<dyn Plugin> {
    const MANIFEST: &str = r#"{
        "id": "narrow", "name": "Narrow", "version": "1.0.0", "type": "builtin", "category": "utility",
        "enabled_by_default": true, "limits": {"concurrent_calls": 1, "call_ms": 60000},
        "capabilities": [{"name": "schedule", "reason": "Works."}],
        "provides": {
            "listeners": [{"event": "thing.said"}],
            "services": [{"name": "narrow.hold"}],
            "tasks": [{"name": "work"}]
        }
    }"#;
    let (heard, runs) = (heard.clone(), runs.clone());
    let (has_begun, let_go) = (has_begun.clone(), let_go.clone());
    let definition = Definition::new(MANIFEST)
        .service("narrow.hold", move |ctx: Context, (): ()| {
            let (has_begun, let_go) = (has_begun.clone(), let_go.clone());
            async move {
                ctx.schedule().run("work", &()).await?;
                has_begun.open();
                let_go.passed().await;
                Ok(())
            }
        })
        .on("thing.said", move |_: Context, event: Event| {
            let heard = heard.clone();
            async move { heard.one(event).await }
        })
        .task("work", move |_: Context, call: TaskCall| {
            let runs = runs.clone();
            async move { runs.one(call).await }
        });
    definition.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_a_task_wait_for_room_however_long_that_takes_and_lose_no_attempt() {
    let (heard, runs) = (Attempts::that_go_well(), Attempts::that_go_well());
    let (has_begun, let_go) = (Gate::default(), Gate::default());
    let narrow = narrow(&heard, &runs, &has_begun, &let_go);
    let stage = Stage::with([source(&Attempts::that_go_well()), narrow]).await;
    let meanwhile = async {
        has_begun.passed().await;
        say_about(&stage, "a", [1, 2]).await;
        // More often than an event or a task is tried.
        for _ in 0..12 {
            pass_time(&stage).await;
        }
        assert_eq!((heard.all().len(), runs.all().len()), (0, 0));
        let waiting = Counts { pending: 2, tasks_queued: 1, ..Counts::default() };
        assert_eq!(stage.delivery().counts(), waiting);
        let_go.open();
    };
    let (held, ()) = tokio::join!(stage.service("narrow.hold", &json!(null)), meanwhile);
    held.unwrap();
    // With room for one, they may be in each other's way once more.
    while stage.delivery().counts() != Counts::default() {
        pass_time(&stage).await;
    }
    assert_eq!(heard.numbers(), [1, 2]);
    assert!(heard.all().iter().all(|event| event.attempt == 1));
    let attempts: Vec<u32> = runs.all().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1]);
}
