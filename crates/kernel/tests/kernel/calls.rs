//! The layers around a call.

use crate::small_plugins::{built, plugin};
use serde_json::{Value, json};
use switchboard_kernel::By;
use switchboard_sdk::{Context, Failure, prelude::*};
use switchboard_testkit::Stage;

const SERVICES: &str = "enabled_by_default: true
limits: {call_ms: 100, concurrent_calls: 2}
provides:
  services: [{name: rude.panic}, {name: rude.sleep}, {name: rude.again}]";

async fn rude() -> Stage {
    let rude = plugin("rude", SERVICES)
        .service("rude.panic", async |_: Context, (): ()| -> Result<()> { panic!("on purpose") })
        .service("rude.sleep", async |_: Context, (): ()| -> Result<()> { std::future::pending().await })
        .service("rude.again", async |_: Context, (): ()| Ok("here"));
    Stage::with([built(rude)]).await
}

#[tokio::test]
async fn a_panic_is_the_plugins_fault_and_nobody_elses() {
    let stage = rude().await;
    let failure = stage.service("rude.panic", &Value::Null).await.unwrap_err();
    assert!(matches!(&failure, Failure::Broken { .. }) && failure.to_string().contains("on purpose"));
    assert_eq!(stage.service("rude.again", &Value::Null).await.unwrap(), "here");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended_and_gives_its_place_back() {
    let stage = rude().await;
    for _ in 0..3 {
        let failure = stage.service("rude.sleep", &Value::Null).await.unwrap_err();
        assert!(matches!(&failure, Failure::TimedOut { .. }), "{failure}");
        assert!(failure.to_string().contains("100 ms"), "{failure}");
    }
    assert_eq!(stage.service("rude.again", &Value::Null).await.unwrap(), "here");
}

#[tokio::test]
async fn a_plugin_has_no_more_calls_at_once_than_it_may() {
    let stage = rude().await;
    let sleep = || stage.service("rude.sleep", &Value::Null);
    let (first, second, third) = tokio::join!(sleep(), sleep(), sleep());
    assert!(matches!(first.unwrap_err(), Failure::TimedOut { .. }));
    assert!(matches!(second.unwrap_err(), Failure::TimedOut { .. }));
    let third = third.unwrap_err();
    assert!(matches!(&third, Failure::Unavailable { after: Some(_), .. }), "{third}");
}

const PACED: &str = "enabled_by_default: true
limits: {calls_per_second: 1}
capabilities: [{name: schedule, reason: Works.}]
provides:
  services: [{name: paced.work}]
  tasks: [{name: work}]";

#[tokio::test]
async fn a_plugin_takes_only_so_many_calls_in_a_second_for_each_organization() {
    let paced = plugin("paced", PACED)
        .service("paced.work", async |ctx: Context, (): ()| ctx.schedule().run("work", &()).await)
        .task("work", async |_: Context, _: TaskCall| Ok(()));
    let stage = Stage::with([built(paced)]).await;
    stage.kernel().create_organization(&By::system("test"), "other", "Other").await.unwrap();
    let (mut taken, mut refused) = (0, None);
    // However slowly this goes, one of them comes within a second of the one before.
    while refused.is_none() && taken < 1000 {
        match stage.service("paced.work", &Value::Null).await {
            Ok(_) => taken += 1,
            Err(failure) => refused = Some(failure),
        }
    }
    let refused = refused.unwrap();
    assert!(taken > 0 && matches!(refused, Failure::RateLimited { .. }), "{refused}");
    assert!(refused.to_string().contains("for organization `default`: 1 times a second"), "{refused}");
    stage.service_for("other", "paced.work", &Value::Null).await.unwrap();
    // The tasks that were asked for are all done: nobody would ask for them again.
    stage.finish().await;
}

#[tokio::test]
async fn an_actor_does_only_what_they_may() {
    let guarded = "enabled_by_default: true
permissions:
  actions: [{name: \"door:open\", description: Open the door.}]
provides:
  api_routes: [{method: POST, path: /door, scope: root, reason: a test, permission: \"door:open\"}]";
    let door =
        plugin("door", guarded).post("/door", async |_: Context| -> Result<NoContent> { Ok(NoContent) });
    let stage = Stage::with([built(door)]).await;
    stage.ask("POST", "/door").allowed(&["door:*"]).send().await.expect(204);
    let failure = stage.ask("POST", "/door").allowed(&["window:open"]).send().await.failure().to_string();
    assert!(failure.contains("door:open"), "{failure}");
}

const OWNER: &str = "enabled_by_default: true
provides:
  events: []
  filter_points:
    - name: word.said
  services: [{name: owner.say}]";

fn participant(id: &str, priority: i32) -> String {
    format!(
        "enabled_by_default: true\nrequires: [owner]\nprovides:\n  filters: [{{name: word.said, priority: {priority}}}]\n# {id}"
    )
}

#[tokio::test]
async fn filters_pass_a_value_on_by_priority_then_by_id_and_a_failing_one_is_skipped() {
    let owner = plugin("owner", OWNER)
        .service("owner.say", async |ctx: Context, said: Value| ctx.filter("word.said", &said).await);
    let adds = |id: &str, priority: i32| {
        let name = id.to_owned();
        let add = move |_: Context, mut said: Value| {
            let name = name.clone();
            async move {
                if let Some(said) = said.as_array_mut() {
                    said.push(name.into());
                }
                Ok(said)
            }
        };
        built(plugin(id, &participant(id, priority)).filter("word.said", add))
    };
    let failing = plugin("failing", &participant("failing", 0))
        .filter("word.said", async |_: Context, _: Value| -> Result<Value> { Err(Failure::broken("a bug")) });
    let plugins =
        [built(owner), adds("zebra", 5), adds("bee", 0), adds("ant", 0), adds("early", -5), built(failing)];
    let stage = Stage::with(plugins).await;
    let said = stage.service("owner.say", &json!([])).await.unwrap();
    let expected = json!(["early", "ant", "bee", "zebra"]);
    assert_eq!(said, expected);
    stage.kernel().disable(&By::system("test"), "bee", "default").await.unwrap();
    let said = stage.service("owner.say", &json!([])).await.unwrap();
    assert!(!said.to_string().contains("bee"), "{said}");
}

#[tokio::test]
async fn a_filter_may_veto() {
    let owner = plugin("owner", OWNER)
        .service("owner.say", async |ctx: Context, said: Value| ctx.filter("word.said", &said).await);
    let veto = plugin("censor", &participant("censor", 0))
        .filter("word.said", async |_: Context, _: Value| -> Result<Value> {
            Err(Failure::conflict("not that word"))
        });
    let stage = Stage::with([built(owner), built(veto)]).await;
    let failure = stage.service("owner.say", &json!(["x"])).await.unwrap_err();
    assert!(matches!(&failure, Failure::Conflict { .. }) && failure.to_string().contains("not that word"));
}

#[tokio::test]
async fn what_a_participant_gives_back_is_held_against_the_points_schema() {
    let strict = OWNER.replace("- name: word.said", "- name: word.said\n      schema: {type: array}");
    let owner = plugin("owner", &strict)
        .service("owner.say", async |ctx: Context, said: Value| ctx.filter("word.said", &said).await);
    let garbling = plugin("garbling", &participant("garbling", 0))
        .filter("word.said", async |_: Context, _: Value| -> Result<Value> { Ok(json!("garbage")) });
    let stage = Stage::with([built(owner), built(garbling)]).await;
    assert_eq!(stage.service("owner.say", &json!(["x"])).await.unwrap(), json!(["x"]), "it is skipped");
}
