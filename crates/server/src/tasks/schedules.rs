//! What runs by itself.

use std::sync::Arc;

use serde_json::json;
use switchboard_api::{OrganizationId, capability::Plan};
use switchboard_delivery::{Delivery, Origin, Owner, Schedule, ScheduleFilter};
use switchboard_kernel::{AuditEntry, By, Kernel};
use switchboard_manifest::PluginId;
use switchboard_sdk::{Timestamp, answer, prelude::*};

use super::{Reach, bad, declared, id_of};
use crate::{audit_lines::name_of, kernel_handle::KernelHandle};

/// What runs by itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OneSchedule {
    /// The plugin whose task it begins.
    plugin: String,
    /// Its name among the plugin's schedules for the organization.
    name: String,
    /// The organization it is for, by its name in addresses; `null` for one of the manifest, which may be for each, and for one for none.
    organization: Option<String>,
    /// Whose it is.
    origin: Whose,
    /// Who made it.
    author: String,
    /// What is done, and when.
    plan: Plan,
    /// Whether nothing comes of it for now.
    paused: bool,
    /// When it is due next, in UTC; `null` when it never is.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    next_at: Option<Timestamp>,
    /// When it was last due, in UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    last_at: Option<Timestamp>,
    /// How many runs were left out because the one before went on.
    skipped: u64,
    /// What is to be said of it, such as why it is paused.
    note: Option<String>,
}

/// Whose a schedule is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Whose {
    /// The manifest declares it.
    Manifest,
    /// The plugin made it.
    Plugin,
    /// Somebody made it.
    Person,
}

impl OneSchedule {
    fn of(kernel: &Kernel, schedule: Schedule) -> Self {
        let scheduled = schedule.scheduled;
        Self {
            plugin: schedule.plugin.to_string(),
            name: scheduled.name,
            organization: schedule.organization.map(|id| name_of(kernel, id)),
            origin: match schedule.origin {
                Origin::Manifest => Whose::Manifest,
                Origin::Plugin => Whose::Plugin,
                Origin::Person => Whose::Person,
            },
            author: schedule.author,
            plan: scheduled.plan,
            paused: scheduled.paused,
            next_at: scheduled.next_at,
            last_at: scheduled.last_at,
            skipped: schedule.skipped,
            note: schedule.note,
        }
    }
}

/// Which schedules are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct SchedulesListing {
    /// Only those of this plugin.
    plugin: Option<String>,
    /// Only those behind this place: `next` of the page before.
    after: Option<String>,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
}

impl Default for SchedulesListing {
    fn default() -> Self {
        Self { plugin: None, after: None, limit: 100 }
    }
}

/// What runs by itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Schedules {
    /// The schedules, by plugin, organization and name.
    schedules: Vec<OneSchedule>,
    /// What to give as `after` for those that follow; `null` when there are none.
    next: Option<String>,
}

/// A page of the schedules that are wanted.
pub(crate) async fn schedules(
    kernel: &Kernel,
    delivery: &Delivery,
    organization: Option<OrganizationId>,
    wanted: SchedulesListing,
) -> Result<answer::Json<Schedules>> {
    let behind = wanted.after.as_deref().map(|after| {
        let mut parts = after.splitn(3, '/');
        let place = (|| {
            let plugin = parts.next()?.parse().ok()?;
            let organization: i64 = parts.next()?.parse().ok()?;
            Some((
                plugin,
                Some(OrganizationId(organization)).filter(|id| id.0 != 0),
                parts.next()?.to_owned(),
            ))
        })();
        place.ok_or_else(|| bad("after", "this is not `next` of a page", after))
    });
    let filter = ScheduleFilter {
        plugin: wanted.plugin.as_deref().map(id_of).transpose()?,
        organization,
        behind: behind.transpose()?,
    };
    let mut found = delivery.schedules(&filter, wanted.limit + 1).await?;
    let more = found.len() > wanted.limit;
    found.truncate(wanted.limit);
    let place = |last: &Schedule| {
        let organization = last.organization.map_or(0, |id| id.0);
        format!("{}/{organization}/{}", last.plugin, last.scheduled.name)
    };
    let next = found.last().filter(|_| more).map(place);
    let schedules = found.into_iter().map(|schedule| OneSchedule::of(kernel, schedule)).collect();
    Ok(answer::Json(Schedules { schedules, next }))
}

