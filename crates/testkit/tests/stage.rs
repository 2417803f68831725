//! What a stage does for a test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use switchboard_testkit::kernel::By;

use serde_json::Value;
use switchboard_sdk::{Failure, Plugin, prelude::*};
use switchboard_testkit::Stage;

const MANIFEST: &str = "id: worker
name: Worker
version: 1.0.0
type: builtin
category: utility
enabled_by_default: true
capabilities: [{name: schedule, reason: Works later.}]
provides:
  tasks: [{name: wash}]
  services: [{name: worker.ask}]
  api_routes: [{method: GET, path: '/{id}'}]";

async fn whose(ctx: Context, Path(id): Path<i64>) -> Result<Json<(String, i64)>> {
    Ok(Json((ctx.organization()?.slug.clone(), id)))
}

/// A plugin whose task goes well, or does not.
fn worker(goes_well: bool) -> Arc<dyn Plugin> {
    Definition::new(MANIFEST)
        .get("/{id}", whose)
        .service("worker.ask", async |ctx: Context, (): ()| ctx.schedule().run("wash", &()).await)
        .task("wash", move |_: Context, _: TaskCall| {
            std::future::ready(if goes_well { Ok(()) } else { Err(Failure::unavailable("no water")) })
        })
        .build()
        .unwrap_or_else(|faults| panic!("{faults}"))
}

#[tokio::test]
async fn what_went_well_finishes() {
    let stage = Stage::with([worker(true)]).await;
    stage.service("worker.ask", &Value::Null).await.unwrap();
    stage.finish().await;
}

#[tokio::test]
#[should_panic(expected = "events or tasks failed")]
async fn what_failed_behind_the_tests_back_is_noticed() {
    let stage = Stage::with([worker(false)]).await;
    stage.service("worker.ask", &Value::Null).await.unwrap();
    stage.finish().await;
}

#[tokio::test]
async fn the_address_says_which_organization_it_is() {
    let stage = Stage::with([worker(true)]).await;
    stage.kernel().create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    for slug in ["default", "acme"] {
        let answer = stage.ask("GET", &format!("/api/org/{slug}/worker/7")).send().await;
        assert_eq!(answer.json::<(String, i64)>(200), (slug.to_owned(), 7));
    }
    let nowhere = stage.ask("GET", "/api/org/nowhere/worker/7").send().await;
    assert_eq!(nowhere.failure().kind(), "not_found");
}

#[tokio::test]
#[should_panic(expected = "`worker` does not serve")]
async fn a_plugin_that_does_not_load_is_not_passed_over_in_silence() {
    let broken = Definition::new(MANIFEST).build().unwrap_or_else(|faults| panic!("{faults}"));
    Stage::with([broken]).await;
}
