//! `services`: those of plugins that are named and on, within the caller's rights, depth and time.

use std::time::Duration;
use switchboard_testkit::kernel::By;

use serde_json::{Value, json};
use switchboard_sdk::{Definition, prelude::*};
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin, sentence, with_acme};

fn provider() -> Definition {
    plugin(
        "presets",
        "limits: {call_ms: 2000}\nprovides: {services: [{name: presets.get}, {name: presets.guarded}]}",
    )
    .service("presets.get", async |ctx: Context, name: String| {
        Ok(format!("{name} for {}", ctx.organization()?.slug))
    })
    .service("presets.guarded", async |ctx: Context, (): ()| {
        ctx.require("preset:delete")?;
        Ok(ctx.actor().name.to_string())
    })
}

fn caller(id: &str, more: &str) -> Definition {
    let manifest = format!(
        "capabilities: [{{name: services, reason: Asks others.}}]\nprovides: {{services: [{{name: {id}.ask}}]}}\n{more}"
    );
    plugin(id, &manifest).service(&format!("{id}.ask"), async |ctx: Context, service: String| {
        ctx.services().call::<Value>(&service, &"blue").await
    })
}

#[tokio::test]
async fn a_service_of_a_plugin_that_is_named_is_called_for_the_same_organization() {
    let stage = with_acme([provider(), caller("app", "requires: [presets]")]).await;
    assert_eq!(stage.service("app.ask", &json!("presets.get")).await.unwrap(), "blue for default");
    let there = stage.service_for("acme", "app.ask", &json!("presets.get")).await.unwrap();
    assert_eq!(there, "blue for acme");
    let why = sentence("broken", stage.service("app.ask", &json!("presets.put")).await);
    assert!(why.contains("`presets` has no service `presets.put`"), "{why}");
}

#[tokio::test]
async fn one_that_is_not_named_is_not() {
    let stage = Stage::with([built(provider()), built(caller("app", ""))]).await;
    for service in ["presets.get", "presets", "", "app.ask", "..", "presets.get.get"] {
        let why = sentence("forbidden", stage.service("app.ask", &json!(service)).await);
        assert!(why.contains("`requires` or `optional`"), "{why}");
    }
}

#[tokio::test]
async fn one_that_is_off_or_not_there_is_unavailable() {
    let optional = "optional: [presets]";
    let stage = with_acme([provider(), caller("app", optional)]).await;
    stage.kernel().disable(&By::system("test"), "presets", "acme").await.unwrap();
    let why = sentence("unavailable", stage.service_for("acme", "app.ask", &json!("presets.get")).await);
    assert!(why.contains("not switched on for `acme`"), "{why}");
    stage.service("app.ask", &json!("presets.get")).await.unwrap();
    let stage = Stage::with([built(caller("app", optional))]).await;
    let why = sentence("unavailable", stage.service("app.ask", &json!("presets.get")).await);
    assert!(why.contains("`presets` is not loaded"), "{why}");
}

#[tokio::test]
async fn it_may_what_the_one_behind_the_call_may() {
    async fn delete(ctx: Context) -> Result<Json<String>> {
        Ok(Json(ctx.services().call("presets.guarded", &()).await?))
    }
    let app = plugin(
        "app",
        "requires: [presets]\ncapabilities: [{name: services, reason: Asks others.}]\nprovides: {api_routes: [{method: POST, path: /delete}]}",
    )
    .post("/delete", delete);
    let stage = Stage::with([built(provider()), built(app)]).await;
    let ask = || stage.ask("POST", "/api/org/default/app/delete");
    assert_eq!(ask().allowed(&["preset:*"]).send().await.json::<String>(200), "a test");
    let refused = ask().allowed(&["preset:read"]).send().await;
    assert_eq!(refused.failure().kind(), "forbidden");
}

#[tokio::test]
async fn calls_within_calls_end_somewhere() {
    let owner = plugin(
        "owner",
        "provides: {filter_points: [{name: word.said, on_failure: fail}], services: [{name: owner.say}]}",
    )
    .service("owner.say", async |ctx: Context, said: u64| ctx.filter("word.said", &said).await);
    let echo = plugin(
        "echo",
        "requires: [owner]\ncapabilities: [{name: services, reason: Asks others.}]\nprovides: {filters: [{name: word.said}]}",
    )
    .filter("word.said", async |ctx: Context, said: u64| {
        ctx.services().call::<u64>("owner.say", &(said + 1)).await
    });
    let stage = Stage::with([built(owner), built(echo)]).await;
    let why = sentence("broken", stage.service("owner.say", &json!(0)).await);
    assert!(why.contains("more than 16 deep"), "{why}");
}

#[tokio::test]
async fn the_callers_time_stands_still_meanwhile_and_the_providers_runs() {
    let slow = plugin("slow", "limits: {call_ms: 5000}\nprovides: {services: [{name: slow.work}]}").service(
        "slow.work",
        async |_: Context, _: Value| {
            tokio::time::sleep(Duration::from_millis(150)).await;
            Ok("done")
        },
    );
    let stuck = plugin("stuck", "limits: {call_ms: 20}\nprovides: {services: [{name: stuck.work}]}")
        .service("stuck.work", async |_: Context, _: Value| -> Result<()> { std::future::pending().await });
    let app = plugin(
        "app",
        "limits: {call_ms: 100}\nrequires: [slow, stuck]\ncapabilities: [{name: services, reason: Asks others.}]\nprovides: {services: [{name: app.ask}]}",
    )
    .service("app.ask", async |ctx: Context, service: String| {
        let said = ctx.services().call::<Value>(&service, &()).await;
        let said = said.unwrap_or_else(|failure| failure.kind().into());
        Ok((said, ctx.should_stop()))
    });
    let stage = Stage::with([built(slow), built(stuck), built(app)]).await;
    assert_eq!(stage.service("app.ask", &json!("slow.work")).await.unwrap(), json!(["done", false]));
    let after = stage.service("app.ask", &json!("stuck.work")).await.unwrap();
    assert_eq!(after, json!(["timed_out", false]), "who asked goes on without it");
}
