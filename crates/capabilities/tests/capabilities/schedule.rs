//! `schedule`: a plugin's own tasks, for the organization that asked.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use switchboard_sdk::{Definition, prelude::*};
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin, sentence, with_acme};

fn worker(done: &Arc<Mutex<Vec<Value>>>) -> Definition {
    let done = done.clone();
    plugin(
        "worker",
        "capabilities: [{name: schedule, reason: Works later.}]
provides:
  tasks: [{name: wash}]
  services: [{name: worker.ask}]",
    )
    .service("worker.ask", async |ctx: Context, (task, what): (String, Value)| {
        ctx.schedule().progress(0.5, "of nothing")?;
        ctx.schedule().run(&task, &what).await
    })
    .task("wash", move |ctx: Context, task: TaskCall| {
        let done = done.clone();
        async move {
            ctx.schedule().progress(f64::NAN, "half-way")?;
            let what: Value = task.payload.to()?;
            let actor = format!("{:?} {}", ctx.actor().kind, ctx.actor().name);
            done.lock().unwrap().push(json!([ctx.organization()?.slug, what, actor, task.run]));
            Ok(())
        }
    })
}

#[tokio::test]
async fn a_task_is_done_for_the_organization_that_asked_and_in_the_plugins_own_name() {
    let done = Arc::default();
    let stage = with_acme([worker(&done)]).await;
    let run = stage.service_for("acme", "worker.ask", &json!(["wash", "dishes"])).await.unwrap();
    stage.idle().await;
    assert_eq!(*done.lock().unwrap(), [json!(["acme", "dishes", "Plugin worker", run])]);
    let id = serde_json::from_value(json!("worker")).unwrap();
    let status = stage.delivery().task_run(&id, run.as_str().unwrap()).await.unwrap().unwrap();
    let progress = status.progress.unwrap();
    assert_eq!((progress.share, progress.message.as_str()), (0.0, "half-way"));
    stage.finish().await;
}

#[tokio::test]
async fn what_is_not_declared_is_refused() {
    let done = Arc::default();
    let stage = with_acme([worker(&done)]).await;
    let why = sentence("broken", stage.service("worker.ask", &json!(["iron", null])).await);
    assert!(why.contains("declares no task `iron`"), "{why}");
    stage.finish().await;
    assert!(done.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_asking_there_is_no_later() {
    let rude = plugin("rude", "provides: {tasks: [{name: wash}], services: [{name: rude.ask}]}")
        .service("rude.ask", async |ctx: Context, (): ()| ctx.schedule().run("wash", &()).await)
        .task("wash", async |_: Context, _: TaskCall| Ok(()));
    let stage = Stage::with([built(rude)]).await;
    let why = sentence("forbidden", stage.service("rude.ask", &Value::Null).await);
    assert!(why.contains("`schedule`"), "{why}");
}
