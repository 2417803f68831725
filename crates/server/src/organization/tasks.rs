//! The organization's tasks: what ran and runs for it, and what runs by itself.

use std::sync::Arc;

use switchboard_delivery::Delivery;
use switchboard_sdk::{Definition, Plan, answer::Created, extract::Shared, prelude::*};

use super::called_for;
use crate::{
    kernel_handle::KernelHandle,
    tasks::{
        self, DeclaredTask, Given, OneSchedule, Reach, Run, Runs, RunsListing, Schedules, SchedulesListing,
        Which,
    },
};

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .get("/tasks", list_own_tasks)
        .post("/tasks/{plugin}/{task}/run", run_own_task)
        .get("/task-runs", list_own_runs)
        .get("/task-runs/{plugin}/{run}", get_own_run)
        .post("/task-runs/{plugin}/{run}/cancel", cancel_own_run)
        .get("/schedules", list_own_schedules)
        .put("/schedules/{plugin}/{name}", set_own_schedule)
        .delete("/schedules/{plugin}/{name}", remove_own_schedule)
        .post("/schedules/{plugin}/{name}/pause", pause_own_schedule)
        .post("/schedules/{plugin}/{name}/resume", resume_own_schedule)
}

fn own(ctx: &Context) -> Result<Reach> {
    Ok(Reach { organization: Some(called_for(ctx)?.id), is_own: true })
}

async fn list_own_tasks(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<DeclaredTask>>> {
    Ok(tasks::tasks(&*kernel.kernel()?, own(&ctx)?, &which))
}

async fn run_own_task(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(task): Path<(String, String)>,
    Json(given): Json<Given>,
) -> Result<Created<Run>> {
    tasks::run_task(&ctx, &kernel, &delivery, own(&ctx)?, task, given).await
}

async fn list_own_runs(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(listing): Query<RunsListing>,
) -> Result<Json<Runs>> {
    tasks::runs(&*kernel.kernel()?, &delivery, own(&ctx)?.organization, listing).await
}

async fn get_own_run(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path((plugin, run)): Path<(String, String)>,
) -> Result<Json<Run>> {
    tasks::run(&*kernel.kernel()?, &delivery, own(&ctx)?, (&plugin, &run)).await
}

async fn cancel_own_run(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(run): Path<(String, String)>,
) -> Result<Json<Run>> {
    tasks::cancel(&ctx, &kernel, &delivery, own(&ctx)?, run).await
}

async fn list_own_schedules(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(listing): Query<SchedulesListing>,
) -> Result<Json<Schedules>> {
    tasks::schedules(&*kernel.kernel()?, &delivery, own(&ctx)?.organization, listing).await
}

async fn set_own_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
    Json(plan): Json<Plan>,
) -> Result<Json<OneSchedule>> {
    tasks::set(&ctx, &kernel, &delivery, own(&ctx)?, place, plan).await
}

async fn remove_own_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
) -> Result<NoContent> {
    tasks::remove(&ctx, &kernel, &delivery, own(&ctx)?, place).await
}

async fn pause_own_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
) -> Result<Json<OneSchedule>> {
    tasks::pause(&ctx, &kernel, &delivery, own(&ctx)?, place, true).await
}

async fn resume_own_schedule(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path(place): Path<(String, String)>,
) -> Result<Json<OneSchedule>> {
    tasks::pause(&ctx, &kernel, &delivery, own(&ctx)?, place, false).await
}
