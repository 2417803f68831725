//! What is seen of calls: those that run, those that ended, those that keep failing.

use std::{sync::Arc, time::Duration};

use crate::small_plugins::{built, plugin};
use serde_json::Value;
use switchboard_kernel::{AuditFilter, AuditPage, By, InvocationFilter, LineFilter, RunningCall};
use switchboard_sdk::{Context, Failure, prelude::*};
use switchboard_testkit::Stage;

const BUSY: &str = "enabled_by_default: true
capabilities: [{name: kv, reason: Counts.}]
provides:
  services: [{name: busy.sleep}, {name: busy.count}, {name: busy.fail}, {name: busy.refuse}]";

async fn busy() -> Arc<Stage> {
    let busy = plugin("busy", BUSY)
        .service("busy.sleep", async |_: Context, (): ()| -> Result<()> { std::future::pending().await })
        .service("busy.count", async |ctx: Context, (): ()| {
            ctx.kv().get("a").await?;
            ctx.kv().get("b").await.map(|_| ())
        })
        .service("busy.fail", async |_: Context, (): ()| -> Result<()> { Err(Failure::broken("a bug")) })
        .service("busy.refuse", async |_: Context, (): ()| -> Result<()> {
            Err(Failure::not_found("no such"))
        });
    let stage = Stage::with([built(busy)]).await;
    stage.kernel().create_organization(&By::system("test"), "other", "Other").await.unwrap();
    Arc::new(stage)
}

