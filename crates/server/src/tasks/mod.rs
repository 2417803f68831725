//! Tasks over HTTP, for administrators of the installation and of organizations alike: what may be run, what ran and runs, and what
//! runs by itself.

mod declared;
mod runs;
mod schedules;

pub(crate) use declared::{DeclaredTask, Given, Which, run_task, tasks};
pub(crate) use runs::{Run, Runs, RunsListing, cancel, run, runs};
pub(crate) use schedules::{OneSchedule, Schedules, SchedulesListing, pause, remove, schedules, set};

use std::sync::Arc;

use switchboard_api::{Fault, OrganizationId};
use switchboard_kernel::{Kernel, Loaded};
use switchboard_manifest::{PluginId, Task};
use switchboard_sdk::prelude::*;

/// For whom something is asked of tasks: for the operator, of all organizations, of one or of none; or for an organization, of its own.
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) organization: Option<OrganizationId>,
    /// Whether an organization asks: it sees its own plugins, and its members need what tasks ask for.
    pub(crate) is_own: bool,
}

impl Reach {
    /// Whether it goes as far as that organization, or as what belongs to none.
    fn reaches(self, organization: Option<OrganizationId>) -> bool {
        !self.is_own || organization == self.organization
    }

    /// The plugin of that id, if it serves and is seen.
    fn plugin(self, kernel: &Kernel, id: &str) -> Result<Arc<Loaded>> {
        let snapshot = kernel.snapshot();
        let is_seen = |plugin: &Loaded| {
            !self.is_own
                || self.organization.is_some_and(|organization| snapshot.is_seen(plugin, organization))
        };
        let found = snapshot.plugin(id).filter(|plugin| is_seen(plugin)).cloned();
        found.ok_or_else(|| not_found!("no plugin `{id}` serves"))
    }

    /// Refuses a member who may not run and schedule a task, or an organization in which the plugin is off.
    fn permit(self, ctx: &Context, kernel: &Kernel, plugin: &Loaded, task: &Task) -> Result<()> {
        let (id, name) = (plugin.id(), &task.name);
        if let Some(organization) = self.organization
            && !kernel.snapshot().is_enabled(plugin, organization)
        {
            return Err(conflict!("plugin `{id}` is not switched on there: nothing of it would be done"));
        }
        match &task.permission {
            _ if !self.is_own => Ok(()),
            Some(action) => ctx.require(action),
            None => Err(forbidden!(
                "task `{name}` of plugin `{id}` is run by its plugin and by the operator alone"
            )),
        }
    }
}

/// The task of that name that a plugin declares.
fn declared<'a>(plugin: &'a Loaded, name: &str) -> Result<&'a Task> {
    let found = plugin.manifest().provides.tasks.iter().find(|task| task.name == name);
    found.ok_or_else(|| not_found!("plugin `{}` declares no task `{name}`", plugin.id()))
}

/// The id of a plugin, of which it is not asked whether there is one.
fn id_of(plugin: &str) -> Result<PluginId> {
    plugin.parse().map_err(|_| not_found!("there is no plugin `{plugin}`"))
}

/// A fault of a parameter of the query.
fn bad(name: &str, why: &str, given: &str) -> Failure {
    Failure::faults(vec![Fault::new("value_error", ["query", name], why, given.into())])
}
