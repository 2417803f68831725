//! Calls of plugins: those that run now, those that ended, and what a plugin wrote to the log meanwhile.

use std::{collections::BTreeMap, sync::Arc};

use switchboard_api::{CallKind, capability::Level};
use switchboard_kernel::{By, Invocation, InvocationFilter, Kernel, LineFilter, PluginLine, RunningCall};
use switchboard_sdk::{Definition, Timestamp, extract::Shared, prelude::*};

use super::{KernelHandle, plugins::known};
use crate::audit_lines::name_of;

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .get("/api/admin/calls", list_calls)
        .get("/api/admin/calls/running", list_running_calls)
        .post("/api/admin/calls/running/{number}/stop", stop_call)
        .get("/api/admin/plugins/{id}/log", list_plugin_log)
}

/// Which of the calls that ended are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
struct Wanted {
    /// Only those of this plugin.
    plugin: Option<String>,
    /// Only those for this organization, by its name in addresses.
    organization: Option<String>,
    /// Only those of this kind.
    #[schemars(
        with = "Option<String>",
        extend("enum" = ["lifecycle", "request", "event", "filter", "task", "service", "command", null])
    )]
    kind: Option<CallKind>,
    /// Only those that ended so: `done`, `stopped`, `abandoned`, or the kind of failure, such as `broken`.
    #[schemars(length(max = 40))]
    outcome: Option<String>,
    /// Only those with this id of a request.
    #[schemars(length(max = 200))]
    trace: Option<String>,
    /// Only those that failed by the plugin's fault, took too long, or were stopped.
    troubled: bool,
    /// Only those before the one of this number: `next` of the page before.
    before: Option<i64>,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            plugin: None,
            organization: None,
            kind: None,
            outcome: None,
            trace: None,
            troubled: false,
            before: None,
            limit: 100,
        }
    }
}

/// Calls that ended.
#[derive(Debug, Serialize, JsonSchema)]
struct EndedCalls {
    /// The calls, the newest first.
    calls: Vec<EndedCall>,
    /// What to give as `before` for those before these; `null` when there are none.
    next: Option<i64>,
}

/// A call that ended.
#[derive(Debug, Serialize, JsonSchema)]
struct EndedCall {
    /// Its number among those that were recorded.
    id: i64,
    /// When it began, in UTC.
    at: String,
    /// The plugin.
    plugin: String,
    /// The version of the plugin that was called.
    version: String,
    /// The organization, by its name in addresses; `null` in global scope.
    organization: Option<String>,
    /// Who was behind it.
    actor: String,
    /// The kind of call.
    kind: String,
    /// The route, or the name of the event, filter point, task, service, command or hook.
    what: String,
    /// The id of the request, or what else set it off: it stands in the log and in the answer to a request.
    trace: String,
    /// `done`, `stopped`, `abandoned` when nobody waited for it any more, or the kind of failure, such as `broken`.
    outcome: String,
    /// What it failed with.
    message: Option<String>,
    /// How long it took, in milliseconds.
    milliseconds: f64,
    /// The bytes of memory of the instance that served it; `null` for a plugin that is part of the server.
    memory: Option<i64>,
    /// The bytes that came with it; `null` where that was not known beforehand.
    bytes_in: Option<i64>,
    /// The bytes that were answered; `null` where that was not known beforehand.
    bytes_out: Option<i64>,
    /// How often it asked the host for something, by capability.
    asked: BTreeMap<String, u32>,
}

/// A call that runs now.
#[derive(Debug, Serialize, JsonSchema)]
struct Running {
    /// Its number, by which it is stopped.
    number: u64,
    /// The plugin.
    plugin: String,
    /// The version of the plugin that is called.
    version: String,
    /// The organization, by its name in addresses; `null` in global scope.
    organization: Option<String>,
    /// Who is behind it.
    actor: String,
    /// The kind of call.
    kind: &'static str,
    /// The route, or the name of the event, filter point, task, service, command or hook.
    what: String,
    /// The id of the request, or what else set it off.
    trace: String,
    /// How long it has run, in milliseconds.
    milliseconds: f64,
    /// How long it may still run, in milliseconds, if it waits for nobody.
    milliseconds_left: f64,
    /// How often it has asked the host for something so far, by capability.
    asked: BTreeMap<String, u32>,
}

/// Which lines of a plugin are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
struct WantedLines {
    /// Only those that matter at least so much.
    #[schemars(with = "Option<String>", extend("enum" = ["debug", "info", "warn", "error", null]))]
    level: Option<Level>,
    /// Only those of calls for this organization, by its name in addresses.
    organization: Option<String>,
    /// Only those after the line of this number, the oldest of them; the newest of all when absent.
    after: Option<u64>,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
}

