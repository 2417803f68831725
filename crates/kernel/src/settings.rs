//! Configuration in layers: organization over installation over the manifest's defaults over the code's.
//!
//! A layer is stored as it was set, with secrets sealed and references as references. What a plugin reads is
//! [opened](opening) when it is first asked for, and remembered until something changes.

mod change;
mod history;
mod marks;
mod opening;
mod place;
mod references;
mod rotation;
mod sealing;
mod secrets;
mod shown;
mod transfer;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use switchboard_api::{Fault, OrganizationId, Payload};
use switchboard_manifest::{Manifest, PluginId};
use switchboard_store::Room;
use switchboard_vault::Vault;

use self::{place::Place, secrets::Words};
use crate::{audit::Change, error::Error, shape::Checker};

pub use change::Edit;
pub use history::{History, HistoryEntry};
pub use references::{ENV_PREFIX, References};
pub use rotation::{KeyUse, Rotated, Sealed, SecretsStatus};
pub(crate) use secrets::is_secret;
pub use shown::{Property, Shown, Source};
pub use transfer::{Exported, ExportedPlugin, ImportFault, Imported, ImportedPlugin, PropertyChange};

/// A configuration: an object.
pub type Config = Map<String, Json>;

/// How many entries of its history are kept for each layer, unless whoever puts a kernel together says otherwise.
pub const HISTORY: usize = 100;

/// What configuration needs from outside of the database.
pub struct Configuring {
    /// Seals secrets, and opens them.
    pub vault: Arc<Vault>,
    /// What a configuration may refer to.
    pub references: References,
    /// How many entries of its history are kept for each layer: [`HISTORY`] unless there is a reason.
    pub history: usize,
}

impl Configuring {
    /// With secrets sealed by this vault, and everything else as it is when nobody says otherwise.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault, references: References::default(), history: HISTORY }
    }
}

/// What was configured, at a moment; immutable, read by every call that asks.
#[derive(Default)]
pub struct Settings {
    layers: HashMap<PluginId, HashMap<Layer, Arc<Config>>>,
    /// What was opened of it, for organizations that have a layer of their own, and for all others together.
    opened: RwLock<Remembered>,
}

type Remembered = HashMap<PluginId, HashMap<Option<OrganizationId>, Arc<Opened>>>;

/// All layers of a plugin merged, with secrets opened and references followed.
pub(crate) struct Opened {
    payload: Payload,
    words: Words,
}

/// Whose configuration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The whole installation's.
    Installation,
    /// One organization's.
    Organization(OrganizationId),
}

impl Layer {
    /// The layer of an organization, or of the installation.
    pub(crate) fn of(organization: Option<OrganizationId>) -> Self {
        organization.map_or(Self::Installation, Self::Organization)
    }

    /// The organization; none for the installation.
    pub(crate) fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::Installation => None,
            Self::Organization(id) => Some(id),
        }
    }

    /// The number in the database: the installation's is 0, which no organization has.
    fn number(self) -> i64 {
        self.organization().map_or(0, |id| id.0)
    }

    fn numbered(number: i64) -> Self {
        Self::of((number != 0).then_some(OrganizationId(number)))
    }
}

#[derive(Deserialize)]
struct SettingRow {
    plugin_id: PluginId,
    organization_id: i64,
    config: String,
}

impl Settings {
    pub(crate) async fn read(room: &Room) -> Result<Self, Error> {
        let rows = room.query("select plugin_id, organization_id, config from setting", vec![]).await?;
        let mut layers: HashMap<PluginId, HashMap<Layer, Arc<Config>>> = HashMap::new();
        for row in rows.to::<SettingRow>()? {
            let config = parsed(&row.plugin_id, &row.config)?;
            let of_plugin = layers.entry(row.plugin_id).or_default();
            of_plugin.insert(Layer::numbered(row.organization_id), Arc::new(config));
        }
        Ok(Self { layers, opened: RwLock::default() })
    }

    /// What was set in a layer, with secrets sealed; empty when nothing was.
    pub fn layer(&self, plugin: &PluginId, layer: Layer) -> Arc<Config> {
        self.set(plugin, layer).cloned().unwrap_or_default()
    }

