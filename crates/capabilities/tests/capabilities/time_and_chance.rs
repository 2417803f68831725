//! `clock` and `random`: what a test sets.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_sdk::{Definition, prelude::*};
use switchboard_testkit::{Setup, Stage};

use crate::small_plugins::{built, plugin};

fn gambler() -> Definition {
    plugin("gambler", "provides: {services: [{name: gambler.throw}]}").service(
        "gambler.throw",
        async |ctx: Context, (): ()| {
            let mut bytes = [0; 8];
            ctx.random(&mut bytes);
            Ok((ctx.now().to_string(), bytes))
        },
    )
}

async fn throw(stage: &Stage) -> Value {
    stage.service("gambler.throw", &Value::Null).await.unwrap()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let first = async |setup: Setup| throw(&setup.with([built(gambler())]).await).await;
    let seven = first(Stage::setup().seed(7)).await;
    assert_eq!(first(Stage::setup().seed(7)).await, seven);
    assert_ne!(first(Stage::setup().seed(8)).await, seven);
}

#[tokio::test]
async fn time_stands_until_it_is_moved_and_goes_on_over_a_restart() {
    let new_year = "2027-01-01T00:00:00Z".parse().unwrap();
    let stage = Stage::setup().time(new_year).with([built(gambler())]).await;
    let before = throw(&stage).await;
    assert_eq!(before[0], json!("2027-01-01T00:00:00Z"));
    stage.clock().advance(Duration::from_secs(60));
    let stage = stage.again_with([built(gambler())]).await;
    let after = throw(&stage).await;
    assert_eq!(after[0], json!("2027-01-01T00:01:00Z"));
    assert_ne!(after[1], before[1], "what was thrown is not thrown again");
}