/// Makes a schedule, or changes one, on somebody's behalf.
pub(crate) async fn set(
    ctx: &Context,
    kernel: &KernelHandle,
    delivery: &Arc<Delivery>,
    reach: Reach,
    (plugin, name): (String, String),
    plan: Plan,
) -> Result<answer::Json<OneSchedule>> {
    let found = reach.plugin(&*kernel.kernel()?, &plugin)?;
    reach.permit(ctx, &*kernel.kernel()?, &found, declared(&found, &plan.task)?)?;
    let (delivery, id, author) =
        (Arc::clone(delivery), found.id().clone(), ctx.call().actor.name.to_string());
    let change = async move |kernel: Arc<Kernel>, by: By| -> Result<OneSchedule> {
        let owner = Owner { origin: Origin::Person, author: &author };
        let before = delivery.schedule(&id, reach.organization, &name).await?;
        let after = delivery.set_schedule(&id, reach.organization, &name, plan, owner).await?;
        let entry = AuditEntry::new("schedule.set", subject(&id, &name)).within(reach.organization);
        let entry = entry.before(before.map(|it| it.scheduled.plan)).after(&after.scheduled.plan);
        kernel.note(&by, entry).await?;
        Ok(OneSchedule::of(&kernel, after))
    };
    kernel.change(ctx, change).await.map(answer::Json)
}

/// Removes a schedule, on somebody's behalf.
pub(crate) async fn remove(
    ctx: &Context,
    kernel: &KernelHandle,
    delivery: &Arc<Delivery>,
    reach: Reach,
    (plugin, name): (String, String),
) -> Result<NoContent> {
    let delivery = Arc::clone(delivery);
    let change = async move |kernel: Arc<Kernel>, by: By| -> Result<()> {
        let id = id_of(&plugin)?;
        let before = delivery.schedule(&id, reach.organization, &name).await?;
        let before = before.ok_or_else(|| nothing(&plugin, &name))?;
        // What a plugin made, its operator may remove.
        let origin =
            if before.origin == Origin::Plugin && !reach.is_own { Origin::Plugin } else { Origin::Person };
        delivery.remove_schedule(&id, reach.organization, &name, origin).await?;
        let entry = AuditEntry::new("schedule.removed", subject(&id, &name)).within(reach.organization);
        kernel.note(&by, entry.before(&before.scheduled.plan)).await?;
        Ok(())
    };
    kernel.change(ctx, change).await.map(|()| NoContent)
}

/// Pauses a schedule or has it go on, on somebody's behalf.
pub(crate) async fn pause(
    ctx: &Context,
    kernel: &KernelHandle,
    delivery: &Arc<Delivery>,
    reach: Reach,
    (plugin, name): (String, String),
    pause: bool,
) -> Result<answer::Json<OneSchedule>> {
    let delivery = Arc::clone(delivery);
    let change = async move |kernel: Arc<Kernel>, by: By| -> Result<OneSchedule> {
        let id = id_of(&plugin)?;
        let paused = delivery.pause_schedule(&id, reach.organization, &name, pause).await?;
        let paused = paused.ok_or_else(|| nothing(&plugin, &name))?;
        let action = if pause { "schedule.paused" } else { "schedule.resumed" };
        let entry = AuditEntry::new(action, subject(&id, &name)).within(reach.organization);
        kernel.note(&by, entry.after(json!({ "next_at": paused.scheduled.next_at }))).await?;
        Ok(OneSchedule::of(&kernel, paused))
    };
    kernel.change(ctx, change).await.map(answer::Json)
}

fn subject(plugin: &PluginId, name: &str) -> String {
    format!("schedule:{plugin}/{name}")
}

fn nothing(plugin: &str, name: &str) -> Failure {
    not_found!("plugin `{plugin}` has no schedule `{name}` here")
}
