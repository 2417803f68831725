//! Tasks.

use std::time::Duration;
use switchboard_testkit::kernel::By;

use serde_json::json;
use switchboard_delivery::{TaskRun, TaskState};
use switchboard_sdk::{TaskCall, serde_json};
use switchboard_testkit::Stage;

use crate::plugins::{Attempts, Fate, Gate, id, pass_time, source};

async fn ask_for_work(stage: &Stage) -> String {
    let run = stage.service("source.work", &json!({ "what": "dishes" })).await.unwrap();
    run.as_str().unwrap().to_owned()
}

async fn status(stage: &Stage, run: &str) -> TaskRun {
    stage.delivery().task_run(&id("source"), run).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_done_once_with_what_it_was_asked_for_with() {
    let runs = Attempts::that_go_well();
    let stage = Stage::with([source(&runs)]).await;
    let run = ask_for_work(&stage).await;
    stage.idle().await;
    let all = runs.all();
    assert_eq!(all.len(), 1);
    let call = &all[0];
    assert_eq!((call.name.as_str(), call.run.as_str(), call.attempt), ("work", run.as_str(), 1));
    assert_eq!(call.payload.to::<serde_json::Value>().unwrap(), json!({ "what": "dishes" }));
    let status = status(&stage, &run).await;
    assert_eq!((status.state, status.attempt, status.error), (TaskState::Done, 1, None));
    assert!(status.ended_at.is_some());
    assert_eq!(stage.delivery().counts(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_says_how_far_it_is_while_it_runs() {
    let gate = Gate::default();
    let opened = gate.clone();
    let runs = Attempts::that(move |_: &TaskCall| Fate::Waits(gate.clone()));
    let stage = Stage::with([source(&runs)]).await;
    let run = ask_for_work(&stage).await;
    runs.have_begun(1).await;
    let running = status(&stage, &run).await;
    assert_eq!(running.state, TaskState::Running);
    let progress = running.progress.unwrap();
    assert_eq!((progress.share, progress.message.as_str()), (0.5, "attempt 1"));
    opened.open();
    stage.idle().await;
    let done = status(&stage, &run).await;
    assert_eq!((done.state, done.progress.unwrap().message.as_str()), (TaskState::Done, "attempt 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_is_tried_again_and_one_that_always_fails_is_given_up_with_its_cause() {
    let runs = Attempts::that(|call: &TaskCall| match call.attempt {
        1 | 2 => Fate::Fails("the water is cold"),
        _ => Fate::Well,
    });
    let stage = Stage::with([source(&runs)]).await;
    let run = ask_for_work(&stage).await;
    stage.idle().await;
    let failed = status(&stage, &run).await;
    assert_eq!((failed.state, failed.error.as_deref()), (TaskState::Queued, Some("the water is cold")));
    assert_eq!(stage.delivery().counts().tasks_queued, 1);
    pass_time(&stage).await;
    pass_time(&stage).await;
    assert_eq!((status(&stage, &run).await.state, runs.all().len()), (TaskState::Done, 3));

    runs.are_now(|_| Fate::Fails("there is no water"));
    let run = ask_for_work(&stage).await;
    for _ in 0..8 {
        pass_time(&stage).await;
    }
    let given_up = status(&stage, &run).await;
    assert_eq!((given_up.state, given_up.attempt), (TaskState::Dead, 5));
    assert_eq!(given_up.error.as_deref(), Some("there is no water"));
    assert_eq!(runs.all().len(), 3 + 5);
    assert_eq!(stage.delivery().counts(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_cut_short_is_done_after_the_restart() {
    let runs = Attempts::that(|_: &TaskCall| Fate::Waits(Gate::default()));
    let stage = Stage::with([source(&runs)]).await;
    let run = ask_for_work(&stage).await;
    runs.have_begun(1).await;
    stage.delivery().stop(Duration::ZERO).await;

    let runs = Attempts::that_go_well();
    let stage = stage.again_with([source(&runs)]).await;
    stage.idle().await;
    let attempts: Vec<u32> = runs.all().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1], "an attempt that the server cut short does not count");
    assert_eq!(status(&stage, &run).await.state, TaskState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_plugin_that_is_switched_off_is_done_when_it_serves_again() {
    let runs = Attempts::that(|_: &TaskCall| Fate::Fails("no"));
    let stage = Stage::with([source(&runs)]).await;
    let run = ask_for_work(&stage).await;
    stage.idle().await;
    stage.kernel().switch_off(&By::system("test"), "source").await.unwrap();
    runs.are_now(|_| Fate::Well);
    for _ in 0..10 {
        pass_time(&stage).await;
    }
    assert_eq!(status(&stage, &run).await.state, TaskState::Queued);
    stage.kernel().switch_on(&By::system("test"), "source").await.unwrap();
    pass_time(&stage).await;
    let done = status(&stage, &run).await;
    assert_eq!((done.state, done.attempt), (TaskState::Done, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_tasks_run_at_the_same_time_than_may() {
    let gate = Gate::default();
    let opened = gate.clone();
    let runs = Attempts::that(move |_: &TaskCall| Fate::Waits(gate.clone()));
    let stage = Stage::with([source(&runs)]).await;
    for _ in 0..5 {
        ask_for_work(&stage).await;
    }
    runs.have_begun(2).await;
    stage.service("source.say", &json!({ "subject": "a", "numbers": [1] })).await.unwrap();
    assert_eq!((runs.all().len(), runs.well().len()), (2, 0));
    runs.are_now(|_| Fate::Well);
    opened.open();
    stage.idle().await;
    assert_eq!(runs.well().len(), 5);
}
