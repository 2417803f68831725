//! What is kept of a plugin, and its removal for good.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use switchboard_api::Hook;
use switchboard_manifest::PluginId;

use crate::{
    audit::Entry as AuditEntry,
    by::By,
    discover::Origin,
    error::Error,
    kernel::Kernel,
    lifecycle::{listed, required_by},
    settings::Settings,
};

/// The kernel's tables with rows of plugins, and the column that says of which.
const ROWS: [(&str, &str); 8] = [
    ("enablement", "plugin_id"),
    ("listener_pause", "plugin_id"),
    ("plugin_access", "plugin_id"),
    ("plugin_version", "plugin_id"),
    ("rollout", "plugin_id"),
    ("setting", "plugin_id"),
    ("setting_history", "plugin_id"),
    ("plugin", "id"),
];

/// Rows that go with it, and keep nobody from being told that there is no such plugin: in them is what was in its tables.
const CAPTURES: (&str, &str) = ("capture", "plugin_id");

/// A table of a plugin's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// How many rows it has; none where they are too many to be counted at once.
    pub rows: Option<u64>,
}

/// What a plugin keeps outside of the kernel's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Kept {
    /// Whether it has a room in the database, be it empty.
    pub has_room: bool,
    /// Its own tables, by name.
    pub tables: Vec<TableSize>,
    /// How many small values it keeps by key.
    pub keys: u64,
    /// How many blobs it has stored.
    pub blobs: u64,
    /// How large they are together, in bytes.
    pub blob_bytes: u64,
    /// Its tasks that wait or run.
    pub tasks: u64,
    /// Its events that not everyone has heard, and those of others that it has not heard; those that were given up too.
    pub events: u64,
}

/// All that would go with a plugin that is removed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Belongings {
    /// The plugin.
    pub id: PluginId,
    /// The version that is installed; none where only data is left.
    pub version: Option<Version>,
    /// The plugins that require it: it is not removed before them.
    pub required_by: Vec<PluginId>,
    /// In how many organizations it is switched on.
    pub enabled_in: u64,
    /// Whether something is configured for the whole installation.
    pub is_configured: bool,
    /// How many organizations have configured it.
    pub configured_in: u64,
    /// What it keeps.
    #[serde(flatten)]
    pub kept: Kept,
}

/// What is in the kernel's tables of a plugin.
#[derive(Deserialize)]
struct Noted {
    enabled_in: u64,
    is_configured: u64,
    configured_in: u64,
    any: u64,
}

impl Kernel {
    /// What would go with a plugin that is removed for good, whether it is installed or only its data is left.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`] where neither is; [`Error::Store`] and [`Error::Belongings`] when it cannot be read.
    pub async fn belongings(&self, id: &str) -> Result<Belongings, Error> {
        let plugin = id.parse::<PluginId>().map_err(|_| Error::NoSuchPlugin(id.to_owned()))?;
        let sql = format!(
            "select (select count(*) from enablement where plugin_id = $1 and enabled = 1) as enabled_in, \
             (select count(*) from setting where plugin_id = $1 and organization_id = 0) as is_configured, \
             (select count(*) from setting where plugin_id = $1 and organization_id <> 0) as configured_in, \
             {} as any",
            ROWS.map(|(table, of)| format!("(select count(*) from {table} where {of} = $1)")).join(" + ")
        );
        let noted = self.room.query(&sql, vec![id.into()]).await?.to::<Noted>()?.pop();
        let noted = noted.ok_or_else(|| Error::Data("a sum came to nothing".to_owned()))?;
        let kept = self.hosts.kept(&plugin).await.map_err(Error::Belongings)?;
        let version = self.catalog().entry(id).map(|entry| entry.manifest.version.clone());
        if version.is_none() && noted.any == 0 && kept == Kept::default() {
            return Err(Error::NoSuchPlugin(id.to_owned()));
        }
        Ok(Belongings {
            required_by: required_by(self.snapshot().plugins(), &plugin),
            id: plugin,
            version,
            enabled_in: noted.enabled_in,
            is_configured: noted.is_configured > 0,
            configured_in: noted.configured_in,
            kept,
        })
    }

    /// Removes for good what is left of an external plugin whose folder is gone: its tables, blobs, tasks and events, for whom it is
    /// on, and how it is configured. One that still serves is told by `on_uninstall`, and unloaded first. Gives what there was.
    ///
    /// When it is broken off or fails, the plugin serves as before, or is gone with some of its data left; done again, it removes the
    /// rest.
    ///
    /// # Errors
    /// [`Error::Refused`] for a plugin that is part of the server, whose folder is there, that others require, or whose
    /// `on_uninstall` or `on_unload` fails; then nothing was done. [`Error::NoSuchPlugin`] where nothing is kept of one.
    pub async fn purge(&self, by: &By, id: &str) -> Result<Belongings, Error> {
        let _changing = self.changing().await?;
        let belongings = self.belongings(id).await?;
        if let Some(entry) = self.catalog().entry(id).cloned() {
            match &entry.origin {
                Origin::Builtin => {
                    let message = format!("plugin `{id}` is part of this server, and its data stays with it");
                    return Err(Error::Refused(message));
                }
                Origin::Folder(folder) if folder.exists() => {
                    return Err(Error::Refused(format!(
                        "plugin `{id}` is installed: `switchboard plugin remove {id} --purge` removes it with its data"
                    )));
                }
                Origin::Folder(_) => {}
            }
            if !belongings.required_by.is_empty() {
                let names = listed(&belongings.required_by);
                return Err(Error::Refused(format!(
                    "plugin `{id}` is required by {names}: remove those first"
                )));
            }
            self.none_beside(&belongings.id, None).await?;
            if let Some(loaded) = self.snapshot().plugin(id) {
                self.hook(loaded, None, Hook::Uninstall).await?;
            }
            self.take_away(by, &entry).await?;
        }
        let mut change = self.change(by).await?;
        for (table, of) in ROWS.into_iter().chain([CAPTURES]) {
            change.execute(&format!("delete from {table} where {of} = $1"), vec![id.into()]).await?;
        }
        // First: whoever removes data is known, also when the removal is broken off.
        change.commit(AuditEntry::new("plugin.purged", format!("plugin:{id}")).before(&belongings)).await?;
        self.settings.store(Settings::read(&self.room).await?.into());
        self.read_where_plugins_are().await?;
        self.read_pauses().await?;
        let removed = self.hosts.remove(&belongings.id).await;
        removed.map(|()| belongings).map_err(Error::Belongings)
    }
}
