//! Handlers on a real kernel: what their arguments take from a request, what is wrong with it by field, and what they
//! answer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod body;
mod form;
mod parameters;
mod shared;

use serde_json::{Value, json};
use switchboard_sdk::{Definition, Failure, Handler};
use switchboard_testkit::{Ask, Stage};

/// A plugin with one route, at this path below `/t`.
fn with_route<A>(method: &str, path: &str, handler: impl Handler<A>) -> Definition {
    let path = format!("/t{}", path.trim_end_matches('/'));
    let text = format!(
        "id: t\nname: T\nversion: 1.0.0\ntype: builtin\ncategory: utility\nenabled_by_default: true\nprovides:\n  api_routes: [{{method: {method}, path: \"{path}\", scope: root, reason: a test}}]\n"
    );
    let definition = Definition::new(Box::leak(text.into_boxed_str()));
    match method {
        "GET" => definition.get(&path, handler),
        "POST" => definition.post(&path, handler),
        "PUT" => definition.put(&path, handler),
        other => panic!("no test asks by {other}"),
    }
}

async fn on(definition: Definition) -> Stage {
    Stage::with([definition.build().unwrap_or_else(|faults| panic!("{faults}"))]).await
}

/// Every fault as clients see it: `{type, loc, msg, input}`.
async fn faults(ask: Ask<'_>) -> Value {
    let answer = ask.send().await;
    match answer.failure() {
        Failure::Invalid { faults, .. } => serde_json::to_value(faults).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn fault(kind: &str, loc: Value, msg: &str, input: Value) -> Value {
    json!({"type": kind, "loc": loc, "msg": msg, "input": input})
}
