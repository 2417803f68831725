//! Configurations out of one server and into another: without secrets, and all or nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use switchboard_api::{Failure, Fault};

use super::{
    Config, Layer,
    change::{Edit, Plan},
    history::changed,
    opening::dotted,
    sealing::sealed_in,
    secrets,
};
use crate::{audit::Entry, by::By, error::Error, kernel::Kernel};

/// What was set in one layer, for one plugin or for all. Secrets are not in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// The organization that it comes from; none for the whole installation. An import does not ask for it.
    #[serde(default)]
    pub organization: Option<String>,
    /// What was set, by plugin.
    pub plugins: BTreeMap<String, ExportedPlugin>,
}

/// What was set for one plugin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedPlugin {
    /// What was set, without secrets.
    pub config: Config,
    /// The secrets that were set and are missing here, such as `mail.password`.
    #[serde(default)]
    pub secrets: Vec<String>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Imported {
    /// Whether it was done: false when it was only tried.
    pub done: bool,
    /// Each plugin that it names.
    pub plugins: Vec<ImportedPlugin>,
}

/// What an import did, or would do, with one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImportedPlugin {
    /// The plugin.
    pub plugin: String,
    /// What changes. In place of secrets stands `•••`.
    pub changes: Vec<PropertyChange>,
    /// The secrets that were set where it comes from, and are not here.
    pub missing_secrets: Vec<String>,
    /// What stands in the way.
    pub faults: Vec<ImportFault>,
}

/// What stands in the way of an import.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImportFault {
    /// Where: `config.volume`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// A property that is not the same afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PropertyChange {
    /// Its name.
    pub name: String,
    /// What was set before; none when nothing was.
    pub before: Option<Json>,
    /// What is set afterwards; none when nothing is.
    pub after: Option<Json>,
}

impl Kernel {
    /// What was set in a layer, for one plugin or for all that have something set there.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`], [`Error::NoSuchOrganization`].
    pub fn export_config(&self, plugin: Option<&str>, organization: Option<&str>) -> Result<Exported, Error> {
        let one = plugin.map(|plugin| self.known(plugin)).transpose()?;
        let organization = organization.map(|slug| self.named(slug)).transpose()?;
        let layer = Layer::of(organization.as_ref().map(|organization| organization.id));
        let (settings, catalog) = (self.settings(), self.catalog());
        let mut plugins = BTreeMap::new();
        for (id, entry) in catalog.entries() {
            let asked = one.as_ref().map(|one| one.id == *id);
            let set = settings.layer(id, layer);
            if asked.unwrap_or(!set.is_empty()) {
                let config = secrets::removed(entry.manifest.config_schema.as_ref(), (*set).clone());
                let missing = sealed_in(&set).iter().map(|pointer| dotted(pointer)).collect();
                plugins.insert(id.to_string(), ExportedPlugin { config, secrets: missing });
            }
        }
        Ok(Exported { organization: organization.map(|organization| organization.slug.clone()), plugins })
    }

    /// Sets in a layer what was exported: each plugin's takes the place of what was set there, and secrets stay what they
    /// were. All or nothing; when it is only tried, nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of every plugin, unless it is only tried; [`Error::Refused`] with what a plugin's
    /// `on_config_changed` says. Then nothing changed.
    pub async fn import_config(
        &self,
        by: &By,
        organization: Option<&str>,
        import: Exported,
        only_try: bool,
    ) -> Result<Imported, Error> {
        let _changing = self.changing().await?;
        let organization = organization.map(|slug| self.named(slug)).transpose()?;
        let layer = Layer::of(organization.map(|organization| organization.id));
        let (mut plans, mut plugins, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for (id, exported) in import.plugins {
            let planned = match self.known(&id) {
                Ok(manifest) => self.plan(by, &manifest, layer, Edit::Replace(exported.config)).await,
                Err(error) => Err(error),
            };
            let mut imported = ImportedPlugin {
                plugin: id.clone(),
                changes: Vec::new(),
                missing_secrets: Vec::new(),
                faults: Vec::new(),
            };
            match planned {
                Ok(plan) => {
                    let here: Vec<_> = sealed_in(&plan.after).iter().map(|pointer| dotted(pointer)).collect();
                    imported.missing_secrets = exported.secrets;
                    imported.missing_secrets.retain(|secret| !here.contains(secret));
                    imported.changes = changes(&plan);
                    plans.push(plan);
                }
                Err(Error::Store(error)) => return Err(Error::Store(error)),
                Err(error) => {
                    let found = faults_in(&id, error);
                    imported.faults.extend(found.iter().map(|fault| {
                        ImportFault {
                            place: Fault {
                                loc: fault.loc.iter().skip(2).cloned().collect(),
                                ..fault.clone()
                            }
                            .place(),
                            message: fault.msg.clone(),
                        }
                    }));
                    faults.extend(found);
                }
            }
            plugins.push(imported);
        }
        if !only_try {
            if !faults.is_empty() {
                return Err(Error::Invalid(Failure::faults(faults)));
            }
            let all = |pick: fn((Config, Config)) -> Config| {
                let shown =
                    plans.iter().map(|plan| (plan.manifest.id.to_string(), pick(plan.shown()).into()));
                Json::Object(shown.collect())
            };
            let entry = Entry::new("config.imported", "configuration").within(layer.organization());
            let entry = entry.before(all(|(before, _)| before)).after(all(|(_, after)| after));
            self.carry_out(by, plans, entry).await?;
        }
        Ok(Imported { done: !only_try, plugins })
    }
}

fn changes(plan: &Plan) -> Vec<PropertyChange> {
    let (before, after) = plan.shown();
    let change = |name: String| PropertyChange {
        before: before.get(&name).cloned(),
        after: after.get(&name).cloned(),
        name,
    };
    changed(&plan.before, &plan.after).into_iter().map(change).collect()
}

/// What a plan failed with, as faults below the plugin's place.
fn faults_in(plugin: &str, error: Error) -> Vec<Fault> {
    let root: [Json; 2] = ["plugins".into(), plugin.into()];
    match error {
        Error::Invalid(Failure::Invalid { faults, .. }) if !faults.is_empty() => faults
            .into_iter()
            .map(|fault| Fault { loc: root.iter().cloned().chain(fault.loc).collect(), ..fault })
            .collect(),
        other => vec![Fault::new("value_error", root, other.to_string(), Json::Null)],
    }
}
