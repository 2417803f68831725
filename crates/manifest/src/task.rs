//! Work apart from a request, and when it is done by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::is_default;

/// Work apart from a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its name within the plugin.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"))]
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// For whom it runs by itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scope: TaskScope,
    /// When it runs by itself: a cron expression of five fields, or of six with the second in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time zone on whose clocks `cron` is read: one of the IANA database, such as `Europe/Berlin`; `UTC` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When it runs by itself: every so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub every_seconds: Option<u64>,
    /// By how many seconds, at most, each run begins later, at random, so that not all begin at once.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 86_400))]
    pub jitter_seconds: u32,
    /// What happens when it is due and the run before goes on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub if_running: IfRunning,
    /// What happens to runs that were due while the server, or the plugin, was off.
    #[serde(default, skip_serializing_if = "is_default")]
    pub catch_up: CatchUp,
    /// How long one run may take, in seconds.
    #[serde(default = "default_seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub timeout_seconds: u64,
    /// How often a run that fails is tried before it is given up.
    #[serde(default = "default_attempts")]
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// A JSON Schema of what it is given when somebody runs it, or has it run by a schedule of theirs; nothing may be given when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<serde_json::Map<String, serde_json::Value>>,
    /// The action that a member of an organization must be allowed to do to run it and to schedule it; none of them may when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
}

/// For whom a task runs by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskScope {
    /// Once for each organization in which the plugin is on.
    #[default]
    Organization,
    /// Once, for no organization.
    Global,
}

/// What happens when a run is due and the one before goes on, for the same organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfRunning {
    /// The new one is left out, and counted.
    #[default]
    Skip,
    /// The new one waits until the other ended.
    Queue,
    /// Both run.
    Overlap,
}

/// What happens to runs that were due while nobody was there to begin them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// One run makes up for all of them.
    #[default]
    Once,
    /// They are left out. What is less than a minute late is not missed.
    None,
    /// Each is made up for, one after the other.
    All,
}

impl Task {
    /// Whether it runs by itself.
    pub fn is_scheduled(&self) -> bool {
        self.cron.is_some() || self.every_seconds.is_some()
    }
}

fn default_seconds() -> u64 {
    3600
}

fn default_attempts() -> u32 {
    5
}
