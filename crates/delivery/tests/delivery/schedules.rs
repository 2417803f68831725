//! Tasks that run by themselves, by schedules of the manifest, of the plugin and of people.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use switchboard_delivery::{Origin, Owner, RunFilter, Schedule, ScheduleFilter, TaskRun, TaskState};
use switchboard_sdk::{OrganizationId, Plan, Plugin, prelude::*, serde_json};
use switchboard_testkit::{Stage, kernel::By};

use crate::plugins::{Gate, id};

/// What a task was called with: its name, the organization's and the payload.
type Called = (String, Option<String>, Value);

/// What the tasks of `keeper` were called with.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Called>>>);

impl Calls {
    fn take(&self) -> Vec<Called> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A plugin with these tasks, each of which notes that it was called and then waits for the gate.
fn keeper(tasks: Value, calls: &Calls, gate: &Gate) -> Arc<dyn Plugin> {
    let manifest = json!({
        "id": "keeper", "name": "Keeper", "version": "1.0.0", "type": "builtin", "category": "utility",
        "description": "Keeps things in order.", "enabled_by_default": true, "limits": {"call_ms": 60000},
        "capabilities": [{"name": "schedule", "reason": "Keeps plans."}],
        "provides": {
            "tasks": tasks,
            "services": [{"name": "keeper.plan"}, {"name": "keeper.forget"}, {"name": "keeper.plans"}]
        }
    });
    let mut definition = Definition::new(Box::leak(manifest.to_string().into_boxed_str()))
        .service("keeper.plan", async |ctx: Context, (name, plan): (String, Plan)| {
            ctx.schedule().set(&name, plan).await
        })
        .service("keeper.forget", async |ctx: Context, name: String| ctx.schedule().remove(&name).await)
        .service("keeper.plans", async |ctx: Context, (): ()| ctx.schedule().list().await);
    for task in manifest["provides"]["tasks"].as_array().unwrap() {
        let (calls, gate) = (calls.clone(), gate.clone());
        let name: &'static str = Box::leak(task["name"].as_str().unwrap().to_owned().into_boxed_str());
        definition = definition.task(name, move |ctx: Context, call: TaskCall| {
            let (calls, gate) = (calls.clone(), gate.clone());
            async move {
                let organization = ctx.organization().ok().map(|organization| organization.slug.clone());
                let payload: Value = call.payload.to()?;
                calls.0.lock().unwrap().push((call.name.clone(), organization, payload.clone()));
                if payload["polite"] == json!(true) {
                    while !ctx.should_stop() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    return Err(conflict!("told to stop"));
                }
                gate.passed().await;
                ctx.schedule().output(&json!({ "kept": call.name }))
            }
        });
    }
    definition.build().unwrap()
}

fn open() -> Gate {
    let gate = Gate::default();
    gate.open();
    gate
}

async fn stage(time: &str, tasks: Value, calls: &Calls, gate: &Gate) -> Stage {
    let stage = Stage::setup().time(time.parse().unwrap()).with([keeper(tasks, calls, gate)]).await;
    stage.idle().await;
    stage
}

async fn pass(stage: &Stage, seconds: u64) {
    stage.clock().advance(Duration::from_secs(seconds));
    stage.idle().await;
}

async fn runs(stage: &Stage) -> Vec<TaskRun> {
    stage.delivery().task_runs(&RunFilter::default(), 1000).await.unwrap()
}

async fn schedules(stage: &Stage, organization: Option<OrganizationId>) -> Vec<Schedule> {
    let filter = ScheduleFilter { organization, ..ScheduleFilter::default() };
    stage.delivery().schedules(&filter, 1000).await.unwrap()
}

fn default_organization(stage: &Stage) -> Option<OrganizationId> {
    Some(stage.kernel().named("default").unwrap().id)
}

fn slugs(calls: &[Called]) -> Vec<Option<&str>> {
    let mut slugs: Vec<_> = calls.iter().map(|(_, slug, _)| slug.as_deref()).collect();
    slugs.sort_unstable();
    slugs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_the_manifest_runs_for_each_organization_in_which_the_plugin_is_on() {
    let calls = Calls::default();
    let tasks = json!([{"name": "tidy", "cron": "0 4 * * *", "time_zone": "Europe/Berlin"}]);
    let stage = stage("2026-03-28T12:00:00Z", tasks, &calls, &open()).await;
    let by = By::system("test");
    for slug in ["north", "south"] {
        stage.kernel().create_organization(&by, slug, slug).await.unwrap();
    }
    stage.kernel().disable(&by, "keeper", "south").await.unwrap();

    pass(&stage, 13 * 3600).await;
    assert_eq!(calls.count(), 0, "it is 3 o'clock in Berlin, where clocks were put forward");
    pass(&stage, 3600).await;
    assert_eq!(slugs(&calls.take()), [Some("default"), Some("north")]);
    pass(&stage, 3600).await;
    assert_eq!(calls.count(), 0);
    pass(&stage, 24 * 3600).await;
    assert_eq!(calls.take().len(), 2);

    let all = runs(&stage).await;
    assert_eq!(all.len(), 4);
    let last = &all[0];
    assert_eq!((last.schedule.as_deref(), last.state), (Some("tidy"), TaskState::Done));
    assert_eq!(last.due_at.unwrap().to_string(), "2026-03-30T02:00:00Z");
    assert_eq!(last.output.as_ref().unwrap().as_str(), r#"{"kept":"tidy"}"#);
    let kept = schedules(&stage, None).await;
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].origin, kept[0].organization), (Origin::Manifest, None));
    assert_eq!(kept[0].scheduled.next_at.unwrap().to_string(), "2026-03-31T02:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_global_scope_runs_once_for_no_organization() {
    let calls = Calls::default();
    let tasks = json!([{"name": "sweep", "every_seconds": 600, "scope": "global"}]);
    let stage = stage("2026-01-01T00:00:00Z", tasks, &calls, &open()).await;
    pass(&stage, 599).await;
    assert_eq!(calls.count(), 0);
    pass(&stage, 1).await;
    assert_eq!(slugs(&calls.take()), [None]);
    assert_eq!(schedules(&stage, default_organization(&stage)).await, [], "it is no organization's matter");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_were_missed_are_made_up_for_as_the_schedule_says() {
    let calls = Calls::default();
    let every = |name: &str, catch_up: &str| json!({"name": name, "every_seconds": 600, "scope": "global", "catch_up": catch_up});
    let tasks = json!([every("one", "once"), every("nothing", "none"), every("each", "all")]);
    let stage = stage("2026-01-01T00:00:00Z", tasks.clone(), &calls, &open()).await;
    stage.delivery().stop(Duration::ZERO).await;
    stage.clock().advance(Duration::from_secs(3 * 600 + 300));
    let stage = stage.again_with([keeper(tasks, &calls, &open())]).await;
    stage.idle().await;
    let mut names: Vec<String> = calls.take().into_iter().map(|(name, ..)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["each", "each", "each", "one"]);
    let notes: Vec<bool> = schedules(&stage, None).await.iter().map(|it| it.note.is_some()).collect();
    assert_eq!(notes, [false, true, false], "what was left out is said");
    pass(&stage, 300).await;
    assert_eq!(calls.take().len(), 3, "the beat goes on as it began");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_due_while_the_one_before_goes_on_is_left_out_or_waits_or_overlaps() {
    let calls = Calls::default();
    let every = |name: &str, if_running: &str| json!({"name": name, "every_seconds": 600, "scope": "global", "if_running": if_running});
    for (if_running, beginning, in_the_end) in [("skip", 1, 1), ("queue", 1, 3), ("overlap", 2, 3)] {
        let tasks = json!([every("turn", if_running)]);
        let gate = Gate::default();
        let stage = Stage::setup().with([keeper(tasks, &calls, &gate)]).await;
        stage.idle().await;
        for _ in 0..3 {
            let last_at = async || schedules(&stage, None).await[0].scheduled.last_at;
            let before = last_at().await;
            stage.clock().advance(Duration::from_secs(600));
            while last_at().await == before {
                // Whoever waits at the gate keeps it from being idle.
                let _ = tokio::time::timeout(Duration::from_millis(50), stage.idle()).await;
            }
        }
        while calls.count() < beginning {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(calls.count(), beginning, "{if_running}");
        gate.open();
        stage.idle().await;
        assert_eq!(calls.take().len(), in_the_end, "{if_running}");
        let kept = schedules(&stage, None).await;
        assert_eq!(kept[0].skipped, if if_running == "skip" { 2 } else { 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_keeps_plans_of_its_own() {
    let calls = Calls::default();
    let stage = stage("2026-01-01T00:00:00Z", json!([{"name": "remind"}]), &calls, &open()).await;
    let plan = json!(["match-7", {"task": "remind", "at": "2026-01-01T01:00:00Z", "payload": {"match": 7}}]);
    stage.service("keeper.plan", &plan).await.unwrap();
    let plan = json!(["daily", {"task": "remind", "cron": "0 12 * * *"}]);
    stage.service("keeper.plan", &plan).await.unwrap();
    let plans = stage.service("keeper.plans", &Value::Null).await.unwrap();
    let named: Vec<&str> = plans.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["daily", "match-7"]);
    assert_eq!(plans[0]["next_at"], json!("2026-01-01T12:00:00Z"));

    pass(&stage, 3600).await;
    let call = ("remind".to_owned(), Some("default".to_owned()), json!({"match": 7}));
    assert_eq!(calls.take(), [call]);
    pass(&stage, 3600).await;
    assert_eq!(calls.count(), 0, "once is once");
    assert_eq!(stage.service("keeper.forget", &json!("daily")).await.unwrap(), json!(true));
    assert_eq!(stage.service("keeper.forget", &json!("daily")).await.unwrap(), json!(false));
    pass(&stage, 24 * 3600).await;
    assert_eq!(calls.count(), 0);

    for (plan, says) in [
        (json!({"task": "remind"}), "say when"),
        (json!({"task": "remind", "cron": "0 25 * * *"}), "not a cron expression"),
        (json!({"task": "remind", "cron": "0 5 * * *", "time_zone": "Mars/Olympus"}), "no time zone"),
        (json!({"task": "remind", "every_seconds": 0}), "1 second to 10 years"),
        (json!({"task": "remind", "every_seconds": 5, "at": "2026-01-01T01:00:00Z"}), "one of"),
        (json!({"task": "nothing", "every_seconds": 5}), "declares no task `nothing`"),
    ] {
        let failure = stage.service("keeper.plan", &json!(["bad", plan])).await.unwrap_err();
        assert!(failure.to_string().contains(says), "{failure}");
    }
    let failure =
        stage.service("keeper.plan", &json!(["No Name", {"task": "remind", "every_seconds": 5}])).await;
    assert!(failure.unwrap_err().to_string().contains("a schedule's name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_schedule_is_checked_kept_paused_and_removed() {
    let calls = Calls::default();
    let parameters =
        json!({"type": "object", "required": ["day"], "properties": {"day": {"type": "string"}}});
    let tasks = json!([{"name": "report", "parameters": parameters}, {"name": "tidy", "every_seconds": 600}]);
    let stage = stage("2026-01-01T00:00:00Z", tasks, &calls, &open()).await;
    let (delivery, organization, keeper) = (stage.delivery(), default_organization(&stage), id("keeper"));
    let ann = Owner { origin: Origin::Person, author: "ann@example.com" };
    let set =
        async |name: &str, plan: Plan| delivery.set_schedule(&keeper, organization, name, plan, ann).await;
    let weekly = || Plan::cron("report", "0 6 * * MON");
    let failure = set("weekly", weekly()).await.unwrap_err();
    assert!(failure.to_string().contains("payload"), "{failure}");
    let kept = set("weekly", weekly().with(&json!({"day": "monday"})).unwrap()).await.unwrap();
    assert_eq!((kept.author.as_str(), kept.origin), ("ann@example.com", Origin::Person));
    assert_eq!(kept.scheduled.next_at.unwrap().to_string(), "2026-01-05T06:00:00Z");
    let failure = set("tidy", weekly().with(&json!({"day": "x"})).unwrap()).await.unwrap_err();
    assert_eq!(failure.kind(), "conflict", "the manifest has it: {failure}");

    let paused = delivery.pause_schedule(&keeper, organization, "weekly", true).await.unwrap().unwrap();
    assert_eq!((paused.scheduled.paused, paused.scheduled.next_at), (true, None));
    let paused = delivery.pause_schedule(&keeper, organization, "tidy", true).await.unwrap().unwrap();
    assert!(paused.scheduled.paused, "for this organization alone");
    let other = stage.kernel().create_organization(&By::system("test"), "north", "North").await.unwrap().id;
    assert!(!delivery.schedule(&keeper, Some(other), "tidy").await.unwrap().unwrap().scheduled.paused);
    pass(&stage, 8 * 24 * 3600).await;
    assert_eq!(slugs(&calls.take()), [Some("north")]);

    delivery.pause_schedule(&keeper, organization, "tidy", false).await.unwrap();
    delivery.pause_schedule(&keeper, organization, "weekly", false).await.unwrap();
    pass(&stage, 4 * 24 * 3600).await;
    let mut heard: Vec<String> = calls.take().into_iter().map(|(name, ..)| name).collect();
    heard.sort_unstable();
    assert_eq!(heard, ["report", "tidy", "tidy"]);

    let failure = delivery.remove_schedule(&keeper, organization, "tidy", Origin::Person).await.unwrap_err();
    assert_eq!(failure.kind(), "conflict");
    assert!(delivery.remove_schedule(&keeper, organization, "weekly", Origin::Person).await.unwrap());
    assert!(!delivery.remove_schedule(&keeper, organization, "weekly", Origin::Person).await.unwrap());
    let names: Vec<String> =
        schedules(&stage, organization).await.into_iter().map(|it| it.scheduled.name).collect();
    assert_eq!(names, ["tidy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_follows_the_manifest_and_what_was_paused_stays_so() {
    let calls = Calls::default();
    let tasks = json!([{"name": "tidy", "every_seconds": 600}, {"name": "gone", "every_seconds": 600}]);
    let stage = stage("2026-01-01T00:00:00Z", tasks, &calls, &open()).await;
    stage.delivery().pause_schedule(&id("keeper"), None, "tidy", true).await.unwrap();
    let tasks = json!([{"name": "tidy", "every_seconds": 900}, {"name": "gone"}, {"name": "new", "every_seconds": 60}]);
    let stage = stage.again_with([keeper(tasks, &calls, &open())]).await;
    stage.idle().await;
    let kept = schedules(&stage, None).await;
    let names: Vec<&str> = kept.iter().map(|it| it.scheduled.name.as_str()).collect();
    assert_eq!(names, ["new", "tidy"]);
    assert_eq!((kept[1].scheduled.plan.every_seconds, kept[1].scheduled.paused), (Some(900), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_while_it_waits_and_while_it_runs() {
    let (calls, gate) = (Calls::default(), Gate::default());
    let tasks = json!([{"name": "work", "parameters": {"type": "object"}}]);
    let stage = stage("2026-01-01T00:00:00Z", tasks, &calls, &gate).await;
    let (delivery, keeper) = (stage.delivery(), id("keeper"));
    let ask = async |payload: Value| {
        delivery.ask_for_task(&keeper, "work", default_organization(&stage), &payload, "test").await.unwrap()
    };
    let (polite, stubborn) = (ask(json!({"polite": true})).await, ask(json!({})).await);
    while calls.count() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let waiting = ask(json!({})).await;
    assert_eq!(delivery.cancel_run(&keeper, &waiting).await.unwrap(), Some(TaskState::Cancelled));
    // It may have ended before it is looked at.
    let polite_state = delivery.cancel_run(&keeper, &polite).await.unwrap().unwrap();
    assert!([TaskState::Cancelling, TaskState::Cancelled].contains(&polite_state), "{polite_state:?}");
    assert_eq!(delivery.cancel_run(&keeper, &stubborn).await.unwrap(), Some(TaskState::Cancelling));
    assert_eq!(delivery.cancel_run(&keeper, "nothing").await.unwrap(), None);
    stage.idle().await;
    for (run, says) in [(&polite, "told to stop"), (&stubborn, "after it was cancelled")] {
        let run = delivery.task_run(&keeper, run).await.unwrap().unwrap();
        assert_eq!(run.state, TaskState::Cancelled);
        assert!(run.error.as_ref().unwrap().contains(says), "{run:?}");
        assert!(run.ended_at.is_some());
    }
    assert_eq!(
        calls.take().len(),
        2,
        "what waited was never begun, and what was cancelled is not tried again"
    );
    assert_eq!(delivery.cancel_run(&keeper, &polite).await.unwrap(), Some(TaskState::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_page_by_page_and_by_what_is_wanted() {
    let calls = Calls::default();
    let tasks = json!([{"name": "work"}, {"name": "tidy", "every_seconds": 60, "scope": "global"}]);
    let stage = stage("2026-01-01T00:00:00Z", tasks, &calls, &open()).await;
    let (delivery, keeper) = (stage.delivery(), id("keeper"));
    for _ in 0..5 {
        delivery.ask_for_task(&keeper, "work", None, &Value::Null, "test").await.unwrap();
    }
    pass(&stage, 60).await;
    let mut filter = RunFilter::default();
    let mut seen = Vec::new();
    loop {
        let page = delivery.task_runs(&filter, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.behind = Some((last.created_at, last.run.clone()));
        seen.extend(page);
    }
    assert_eq!(seen.len(), 6);
    assert_eq!(seen[0].task, "tidy");
    let of_schedule = RunFilter { schedule: Some("tidy".to_owned()), ..RunFilter::default() };
    assert_eq!(delivery.task_runs(&of_schedule, 10).await.unwrap().len(), 1);
    let of_nobody = RunFilter { organization: default_organization(&stage), ..RunFilter::default() };
    assert_eq!(delivery.task_runs(&of_nobody, 10).await.unwrap(), []);
    let failed = RunFilter { state: Some(TaskState::Dead), ..RunFilter::default() };
    assert_eq!(delivery.task_runs(&failed, 10).await.unwrap(), []);
}
