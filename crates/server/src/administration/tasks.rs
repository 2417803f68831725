//! Tasks of all plugins: what ran and runs, for whom, and what runs by itself.

use std::sync::Arc;

use switchboard_delivery::Delivery;
use switchboard_sdk::{Definition, Plan, answer::Created, extract::Shared, prelude::*};

use super::KernelHandle;
use crate::tasks::{
    self, DeclaredTask, Given, OneSchedule, Reach, Run, Runs, RunsListing, Schedules, SchedulesListing, Which,
};

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .get("/api/admin/tasks", list_tasks)
        .post("/api/admin/tasks/{plugin}/{task}/run", run_task)
        .get("/api/admin/task-runs", list_runs)
        .get("/api/admin/task-runs/{plugin}/{run}", get_run)
        .post("/api/admin/task-runs/{plugin}/{run}/cancel", cancel_run)
        .get("/api/admin/schedules", list_schedules)
        .put("/api/admin/schedules/{plugin}/{name}", set_schedule)
        .delete("/api/admin/schedules/{plugin}/{name}", remove_schedule)
        .post("/api/admin/schedules/{plugin}/{name}/pause", pause_schedule)
        .post("/api/admin/schedules/{plugin}/{name}/resume", resume_schedule)
}

/// For whom it is asked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Whose {
    /// The organization, by its name in addresses. Without it: lists are of all organizations, and what is done is done for none.
    organization: Option<String>,
}

impl Whose {
    fn reach(&self, kernel: &KernelHandle) -> Result<Reach> {
        let kernel = kernel.kernel()?;
        let named = self.organization.as_deref().map(|slug| kernel.named(slug)).transpose()?;
        Ok(Reach { organization: named.map(|organization| organization.id), is_own: false })
    }
}

async fn list_tasks(
    kernel: Shared<KernelHandle>,
    Query(whose): Query<Whose>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<DeclaredTask>>> {
    Ok(tasks::tasks(&*kernel.kernel()?, whose.reach(&kernel)?, &which))
}

async fn run_task(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(task): Path<(String, String)>,
    Query(whose): Query<Whose>,
    Json(given): Json<Given>,
) -> Result<Created<Run>> {
    tasks::run_task(&ctx, &kernel, &delivery, whose.reach(&kernel)?, task, given).await
}

async fn list_runs(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(whose): Query<Whose>,
    Query(listing): Query<RunsListing>,
) -> Result<Json<Runs>> {
    let organization = whose.reach(&kernel)?.organization;
    tasks::runs(&*kernel.kernel()?, &delivery, organization, listing).await
}

async fn get_run(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path((plugin, run)): Path<(String, String)>,
) -> Result<Json<Run>> {
    let reach = Whose::default().reach(&kernel)?;
    tasks::run(&*kernel.kernel()?, &delivery, reach, (&plugin, &run)).await
}

async fn cancel_run(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(run): Path<(String, String)>,
) -> Result<Json<Run>> {
    tasks::cancel(&ctx, &kernel, &delivery, Whose::default().reach(&kernel)?, run).await
}

async fn list_schedules(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(whose): Query<Whose>,
    Query(listing): Query<SchedulesListing>,
) -> Result<Json<Schedules>> {
    let organization = whose.reach(&kernel)?.organization;
    tasks::schedules(&*kernel.kernel()?, &delivery, organization, listing).await
}

async fn set_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
    Json(plan): Json<Plan>,
) -> Result<Json<OneSchedule>> {
    tasks::set(&ctx, &kernel, &delivery, whose.reach(&kernel)?, place, plan).await
}

async fn remove_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
) -> Result<NoContent> {
    tasks::remove(&ctx, &kernel, &delivery, whose.reach(&kernel)?, place).await
}

async fn pause_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
) -> Result<Json<OneSchedule>> {
    tasks::pause(&ctx, &kernel, &delivery, whose.reach(&kernel)?, place, true).await
}

async fn resume_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
) -> Result<Json<OneSchedule>> {
    tasks::pause(&ctx, &kernel, &delivery, whose.reach(&kernel)?, place, false).await
}
