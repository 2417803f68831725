//! `schedule`: work to be done apart from a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use switchboard_manifest::{CatchUp, IfRunning};

use crate::{BoxFuture, Context, Failure, Payload, Timestamp};

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is done, from 0 to 1.
    pub share: f64,
    /// What it is doing, for people.
    pub message: String,
}

/// What is to be done, and when. It has one of `cron`, `every_seconds` and `at`.
///
/// ```
/// use switchboard_api::capability::Plan;
///
/// let plan = Plan::cron("remind", "0 9 * * MON-FRI").in_zone("Europe/Berlin").with(&serde_json::json!({"match": 7}))?;
/// assert_eq!(serde_json::to_value(&plan).unwrap()["time_zone"], "Europe/Berlin");
/// # Ok::<(), switchboard_api::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The plugin's task that is done.
    pub task: String,
    /// What it is given.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub payload: Json,
    /// A cron expression of five fields (minute, hour, day of the month, month, day of the week), or of six with the second in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time zone on whose clocks `cron` is read, such as `Europe/Berlin`; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Every so many seconds, from when it is set: 1 to 315,360,000, which is ten years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub every_seconds: Option<u64>,
    /// Once, at this moment; one that is past is due at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub at: Option<Timestamp>,
    /// By how many seconds, at most, each run begins later, at random: 0 to 86,400.
    #[serde(default)]
    #[schemars(range(max = 86_400))]
    pub jitter_seconds: u32,
    /// What happens when it is due and the run before goes on.
    #[serde(default)]
    pub if_running: IfRunning,
    /// What happens to runs that were due while nobody was there to begin them.
    #[serde(default)]
    pub catch_up: CatchUp,
}

impl Plan {
    fn of(task: impl Into<String>) -> Self {
        Self {
            task: task.into(),
            payload: Json::Null,
            cron: None,
            time_zone: None,
            every_seconds: None,
            at: None,
            jitter_seconds: 0,
            if_running: IfRunning::default(),
            catch_up: CatchUp::default(),
        }
    }

    /// The task, by a cron expression, in UTC.
    pub fn cron(task: impl Into<String>, expression: impl Into<String>) -> Self {
        Self { cron: Some(expression.into()), ..Self::of(task) }
    }

    /// The task, every so many seconds.
    pub fn every(task: impl Into<String>, seconds: u64) -> Self {
        Self { every_seconds: Some(seconds), ..Self::of(task) }
    }

    /// The task, once.
    pub fn once(task: impl Into<String>, at: Timestamp) -> Self {
        Self { at: Some(at), ..Self::of(task) }
    }

    /// On the clocks of this time zone.
    #[must_use]
    pub fn in_zone(self, name: impl Into<String>) -> Self {
        Self { time_zone: Some(name.into()), ..self }
    }

    /// Given this.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the value has no JSON form.
    pub fn with<T: Serialize + ?Sized>(self, payload: &T) -> Result<Self, Failure> {
        let payload = serde_json::to_value(payload)
            .map_err(|error| Failure::broken(format!("a payload could not be written as JSON: {error}")))?;
        Ok(Self { payload, ..self })
    }
}

/// A plan that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scheduled {
    /// Its name among the plugin's plans for the organization.
    pub name: String,
    /// What is done, and when.
    pub plan: Plan,
    /// Whether nothing comes of it for now.
    pub paused: bool,
    /// When it is due next; never any more when absent.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub next_at: Option<Timestamp>,
    /// When it was last due.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_at: Option<Timestamp>,
}

/// Work to be done later.
pub trait Schedule: Send + Sync {
    /// Has one of the plugin's tasks done soon, for the organization of this call; gives the run's name.
    ///
    /// When this returns, the task will be done whatever crashes: at least once, tried again when it fails.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the manifest declares no such task.
    fn run<'a>(
        &'a self,
        context: &'a Context,
        task: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<String, Failure>>;

    /// Says how far the running task is. Does nothing outside of a task.
    fn progress(&self, context: &Context, progress: Progress);

    /// Keeps what came of the running task, for whoever looks at its runs: at most 64 KiB of JSON. The last one stays.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it is larger, or no task of this call runs.
    fn output(&self, context: &Context, output: Payload) -> Result<(), Failure>;

    /// Keeps a plan of the plugin's for the organization of this call, in place of its plan of that name if there is one. A name is
    /// 1 to 100 characters of `a-z`, `0-9`, `_`, `-` and `.`, and begins with a letter or digit.
    ///
    /// When this returns, it will be kept to whatever crashes.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a plan that cannot be, with its faults; [`Failure::Conflict`] when a person or the manifest has one of
    /// that name; [`Failure::Broken`] when the manifest declares no such task.
    fn set<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        plan: Plan,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Gives up a plan of the plugin's for the organization of this call; false when there was none. What is under way goes on.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when a person or the manifest has it.
    fn remove<'a>(&'a self, context: &'a Context, name: &'a str) -> BoxFuture<'a, Result<bool, Failure>>;

    /// The plans of the plugin's for the organization of this call, by name; without those of the manifest.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when they cannot be read.
    fn list<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Vec<Scheduled>, Failure>>;
}
