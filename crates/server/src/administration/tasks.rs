//! Tasks of all plugins: what ran and runs, for whom, and what runs by itself.

use std::sync::Arc;

use switchboard_delivery::Delivery;
use switchboard_sdk::{Definition, Plan, answer::Created, extract::Shared, prelude::*};

use super::{
    KernelHandle,
    whose::{Of, Whose},
};
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

/// What is asked by an operator, of one organization, of all or of none.
fn reach(whose: &Whose, kernel: &KernelHandle) -> Result<Reach> {
    Ok(Reach { organization: whose.id(kernel)?, is_own: false })
}

/// What an operator asks of whatever belongs to whomever.
const ANYWHERE: Reach = Reach { organization: None, is_own: false };

async fn list_tasks(
    kernel: Shared<KernelHandle>,
    Query(Of { which, whose }): Query<Of<Which>>,
) -> Result<Json<Vec<DeclaredTask>>> {
    Ok(tasks::tasks(&*kernel.kernel()?, reach(&whose, &kernel)?, &which))
}

async fn run_task(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(task): Path<(String, String)>,
    Query(whose): Query<Whose>,
    Json(given): Json<Given>,
) -> Result<Created<Run>> {
    tasks::run_task(&ctx, &kernel, &delivery, reach(&whose, &kernel)?, task, given).await
}

async fn list_runs(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(Of { which, whose }): Query<Of<RunsListing>>,
) -> Result<Json<Runs>> {
    let organization = whose.id(&kernel)?;
    tasks::runs(&*kernel.kernel()?, &delivery, organization, which).await
}

async fn get_run(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path((plugin, run)): Path<(String, String)>,
) -> Result<Json<Run>> {
    tasks::run(&*kernel.kernel()?, &delivery, ANYWHERE, (&plugin, &run)).await
}

async fn cancel_run(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(run): Path<(String, String)>,
) -> Result<Json<Run>> {
    tasks::cancel(&ctx, &kernel, &delivery, ANYWHERE, run).await
}

async fn list_schedules(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(Of { which, whose }): Query<Of<SchedulesListing>>,
) -> Result<Json<Schedules>> {
    let organization = whose.id(&kernel)?;
    tasks::schedules(&*kernel.kernel()?, &delivery, organization, which).await
}

async fn set_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
    Json(plan): Json<Plan>,
) -> Result<Json<OneSchedule>> {
    tasks::set(&ctx, &kernel, &delivery, reach(&whose, &kernel)?, place, plan).await
}

async fn remove_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
) -> Result<NoContent> {
    tasks::remove(&ctx, &kernel, &delivery, reach(&whose, &kernel)?, place).await
}

async fn pause_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
) -> Result<Json<OneSchedule>> {
    tasks::pause(&ctx, &kernel, &delivery, reach(&whose, &kernel)?, place, true).await
}

async fn resume_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Query(whose): Query<Whose>,
) -> Result<Json<OneSchedule>> {
    tasks::pause(&ctx, &kernel, &delivery, reach(&whose, &kernel)?, place, false).await
}