/// Calls a service that does not end by itself, and waits until it runs.
async fn asleep(
    stage: &Arc<Stage>,
    organization: &'static str,
) -> (Arc<RunningCall>, tokio::task::JoinHandle<Result<Value>>) {
    let caller = Arc::clone(stage);
    let calling =
        tokio::spawn(async move { caller.service_for(organization, "busy.sleep", &Value::Null).await });
    loop {
        let running = stage.kernel().running_calls();
        let whose = |call: &&Arc<RunningCall>| {
            call.context().organization.as_deref().is_some_and(|it| it.slug == organization)
        };
        match running.iter().find(whose) {
            Some(call) => return (Arc::clone(call), calling),
            None => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

async fn ended(stage: &Stage, filter: InvocationFilter) -> Vec<switchboard_kernel::Invocation> {
    stage.kernel().ended_calls(&filter, 100).await.unwrap()
}

#[tokio::test]
async fn a_call_that_runs_is_listed_and_stopped_by_its_number() {
    let stage = busy().await;
    let (call, calling) = asleep(&stage, "default").await;
    let (what, kind) = (call.what(), call.kind().as_str());
    assert_eq!((call.plugin().id().as_str(), what.as_str(), kind), ("busy", "busy.sleep", "service"));
    let admin = By::system("an administrator");
    stage.kernel().stop_call(&admin, call.number()).await.unwrap();
    let failure = calling.await.unwrap().unwrap_err();
    assert!(matches!(&failure, Failure::Unavailable { .. }), "{failure}");
    assert!(failure.to_string().contains("an administrator stopped it"), "{failure}");
    assert_eq!(stage.kernel().running_calls().len(), 0);
    let again = stage.kernel().stop_call(&admin, call.number()).await.unwrap_err().to_string();
    assert!(again.contains("may have ended"), "{again}");
    let stopped = InvocationFilter { troubled: true, ..InvocationFilter::default() };
    assert_eq!(ended(&stage, stopped).await.first().unwrap().outcome, "stopped");
    let filter = AuditFilter { action: Some("call.stopped".to_owned()), ..AuditFilter::default() };
    let lines = stage.kernel().audit(&filter, AuditPage::Newest, 10).await.unwrap();
    assert!(lines.len() == 1 && lines[0].after.as_deref().unwrap().contains("busy.sleep"), "{lines:?}");
}

#[tokio::test]
async fn switching_a_plugin_off_stops_its_calls_there_and_nowhere_else() {
    let stage = busy().await;
    let (_, here) = asleep(&stage, "default").await;
    let (elsewhere, other) = asleep(&stage, "other").await;
    stage.kernel().disable(&By::system("test"), "busy", "default").await.unwrap();
    let failure = here.await.unwrap().unwrap_err().to_string();
    assert!(failure.contains("it was switched off"), "{failure}");
    let running = stage.kernel().running_calls();
    assert_eq!(running.iter().map(|call| call.number()).collect::<Vec<_>>(), [elsewhere.number()]);
    stage.kernel().switch_off(&By::system("test"), "busy").await.unwrap();
    assert!(other.await.unwrap().unwrap_err().to_string().contains("it was switched off"));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_running() {
    let stage = busy().await;
    let (_, calling) = asleep(&stage, "default").await;
    calling.abort();
    let _ = calling.await;
    assert_eq!(stage.kernel().running_calls().len(), 0);
    assert_eq!(ended(&stage, InvocationFilter::default()).await[0].outcome, "abandoned");
}

#[tokio::test]
async fn each_call_that_fails_by_the_plugins_fault_is_recorded_and_of_the_others_some() {
    let stage = busy().await;
    for _ in 0..3 {
        stage.service("busy.fail", &Value::Null).await.unwrap_err();
    }
    for _ in 0..200 {
        stage.service("busy.count", &Value::Null).await.unwrap();
        stage.service("busy.refuse", &Value::Null).await.unwrap_err();
    }
    let all = ended(&stage, InvocationFilter::default()).await;
    let failed: Vec<_> = all.iter().filter(|call| call.outcome == "broken").collect();
    assert_eq!(failed.len(), 3);
    assert_eq!((failed[0].message.as_deref(), failed[0].what.as_str()), (Some("a bug"), "busy.fail"));
    assert!(all.len() < 100, "{} of 403 were recorded", all.len());
    let only =
        InvocationFilter { troubled: true, plugin: Some("busy".to_owned()), ..InvocationFilter::default() };
    assert_eq!(ended(&stage, only).await.len(), 3);
    let before =
        InvocationFilter { before: Some(failed[0].id), troubled: true, ..InvocationFilter::default() };
    assert_eq!(ended(&stage, before).await.len(), 2, "the page that follows");
}

#[tokio::test]
async fn a_record_says_what_the_call_used() {
    let stage = busy().await;
    stage.service("busy.count", &Value::Null).await.unwrap();
    let [call] = &ended(&stage, InvocationFilter::default()).await[..] else { panic!("one was recorded") };
    assert_eq!((call.outcome.as_str(), call.asked.as_str()), ("done", r#"{"kv":2}"#));
    assert_eq!((call.bytes_in, call.bytes_out, call.memory), (Some(4), Some(4), None), "`null`, both ways");
    assert_eq!((call.plugin_version.as_str(), call.kind.as_str()), ("1.0.0", "service"));
    assert!(call.organization_id.is_some() && !call.actor.is_empty() && !call.trace.is_empty());
}

#[tokio::test]
async fn a_plugin_that_keeps_failing_is_set_aside_where_it_fails() {
    let stage = busy().await;
    let mut failures = 0;
    let refused = loop {
        match stage.service("busy.fail", &Value::Null).await.unwrap_err() {
            Failure::Broken { .. } if failures < 1000 => failures += 1,
            other => break other,
        }
    };
    assert!(matches!(refused, Failure::Unavailable { after: Some(_), .. }), "{refused}");
    assert!(
        refused.to_string().contains("is set aside") && !refused.to_string().contains("a bug"),
        "{refused}"
    );
    stage.service("busy.count", &Value::Null).await.unwrap_err();
    stage.service_for("other", "busy.count", &Value::Null).await.unwrap();
    let snapshot = stage.kernel().snapshot();
    let aside = snapshot.plugin("busy").unwrap().set_aside();
    assert_eq!((aside.len(), aside[0].failures, aside[0].reason.as_str()), (1, failures, "a bug"));
}

#[tokio::test]
async fn what_a_plugin_writes_is_kept_for_those_who_look_at_it() {
    let says = plugin("says", "enabled_by_default: true\nprovides:\n  services: [{name: says.it}]").service(
        "says.it",
        async |ctx: Context, what: String| {
            ctx.log().warn(&what);
            Ok(())
        },
    );
    let stage = Stage::with([built(says)]).await;
    stage.service("says.it", &"hello\nthere".into()).await.unwrap();
    let lines = stage.kernel().plugin_lines("says", LineFilter::default(), 10);
    assert_eq!(lines.iter().map(|line| &*line.message).collect::<Vec<_>>(), ["hello\\nthere"]);
    assert!(lines[0].organization.is_some() && lines[0].number == 1);
}
