//! Filter points: a plugin asks at its own, and while it serves.

use serde_json::{Value, json};
use switchboard_sdk::prelude::*;
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin, sentence};

const OWNER: &str = "provides: {filter_points: [{name: word.said}], services: [{name: owner.ask}]}";

#[tokio::test]
async fn a_plugin_asks_at_its_own_points_only() {
    let ask = async |ctx: Context, point: String| ctx.filter(&point, &json!("as it was")).await;
    let owner = plugin("owner", OWNER).service("owner.ask", ask);
    let stranger =
        plugin("stranger", "provides: {services: [{name: stranger.ask}]}").service("stranger.ask", ask);
    let stage = Stage::with([built(owner), built(stranger)]).await;
    assert_eq!(stage.service("owner.ask", &json!("word.said")).await.unwrap(), "as it was");
    let why = sentence("broken", stage.service("owner.ask", &json!("word.written")).await);
    assert!(why.contains("`owner` declares no filter point `word.written`"), "{why}");
    sentence("broken", stage.service("stranger.ask", &json!("word.said")).await);
}

#[tokio::test]
async fn nobody_can_be_asked_by_a_plugin_that_does_not_serve_yet() {
    let owner = plugin("owner", OWNER)
        .service("owner.ask", async |_: Context, (): ()| Ok(()))
        .on_load(async |ctx: Context| ctx.filter("word.said", &Value::Null).await.map(drop));
    let stage = Stage::with_some_failing([built(owner)]).await;
    let catalog = stage.kernel().catalog();
    let why = catalog.entry("owner").unwrap().state.reason().unwrap();
    assert!(why.contains("`owner` is being loaded"), "{why}");
}
