//! Plugins switched on and off in many organizations at once, or only looked at what that would do.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use switchboard_api::{Failure, Fault, Organization, OrganizationId};
use switchboard_manifest::PluginId;

use crate::{
    by::By, enablement::Switching, error::Error, kernel::Kernel, loaded::Loaded, snapshot::Snapshot,
};

/// A plugin to be switched on or off in many organizations.
#[derive(Debug, Clone)]
pub struct BulkSwitch {
    /// The plugin's id.
    pub plugin: String,
    /// The organizations, by their names in addresses; all that there are when absent.
    pub organizations: Option<Vec<String>>,
    /// On, or off.
    pub on: bool,
}

/// How switching in many organizations goes about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct BulkTerms {
    /// Whether what a plugin requires is switched on before it, or what requires it off.
    pub together: bool,
    /// Whether nothing is done, and only told what would be.
    pub dry_run: bool,
}

/// What became of one plugin in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BulkLine {
    /// The plugin.
    pub plugin: PluginId,
    /// The organization, by its name in addresses.
    pub organization: String,
    /// What became of it.
    pub outcome: BulkOutcome,
}

/// What became, or would become, of a plugin in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum BulkOutcome {
    /// It was switched.
    Switched {
        /// What was switched before it, as it requires that or that requires it.
        also: Vec<PluginId>,
    },
    /// It was so already.
    Unchanged,
    /// The organization has switched it off itself, and a rollout leaves it so.
    Declined,
    /// It stays as it was.
    Refused {
        /// What stands in the way, in one sentence.
        reason: String,
    },
}

/// What is wanted, organization by organization, each with plugins in the order in which they can be switched.
type Wanted = Vec<(Arc<Organization>, Vec<(PluginId, bool)>)>;

impl Kernel {
    /// Switches plugins on and off in many organizations. Each organization is one change after the other: one that refuses
    /// stays as it was and holds up nobody else, and others may change something in between. Done again, it goes on where it
    /// stopped.
    ///
    /// # Errors
    /// [`Error::Invalid`] for plugins and organizations that there are not, and for what is wanted on and off at once; then
    /// nothing was done. [`Error::Store`] when the database fails; what was done until then stays.
    pub async fn switch_many(
        &self,
        by: &By,
        switches: &[BulkSwitch],
        terms: BulkTerms,
    ) -> Result<Vec<BulkLine>, Error> {
        let wanted = self.wanted(switches)?;
        let mut lines = Vec::new();
        for (organization, plugins) in &wanted {
            lines.extend(self.switch_in(by, organization, plugins, terms).await?);
        }
        Ok(lines)
    }

    pub(crate) async fn switch_in(
        &self,
        by: &By,
        organization: &Arc<Organization>,
        plugins: &[(PluginId, bool)],
        terms: BulkTerms,
    ) -> Result<Vec<BulkLine>, Error> {
        let _changing = match terms.dry_run {
            true => None,
            false => Some(self.changing().await?),
        };
        let mut snapshot = self.snapshot();
        let mut lines = Vec::with_capacity(plugins.len());
        for (plugin, on) in plugins {
            let how = Switching { on: *on, together: terms.together };
            let switched = match self.steps(&snapshot, plugin.as_str(), organization, how) {
                Ok(steps) if terms.dry_run => {
                    snapshot = Arc::new(as_if(&snapshot, &steps, organization.id, *on));
                    Ok(steps.iter().map(|step| step.id().clone()).collect())
                }
                Ok(steps) => {
                    let switched = self.switch_together(by, &steps, organization, *on).await;
                    snapshot = self.snapshot();
                    switched
                }
                Err(error) => Err(error),
            };
            let outcome = match switched {
                Ok(mut switched) => match switched.pop() {
                    Some(_) => BulkOutcome::Switched { also: switched },
                    None => BulkOutcome::Unchanged,
                },
                Err(error @ (Error::Store(_) | Error::Data(_))) => return Err(error),
                Err(error) => BulkOutcome::Refused { reason: error.to_string() },
            };
            let organization = organization.slug.clone();
            lines.push(BulkLine { plugin: plugin.clone(), organization, outcome });
        }
        Ok(lines)
    }

    fn wanted(&self, switches: &[BulkSwitch]) -> Result<Wanted, Error> {
        let (directory, snapshot) = (self.directory(), self.snapshot());
        let mut faults = Vec::new();
        let mut wanted: HashMap<OrganizationId, Vec<(PluginId, bool)>> = HashMap::new();
        for (index, switch) in switches.iter().enumerate() {
            let mut fault = |kind: &str, field: &str, message: String, input: &str| {
                let place = ["body".to_owned(), "switches".to_owned(), index.to_string(), field.to_owned()];
                faults.push(Fault::new(kind, place, message, input.into()));
            };
            let Ok(manifest) = self.known(&switch.plugin) else {
                let message = format!("there is no plugin `{}`", switch.plugin);
                fault("no_such_plugin", "plugin", message, &switch.plugin);
                continue;
            };
            let mut organizations = Vec::new();
            match &switch.organizations {
                None => organizations.extend(directory.organizations().iter().map(|it| it.id)),
                Some(slugs) => {
                    for slug in slugs {
                        match directory.organization_named(slug) {
                            Some(organization) => organizations.push(organization.id),
                            None => {
                                let message = format!("there is no organization `{slug}`");
                                fault("no_such_organization", "organizations", message, slug);
                            }
                        }
                    }
                }
            }
            for organization in organizations {
                let plugins = wanted.entry(organization).or_default();
                match plugins.iter().find(|(plugin, _)| *plugin == manifest.id) {
                    None => plugins.push((manifest.id.clone(), switch.on)),
                    Some((_, on)) if *on == switch.on => {}
                    Some(_) => {
                        let slug = directory.organization(organization).map_or("", |it| it.slug.as_str());
                        let message =
                            format!("plugin `{}` is wanted both on and off in `{slug}`", switch.plugin);
                        fault("contradiction", "enabled", message, &switch.plugin);
                    }
                }
            }
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(Failure::faults(faults)));
        }
        // First what is switched off, each before what it requires; then what is switched on, each after what it requires.
        let positions: HashMap<&PluginId, i64> =
            snapshot.plugins().iter().map(|plugin| plugin.id()).zip(0..).collect();
        let mut sorted: Wanted = directory
            .organizations()
            .iter()
            .filter_map(|organization| Some((Arc::clone(organization), wanted.remove(&organization.id)?)))
            .collect();
        for (_, plugins) in &mut sorted {
            plugins.sort_by_key(|(id, on)| {
                let position = positions.get(id).copied().unwrap_or(i64::MAX);
                (*on, if *on { position } else { -position })
            });
        }
        Ok(sorted)
    }
}

fn as_if(snapshot: &Snapshot, steps: &[Arc<Loaded>], organization: OrganizationId, on: bool) -> Snapshot {
    steps.iter().fold(snapshot.clone(), |snapshot, step| snapshot.switched(step.id(), organization, on))
}
