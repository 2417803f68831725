//! Runs of tasks.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use switchboard_api::OrganizationId;
use switchboard_delivery::{Delivery, RunFilter, TaskRun, TaskState};
use switchboard_kernel::{AuditEntry, By, Kernel};
use switchboard_sdk::{Timestamp, answer, prelude::*};

use super::{Reach, bad, id_of};
use crate::{audit_lines::name_of, kernel_handle::KernelHandle};

/// One run of a task.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Run {
    /// The plugin whose task it is.
    plugin: String,
    /// The run's name, which no other run of the plugin has.
    run: String,
    /// The task's name.
    task: String,
    /// The organization it is done for, by its name in addresses; `null` for none.
    organization: Option<String>,
    /// The schedule that began it; `null` when it was asked for.
    schedule: Option<String>,
    /// When it was due by its schedule, in UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    due_at: Option<Timestamp>,
    /// Where it is.
    state: State,
    /// How often it was begun.
    attempt: u32,
    /// When it is begun next, in UTC, while it is queued.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    next_at: Option<Timestamp>,
    /// How far it said that it is.
    progress: Option<Progress>,
    /// What it said came of it.
    output: Option<Json>,
    /// What it failed with the last time.
    error: Option<String>,
    /// When it was asked for or fell due, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When its last attempt began, in UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    begun_at: Option<Timestamp>,
    /// When it was done, given up or cancelled, in UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    ended_at: Option<Timestamp>,
    /// How long its last attempt took, in milliseconds, once it ended.
    took_ms: Option<i64>,
}

/// How far a run is.
#[derive(Debug, Serialize, JsonSchema)]
struct Progress {
    /// What is done, from 0 to 1.
    share: f64,
    /// What it is doing.
    message: String,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It waits for its turn, or for its next attempt.
    Queued,
    /// It runs.
    Running,
    /// It runs, and was told to stop.
    Cancelling,
    /// It is done.
    Done,
    /// It was given up.
    Dead,
    /// Somebody cancelled it.
    Cancelled,
}

impl From<TaskState> for State {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Queued => Self::Queued,
            TaskState::Running => Self::Running,
            TaskState::Cancelling => Self::Cancelling,
            TaskState::Done => Self::Done,
            TaskState::Dead => Self::Dead,
            TaskState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<State> for TaskState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Cancelling => Self::Cancelling,
            State::Done => Self::Done,
            State::Dead => Self::Dead,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl Run {
    pub(super) fn of(kernel: &Kernel, run: TaskRun) -> Self {
        let took = run.begun_at.zip(run.ended_at).map(|(begun, ended)| ended.duration_since(begun));
        Self {
            plugin: run.plugin.to_string(),
            run: run.run,
            task: run.task,
            organization: run.organization.map(|id| name_of(kernel, id)),
            schedule: run.schedule,
            due_at: run.due_at,
            state: run.state.into(),
            attempt: run.attempt,
            next_at: run.next_at,
            progress: run.progress.map(|it| Progress { share: it.share, message: it.message }),
            output: run.output.and_then(|output| output.to().ok()),
            error: run.error,
            created_at: run.created_at,
            begun_at: run.begun_at,
            ended_at: run.ended_at,
            took_ms: took.and_then(|took| i64::try_from(took.as_millis()).ok()),
        }
    }
}

/// Which runs are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct RunsListing {
    /// Only those of this plugin.
    plugin: Option<String>,
    /// Only those of this task.
    task: Option<String>,
    /// Only those that a schedule of this name began.
    schedule: Option<String>,
    /// Only those that are there.
    state: Option<State>,
    /// Only those behind this place: `next` of the page before.
    before: Option<String>,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
}

impl Default for RunsListing {
    fn default() -> Self {
        Self { plugin: None, task: None, schedule: None, state: None, before: None, limit: 100 }
    }
}

/// Runs that are kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Runs {
    /// The runs, the last that were asked for first.
    runs: Vec<Run>,
    /// What to give as `before` for those that follow; `null` when there are none.
    next: Option<String>,
}

/// A page of the runs that are wanted.
pub(crate) async fn runs(
    kernel: &Kernel,
    delivery: &Delivery,
    organization: Option<OrganizationId>,
    wanted: RunsListing,
) -> Result<answer::Json<Runs>> {
    let behind = wanted.before.as_deref().map(|before| {
        let place = before.split_once('.').and_then(|(at, run)| {
            Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, run.to_owned()))
        });
        place.ok_or_else(|| bad("before", "this is not `next` of a page", before))
    });
    let filter = RunFilter {
        plugin: wanted.plugin.as_deref().map(id_of).transpose()?,
        task: wanted.task,
        organization,
        schedule: wanted.schedule,
        state: wanted.state.map(Into::into),
        behind: behind.transpose()?,
    };
    let mut found = delivery.task_runs(&filter, wanted.limit + 1).await?;
    let more = found.len() > wanted.limit;
    found.truncate(wanted.limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| format!("{}.{}", last.created_at.as_microsecond(), last.run));
    let runs = found.into_iter().map(|run| Run::of(kernel, run)).collect();
    Ok(answer::Json(Runs { runs, next }))
}

/// One run.
pub(crate) async fn run(
    kernel: &Kernel,
    delivery: &Delivery,
    reach: Reach,
    (plugin, run): (&str, &str),
) -> Result<answer::Json<Run>> {
    let found = delivery.task_run(&id_of(plugin)?, run).await?;
    let found =
        found.filter(|found| reach.reaches(found.organization)).ok_or_else(|| nothing(plugin, run))?;
    Ok(answer::Json(Run::of(kernel, found)))
}

/// Cancels a run, on somebody's behalf.
pub(crate) async fn cancel(
    ctx: &Context,
    kernel: &KernelHandle,
    delivery: &Arc<Delivery>,
    reach: Reach,
    (plugin, run): (String, String),
) -> Result<answer::Json<Run>> {
    let delivery = Arc::clone(delivery);
    let change = async move |kernel: Arc<Kernel>, by: By| -> Result<Run> {
        let id = id_of(&plugin)?;
        let found = delivery.task_run(&id, &run).await?;
        let found =
            found.filter(|found| reach.reaches(found.organization)).ok_or_else(|| nothing(&plugin, &run))?;
        if found.ended_at.is_some() {
            return Err(conflict!("the run `{run}` has ended: it is {}", found.state.as_str()));
        }
        delivery.cancel_run(&id, &run).await?;
        let subject = format!("task:{id}/{}", found.task);
        let entry = AuditEntry::new("task.cancelled", subject).within(found.organization);
        kernel.note(&by, entry.after(json!({ "run": run }))).await?;
        let found = delivery.task_run(&id, &run).await?.ok_or_else(|| nothing(&plugin, &run))?;
        Ok(Run::of(&kernel, found))
    };
    kernel.change(ctx, change).await.map(answer::Json)
}

fn nothing(plugin: &str, run: &str) -> Failure {
    not_found!("plugin `{plugin}` has no run `{run}`, or it is not kept any more")
}
