//! Configuration in layers: organization over installation over the manifest's defaults.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use switchboard_api::{Failure, Fault, OrganizationId, Payload};
use switchboard_manifest::{Manifest, PluginId};
use switchboard_store::Room;

use crate::{audit::Change, error::Error, shape::Checker};

/// A configuration: an object.
pub type Config = Map<String, Json>;

/// What was configured, at a moment; immutable, read by every call that asks.
#[derive(Default, Clone)]
pub struct Settings {
    layers: HashMap<(PluginId, Layer), Config>,
}

/// Whose configuration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// The whole installation's.
    Installation,
    /// One organization's.
    Organization(OrganizationId),
}

impl Layer {
    /// The number in the database: the installation's is 0, which no organization has.
    fn number(self) -> i64 {
        match self {
            Self::Installation => 0,
            Self::Organization(id) => id.0,
        }
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
        let layers = rows.to::<SettingRow>()?.into_iter().map(|row| {
            let layer = match row.organization_id {
                0 => Layer::Installation,
                id => Layer::Organization(OrganizationId(id)),
            };
            let config = serde_json::from_str(&row.config).map_err(|error| {
                Error::Data(format!("the configuration of plugin `{}` is no JSON: {error}", row.plugin_id))
            })?;
            Ok(((row.plugin_id, layer), config))
        });
        Ok(Self { layers: layers.collect::<Result<_, Error>>()? })
    }

    /// What was set in a layer; empty when nothing was.
    pub fn layer(&self, plugin: &PluginId, layer: Layer) -> Config {
        self.layers.get(&(plugin.clone(), layer)).cloned().unwrap_or_default()
    }

    /// All layers merged, for an organization or for none.
    pub fn merged(&self, manifest: &Manifest, organization: Option<OrganizationId>) -> Config {
        let mut merged = manifest.config_defaults.clone();
        let organization = organization.map(Layer::Organization);
        for layer in [Some(Layer::Installation), organization].into_iter().flatten() {
            if let Some(config) = self.layers.get(&(manifest.id.clone(), layer)) {
                merged.extend(config.clone());
            }
        }
        merged
    }

    /// The same with one layer replaced.
    pub(crate) fn with(&self, plugin: &PluginId, layer: Layer, config: Config) -> Self {
        let mut next = self.clone();
        next.layers.insert((plugin.clone(), layer), config);
        next
    }
}

pub(crate) async fn write(
    change: &mut Change<'_>,
    plugin: &PluginId,
    layer: Layer,
    config: &Config,
    now: switchboard_api::Timestamp,
) -> Result<(), Error> {
    let config = Payload::of(config).map_err(Error::Invalid)?;
    let sql = "insert into setting (plugin_id, organization_id, config, changed_at) values ($1, $2, $3, $4) \
               on conflict (plugin_id, organization_id) do update set config = excluded.config, \
               changed_at = excluded.changed_at";
    let params =
        vec![plugin.as_str().into(), layer.number().into(), config.as_str().into(), now.to_string().into()];
    change.execute(sql, params).await?;
    Ok(())
}

/// Every fault of a configuration, by field.
pub(crate) fn check(checker: &Checker, manifest: &Manifest, config: &Config) -> Result<(), Failure> {
    use switchboard_api::capability::Schemas;
    let value = Json::Object(config.clone());
    let faults = match &manifest.config_schema {
        Some(schema) => checker.check(&Json::Object(schema.clone()), &value, &["config"]),
        None => config
            .iter()
            .map(|(name, value)| {
                let msg = format!("plugin `{}` has no configuration", manifest.id);
                Fault::new("extra_forbidden", ["config", name], msg, value.clone())
            })
            .collect(),
    };
    if faults.is_empty() { Ok(()) } else { Err(Failure::faults(faults)) }
}
