//! What is done about an event once, although it comes more than once.

use std::sync::Arc;

use serde_json::json;
use switchboard_sdk::{Plugin, prelude::*};
use switchboard_testkit::Stage;

use crate::plugins::{Attempts, Fate, pass_time, say_about, source};

/// A plugin that keeps the numbers it heard, each in the transaction in which it notes the event; after that it fails or not.
fn keeper(after: &Attempts<Event>) -> Arc<dyn Plugin> {
    const MANIFEST: &str = r#"{
        "id": "keeper", "name": "Keeper", "version": "1.0.0", "type": "builtin", "category": "utility",
        "enabled_by_default": true,
        "capabilities": [{"name": "db", "reason": "Keeps numbers."}],
        "provides": {"listeners": [{"event": "thing.said"}], "services": [{"name": "keeper.all"}]}
    }"#;
    let after = after.clone();
    let definition = Definition::new(MANIFEST)
        .migrations([
            ("001_kept.sql", "create table kept (number bigint not null)"),
            ("001_kept.down.sql", "drop table kept;"),
        ])
        .service("keeper.all", async |ctx: Context, (): ()| {
            ctx.db().query::<i64>("select number from kept order by number", ()).await
        })
        .on("thing.said", move |ctx: Context, event: Event| {
            let after = after.clone();
            async move {
                let mut tx = ctx.db().begin().await?;
                if tx.first_time(&event).await? {
                    assert!(!tx.first_time(&event).await?, "it is noted already");
                    let number = event.data.to::<serde_json::Value>()?["number"].as_i64();
                    tx.execute("insert into kept (number) values ($1)", (number,)).await?;
                    if event.subject != "undone" || event.attempt > 1 {
                        tx.commit().await?;
                    }
                }
                after.one(event).await
            }
        });
    definition.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_in_the_transaction_that_notes_the_event_is_done_once() {
    // It fails after the commit, so that the event comes again.
    let after = Attempts::that(|event: &Event| match event.attempt {
        1 | 2 => Fate::Fails("the answer was lost"),
        _ => Fate::Well,
    });
    let stage = Stage::with([source(&Attempts::that_go_well()), keeper(&after)]).await;
    say_about(&stage, "a", [1]).await;
    say_about(&stage, "undone", [2]).await;
    stage.idle().await;
    for _ in 0..3 {
        pass_time(&stage).await;
    }
    assert_eq!(after.all().len(), 6, "each came three times");
    let kept = stage.service("keeper.all", &json!(null)).await.unwrap();
    assert_eq!(kept, json!([1, 2]), "also what was undone the first time");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_an_event_was_handled_is_forgotten_after_its_time() {
    let after = Attempts::that_go_well();
    let stage = Stage::with([source(&Attempts::that_go_well()), keeper(&after)]).await;
    let noted = async || {
        let room = stage.store().room("plugin_keeper").await.unwrap();
        let rows = room.query("select count(*) from _switchboard_heard", vec![]).await.unwrap();
        rows.to::<u64>().unwrap()[0]
    };
    say_about(&stage, "a", [1, 2]).await;
    stage.idle().await;
    stage.clock().advance(std::time::Duration::from_secs(80 * 24 * 3600));
    say_about(&stage, "a", [3]).await;
    stage.idle().await;
    assert_eq!(noted().await, 3);
    stage.clock().advance(std::time::Duration::from_secs(20 * 24 * 3600));
    say_about(&stage, "a", [4]).await;
    stage.idle().await;
    assert_eq!(noted().await, 2);
}