    fn set(&self, plugin: &PluginId, layer: Layer) -> Option<&Arc<Config>> {
        self.layers.get(plugin)?.get(&layer)
    }

    /// The same with one layer replaced. What was opened of other plugins stays.
    pub(crate) fn with(&self, plugin: &PluginId, layer: Layer, config: Config) -> Self {
        let mut layers = self.layers.clone();
        layers.entry(plugin.clone()).or_default().insert(layer, Arc::new(config));
        let mut opened = self.opened.read().unwrap_or_else(PoisonError::into_inner).clone();
        opened.remove(plugin);
        Self { layers, opened: RwLock::new(opened) }
    }

    /// Under whom the merged configuration of an organization is remembered.
    fn remembered_under(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
    ) -> Option<OrganizationId> {
        organization.filter(|id| self.set(plugin, Layer::Organization(*id)).is_some())
    }

    pub(crate) fn remembered(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
    ) -> Option<Arc<Opened>> {
        let under = self.remembered_under(plugin, organization);
        self.opened.read().unwrap_or_else(PoisonError::into_inner).get(plugin)?.get(&under).cloned()
    }

    fn remember(&self, plugin: &PluginId, organization: Option<OrganizationId>, opened: Arc<Opened>) {
        let under = self.remembered_under(plugin, organization);
        let mut all = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(plugin.clone()).or_default().insert(under, opened);
    }

    fn forget(&self, plugin: &PluginId) {
        self.opened.write().unwrap_or_else(PoisonError::into_inner).remove(plugin);
    }
}

fn parsed(plugin: &PluginId, text: &str) -> Result<Config, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::Data(format!("a configuration of plugin `{plugin}` is no JSON: {error}")))
}

fn text_of(config: &Config) -> Result<String, Error> {
    serde_json::to_string(config).map_err(|error| Error::Data(error.to_string()))
}

async fn write(
    change: &mut Change<'_>,
    plugin: &PluginId,
    layer: Layer,
    config: &Config,
    now: switchboard_api::Timestamp,
) -> Result<(), Error> {
    let sql = "insert into setting (plugin_id, organization_id, config, changed_at) values ($1, $2, $3, $4) \
               on conflict (plugin_id, organization_id) do update set config = excluded.config, \
               changed_at = excluded.changed_at";
    let params =
        vec![plugin.as_str().into(), layer.number().into(), text_of(config)?.into(), now.to_string().into()];
    change.execute(sql, params).await?;
    Ok(())
}

/// Every fault of an opened configuration, by field, without a secret in it.
fn faults_of(checker: &Checker, manifest: &Manifest, config: &Config) -> Vec<Fault> {
    use switchboard_api::capability::Schemas;
    let mut faults = match &manifest.config_schema {
        Some(schema) => {
            let value = Json::Object(config.clone());
            let mut faults = checker.check(&Json::Object(schema.clone()), &value, &["config"]);
            unknown(&Place::top(schema), &value, &["config".into()], &mut faults);
            faults
        }
        None => config
            .iter()
            .map(|(name, value)| {
                let msg = format!("plugin `{}` has no configuration", manifest.id);
                Fault::new("extra_forbidden", ["config", name], msg, value.clone())
            })
            .collect(),
    };
    secrets::redact_faults(manifest.config_schema.as_ref(), config, &mut faults);
    faults
}

/// Properties of which no schema knows, where none says that there may be others.
fn unknown(place: &Place<'_>, value: &Json, loc: &[Json], faults: &mut Vec<Fault>) {
    let at = |word: Json| [loc, &[word]].concat();
    match value {
        Json::Object(config) => {
            let is_silent = place.is_silent_about_others();
            for (name, value) in config {
                let within = place.property(name);
                if is_silent && !place.names().contains(&name) {
                    let msg = "Extra inputs are not permitted";
                    faults.push(Fault::new("extra_forbidden", at(name.as_str().into()), msg, value.clone()));
                } else {
                    unknown(&within, value, &at(name.as_str().into()), faults);
                }
            }
        }
        Json::Array(items) => {
            let place = place.item();
            for (index, item) in items.iter().enumerate() {
                unknown(&place, item, &at(index.into()), faults);
            }
        }
        _ => {}
    }
}
