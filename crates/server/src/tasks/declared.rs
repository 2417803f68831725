//! The tasks that plugins declare, and running one.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use switchboard_delivery::Delivery;
use switchboard_kernel::{AuditEntry, By, Kernel};
use switchboard_manifest::Task;
use switchboard_sdk::{
    answer::{self, Created},
    prelude::*,
};

use super::{Reach, Run, declared};
use crate::kernel_handle::KernelHandle;

/// A task that a plugin declares.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeclaredTask {
    /// The plugin.
    plugin: String,
    /// Its name within the plugin.
    task: String,
    /// What it does.
    description: String,
    /// A JSON Schema of what it is given; `null` when it takes nothing.
    parameters: Option<Json>,
    /// The action that a member must be allowed to do to run and schedule it; `null` when only the operator may.
    permission: Option<String>,
    /// Whether the manifest has it run by itself.
    runs_by_itself: bool,
    /// How long one run may take, in seconds.
    timeout_seconds: u64,
    /// How often a run that fails is tried.
    attempts: u32,
}

impl DeclaredTask {
    fn of(plugin: &str, task: &Task) -> Self {
        Self {
            plugin: plugin.to_owned(),
            task: task.name.clone(),
            description: task.description.clone(),
            parameters: task.parameters.clone().map(Json::Object),
            permission: task.permission.clone(),
            runs_by_itself: task.is_scheduled(),
            timeout_seconds: task.timeout_seconds,
            attempts: task.attempts,
        }
    }
}

/// Whose tasks are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Which {
    /// Only those of this plugin.
    plugin: Option<String>,
}

/// What a task is given.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Given {
    /// What it is given, as its `parameters` say.
    payload: Json,
}

/// The tasks of plugins that serve, by plugin and name: for an organization those of plugins that are on there.
pub(crate) fn tasks(kernel: &Kernel, reach: Reach, which: &Which) -> answer::Json<Vec<DeclaredTask>> {
    let snapshot = kernel.snapshot();
    let mut tasks: Vec<DeclaredTask> = snapshot
        .plugins()
        .iter()
        .filter(|plugin| which.plugin.as_deref().is_none_or(|id| plugin.id().as_str() == id))
        .filter(|plugin| reach.organization.is_none_or(|id| snapshot.is_enabled(plugin, id)))
        .flat_map(|plugin| {
            let tasks = plugin.manifest().provides.tasks.iter();
            tasks.map(|task| DeclaredTask::of(plugin.id().as_str(), task)).collect::<Vec<_>>()
        })
        .collect();
    tasks.sort_by(|a, b| (&a.plugin, &a.task).cmp(&(&b.plugin, &b.task)));
    answer::Json(tasks)
}

/// Has a task done soon, on somebody's behalf.
pub(crate) async fn run_task(
    ctx: &Context,
    kernel: &KernelHandle,
    delivery: &Arc<Delivery>,
    reach: Reach,
    (plugin, task): (String, String),
    Given { payload }: Given,
) -> Result<Created<Run>> {
    let found = reach.plugin(&*kernel.kernel()?, &plugin)?;
    reach.permit(ctx, &*kernel.kernel()?, &found, declared(&found, &task)?)?;
    let (delivery, trace) = (Arc::clone(delivery), Arc::clone(&ctx.call().trace));
    let id = found.id().clone();
    let change = async move |kernel: Arc<Kernel>, by: By| -> Result<Run> {
        let run = delivery.ask_for_task(&id, &task, reach.organization, &payload, &trace).await?;
        let entry = AuditEntry::new("task.asked_for", format!("task:{id}/{task}")).within(reach.organization);
        kernel.note(&by, entry.after(json!({ "run": run, "payload": payload }))).await?;
        let found = delivery.task_run(&id, &run).await?;
        let found = found.ok_or_else(|| not_found!("the run `{run}` of plugin `{id}` is gone already"))?;
        Ok(Run::of(&kernel, found))
    };
    kernel.change(ctx, change).await.map(Created)
}
