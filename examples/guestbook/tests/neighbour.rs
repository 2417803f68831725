//! Another plugin beside the guestbook: it takes part in the signing, and asks for a count.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use serde_json::{Value, json};
use switchboard_sdk::{Plugin, prelude::*};
use switchboard_testkit::Stage;

const MANIFEST: &str = r#"
id: once
name: Once
version: 0.1.0
type: builtin
category: utility
enabled_by_default: true
requires:
  - { plugin_id: guestbook, version: ">=0.1" }
capabilities:
  - { name: services, reason: Asks whether a guest has signed. }
provides:
  filters:
    - name: guestbook.signing
"#;

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    message: String,
}

#[derive(Deserialize)]
struct Count {
    entries: i64,
}

/// Nobody signs twice.
async fn refuse_a_second(ctx: Context, entry: Entry) -> Result<Entry> {
    let count: Count = ctx.services().call("guestbook.count", &json!({"name": entry.name})).await?;
    match count.entries {
        0 => Ok(entry),
        _ => Err(conflict!("{} has signed before", entry.name)),
    }
}

fn plugins() -> [Arc<dyn Plugin>; 2] {
    let once = Definition::new(MANIFEST).filter("guestbook.signing", refuse_a_second);
    [guestbook::plugin(), once].map(|plugin| plugin.build().unwrap_or_else(|faults| panic!("{faults}")))
}

#[tokio::test]
async fn a_neighbour_can_refuse_an_entry() {
    let stage = Stage::with(plugins()).await;
    let entries = "/api/org/default/guestbook/entries";
    let new = json!({"name": "Ada", "message": "Hello"});
    stage.ask("POST", entries).json(&new).send().await.expect(201);
    let second = stage.ask("POST", entries).json(&new).send().await;
    assert_eq!(second.failure().to_string(), "Ada has signed before");
    let kept: Vec<Value> = stage.ask("GET", entries).send().await.json(200);
    assert_eq!(kept.len(), 1);
    stage.finish().await;
}