impl Default for WantedLines {
    fn default() -> Self {
        Self { level: None, organization: None, after: None, limit: 200 }
    }
}

/// A line that a plugin wrote.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    /// Its number among the plugin's lines since the server started.
    number: u64,
    /// When it was written, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    at: Timestamp,
    /// How much it matters.
    #[schemars(with = "String", extend("enum" = ["debug", "info", "warn", "error"]))]
    level: Level,
    /// The organization for which the plugin was called, by its name in addresses; `null` in global scope.
    organization: Option<String>,
    /// The id of the request, or what else set the call off.
    trace: String,
    /// What it says.
    message: String,
}

async fn list_calls(kernel: Shared<KernelHandle>, Query(wanted): Query<Wanted>) -> Result<Json<EndedCalls>> {
    let kernel = kernel.kernel()?;
    let organization = wanted.organization.as_deref().map(|slug| kernel.named(slug)).transpose()?;
    let filter = InvocationFilter {
        plugin: wanted.plugin,
        organization: organization.map(|organization| organization.id),
        kind: wanted.kind.map(|kind| kind.as_str().to_owned()),
        outcome: wanted.outcome,
        trace: wanted.trace,
        troubled: wanted.troubled,
        before: wanted.before,
    };
    let calls = kernel.ended_calls(&filter, wanted.limit).await?;
    let is_full = calls.len() >= wanted.limit as usize;
    let next = calls.last().filter(|_| is_full).map(|last| last.id);
    let calls = calls.into_iter().map(|call| EndedCall::of(&kernel, call)).collect();
    Ok(Json(EndedCalls { calls, next }))
}

async fn list_running_calls(kernel: Shared<KernelHandle>) -> Result<Json<Vec<Running>>> {
    let calls = kernel.kernel()?.running_calls();
    Ok(Json(calls.iter().map(|call| Running::of(call)).collect()))
}

async fn stop_call(ctx: Context, kernel: Shared<KernelHandle>, Path(number): Path<u64>) -> Result<NoContent> {
    let stop = async move |kernel: Arc<Kernel>, by: By| kernel.stop_call(&by, number).await;
    kernel.change(&ctx, stop).await?;
    Ok(NoContent)
}

async fn list_plugin_log(
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(wanted): Query<WantedLines>,
) -> Result<Json<Vec<Line>>> {
    let id = known(&kernel, id)?;
    let kernel = kernel.kernel()?;
    let organization = wanted.organization.as_deref().map(|slug| kernel.named(slug)).transpose()?;
    let filter = LineFilter {
        level: wanted.level,
        organization: organization.map(|organization| organization.id),
        after: wanted.after,
    };
    let lines = kernel.plugin_lines(&id, filter, wanted.limit);
    Ok(Json(lines.into_iter().map(|line| Line::of(&kernel, line)).collect()))
}

fn milliseconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl EndedCall {
    fn of(kernel: &Kernel, call: Invocation) -> Self {
        Self {
            id: call.id,
            at: call.at.to_string(),
            plugin: call.plugin_id,
            version: call.plugin_version,
            organization: call.organization_id.map(|id| name_of(kernel, id)),
            actor: call.actor,
            kind: call.kind,
            what: call.what,
            trace: call.trace,
            outcome: call.outcome,
            message: call.message,
            milliseconds: call.took_us as f64 / 1000.0,
            memory: call.memory,
            bytes_in: call.bytes_in,
            bytes_out: call.bytes_out,
            asked: serde_json::from_str(&call.asked).unwrap_or_default(),
        }
    }
}

impl Running {
    fn of(call: &RunningCall) -> Self {
        let (context, manifest) = (call.context(), call.plugin().manifest());
        let asked = context.usage.asked();
        Self {
            number: call.number(),
            plugin: manifest.id.to_string(),
            version: manifest.version.to_string(),
            organization: context.organization.as_deref().map(|organization| organization.slug.clone()),
            actor: context.actor.name.to_string(),
            kind: call.kind().as_str(),
            what: call.what(),
            trace: context.trace.to_string(),
            milliseconds: milliseconds(call.running_for()),
            milliseconds_left: milliseconds(context.time_left()),
            asked: asked.map(|(capability, times)| (capability.as_str().to_owned(), times)).collect(),
        }
    }
}

impl Line {
    fn of(kernel: &Kernel, line: PluginLine) -> Self {
        Self {
            number: line.number,
            at: line.at,
            level: line.level,
            organization: line.organization.map(|id| name_of(kernel, id)),
            trace: line.trace.to_string(),
            message: line.message.into(),
        }
    }
}
