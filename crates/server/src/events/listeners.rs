//! Plugins that listen: what waits for them, and whether they hear anything for now.

use std::sync::Arc;

use switchboard_api::OrganizationId;
use switchboard_delivery::{Backlog, Delivery};
use switchboard_kernel::{By, Kernel, Loaded};
use switchboard_sdk::{Timestamp, prelude::*};

use crate::{audit_lines::name_of, kernel_handle::KernelHandle};

/// A plugin that listens to events.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Listener {
    /// The plugin.
    plugin: String,
    /// What it listens to.
    events: Vec<ListensTo>,
    /// Where it hears nothing for now.
    paused: Vec<Paused>,
    /// How many events it is to hear yet: for the first time, because others stand before them, or again.
    waiting: u64,
    /// When the oldest of those was said, in UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    waiting_since: Option<Timestamp>,
    /// How many events were given up with it.
    dead: u64,
}

/// What a plugin listens to.
#[derive(Debug, Serialize, JsonSchema)]
struct ListensTo {
    /// The type of events, or a pattern of types.
    event: String,
    /// Listeners of one event run in order of priority, lowest first.
    priority: i32,
}

/// That a plugin hears nothing for now.
#[derive(Debug, Serialize, JsonSchema)]
struct Paused {
    /// Of which organization, by its name in addresses; `null` when it is of all.
    organization: Option<String>,
    /// Who paused it.
    by: String,
    /// Since when, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    since: Timestamp,
}

impl Listener {
    fn of(kernel: &Kernel, plugin: &Loaded, organization: Option<OrganizationId>, backlog: Backlog) -> Self {
        let pauses = kernel.pauses();
        let is_told =
            |of: Option<OrganizationId>| organization.is_none() || of.is_none() || of == organization;
        let paused = pauses.of(plugin.id()).iter().filter(|pause| is_told(pause.organization));
        let paused = paused.map(|pause| Paused {
            organization: pause.organization.map(|id| name_of(kernel, id)),
            by: pause.by.clone(),
            since: pause.since,
        });
        let events = plugin.manifest().provides.listeners.iter();
        let events = events.map(|it| ListensTo { event: it.event.clone(), priority: it.priority });
        Self {
            plugin: plugin.id().to_string(),
            events: events.collect(),
            paused: paused.collect(),
            waiting: backlog.waiting,
            waiting_since: backlog.since,
            dead: backlog.dead,
        }
    }
}

/// The plugins that listen, by id: all, or those that an organization sees, with what waits for them there.
pub(crate) async fn listeners(
    kernel: &Kernel,
    delivery: &Delivery,
    organization: Option<OrganizationId>,
) -> Result<Json<Vec<Listener>>> {
    let (snapshot, mut backlogs) = (kernel.snapshot(), delivery.backlogs(organization).await?);
    let mut plugins: Vec<&Arc<Loaded>> = snapshot.plugins().iter().collect();
    plugins.retain(|plugin| {
        !plugin.manifest().provides.listeners.is_empty()
            && organization.is_none_or(|id| snapshot.is_seen(plugin, id))
    });
    plugins.sort_by(|one, other| one.id().cmp(other.id()));
    let listener = |plugin: &Arc<Loaded>| {
        Listener::of(kernel, plugin, organization, backlogs.remove(plugin.id()).unwrap_or_default())
    };
    Ok(Json(plugins.into_iter().map(listener).collect()))
}

/// Has a plugin hear nothing for now, or hear again what waited for it.
pub(crate) async fn pause(
    ctx: &Context,
    kernel: &KernelHandle,
    id: String,
    organization: Option<String>,
    pause: bool,
) -> Result<NoContent> {
    let change = async move |kernel: Arc<Kernel>, by: By| match pause {
        true => kernel.pause_listener(&by, &id, organization.as_deref()).await,
        false => kernel.resume_listener(&by, &id, organization.as_deref()).await,
    };
    kernel.change(ctx, change).await?;
    Ok(NoContent)
}
