//! Several versions of one plugin side by side: one that is everyone's, and others for some organizations.
//!
//! All versions of a plugin share its room, so that they serve beside each other only on the same tables. Addresses, permissions,
//! listeners and filters are those that the version that is everyone's declares: another one declares the same, and answers in its place.
//! Which one answers is decided in [`attempt`](crate::attempt), and for hooks where they are called.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use switchboard_api::{Hook, OrganizationId};
use switchboard_manifest::{Manifest, PluginId};
use switchboard_store::parse_migration_files;

use crate::{
    audit::Entry as AuditEntry,
    by::By,
    catalog::{Catalog, Entry},
    discover::{Origin, read},
    error::Error,
    kernel::{Kernel, room_of},
    loaded::Loaded,
    organization_set::OrganizationSet,
    snapshot::Snapshot,
    state::State,
};

/// Within the folder of plugins: versions that serve beside the one that is everyone's, as `ID/VERSION`.
pub const VERSIONS: &str = ".versions";

/// A version that serves some organizations, in place of the one that is everyone's.
#[derive(Clone)]
pub(crate) struct Beside {
    pub(crate) plugin: Arc<Loaded>,
    pub(crate) organizations: OrganizationSet,
}

/// A version of a plugin, and whom it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServedVersion {
    /// Which one.
    pub version: Version,
    /// Whether it is everyone's who has no other.
    pub is_everyones: bool,
    /// The organizations that it serves alone, by their names in addresses.
    pub organizations: Vec<String>,
    /// Why the one that is everyone's serves them in its place, if it does not load.
    pub reason: Option<String>,
}

/// Whom another version serves.
#[derive(Deserialize)]
struct Pinned {
    plugin_id: PluginId,
    version: Version,
    organization_id: OrganizationId,
}

impl Snapshot {
    /// The version of a plugin that serves an organization: another one than everyone's, where it was given one.
    pub fn version_for<'a>(
        &'a self,
        plugin: &'a Arc<Loaded>,
        organization: Option<OrganizationId>,
    ) -> &'a Arc<Loaded> {
        let Some(organization) = organization.filter(|_| !self.beside.is_empty()) else { return plugin };
        let mut versions = self.beside.get(plugin.id()).into_iter().flatten();
        versions.find(|it| it.organizations.contains(organization)).map_or(plugin, |it| &it.plugin)
    }
}

impl Kernel {
    /// The versions of a plugin that serve, that of everyone first.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`]; [`Error::Store`].
    pub async fn versions(&self, id: &str) -> Result<Vec<ServedVersion>, Error> {
        let manifest = self.known(id)?;
        let (directory, snapshot) = (self.directory(), self.snapshot());
        let mut versions = vec![ServedVersion {
            version: manifest.version.clone(),
            is_everyones: true,
            organizations: Vec::new(),
            reason: None,
        }];
        for (version, organizations) in self.pinned().await?.remove(&manifest.id).unwrap_or_default() {
            let serves = snapshot.beside.get(&manifest.id).into_iter().flatten();
            let is_loaded = serves.into_iter().any(|it| it.plugin.manifest().version == version);
            let named = organizations.iter().filter_map(|id| directory.organization(id));
            versions.push(ServedVersion {
                version,
                is_everyones: false,
                organizations: named.map(|it| it.slug.clone()).collect(),
                reason: (!is_loaded)
                    .then(|| "it did not load when the server started; the log says why".to_owned()),
            });
        }
        Ok(versions)
    }

    /// Has a version serve these organizations, and no others, in place of the one that is everyone's. It stands in its folder within
    /// [`VERSIONS`].
    ///
    /// # Errors
    /// [`Error::DoesNotLoad`] when it cannot, or not beside the one that is everyone's: as it asks for other tables, or declares something else.
    /// [`Error::NoSuchPlugin`]; [`Error::NoSuchOrganization`]. Then nothing is changed.
    pub async fn serve_beside(
        &self,
        by: &By,
        id: &str,
        version: &Version,
        organizations: &[String],
    ) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let everyones = self.serving(id)?;
        let organizations =
            organizations.iter().map(|slug| Ok(self.named(slug)?.id)).collect::<Result<Vec<_>, Error>>()?;
        if organizations.is_empty() {
            return Err(Error::Refused(format!("no organization is named that {id} {version} would serve")));
        }
        let is_builtin = |entry: &Entry| entry.origin == Origin::Builtin;
        if self.catalog().entry(id).is_some_and(is_builtin) {
            return Err(Error::Refused(format!(
                "plugin `{id}` is part of this server, which has one version of it"
            )));
        }
        if everyones.manifest().version == *version {
            return Err(Error::Refused(format!("{id} {version} is everyone's already")));
        }
        let plugin = everyones.id().clone();
        let refused = |reason: String| Error::DoesNotLoad { plugin: plugin.clone(), reason };
        let loaded = self.load_beside(&everyones, version).await.map_err(refused)?;
        let mut change = self.change(by).await?;
        let sql = "delete from plugin_version where plugin_id = $1 and version = $2";
        change.execute(sql, vec![id.into(), version.to_string().into()]).await?;
        for organization in &organizations {
            let sql = "insert into plugin_version (plugin_id, organization_id, version, set_at) values ($1, $2, $3, $4) \
                       on conflict (plugin_id, organization_id) do update set version = excluded.version, set_at = excluded.set_at";
            let (version, now) = (version.to_string(), self.now().to_string());
            change.execute(sql, vec![id.into(), (*organization).into(), version.into(), now.into()]).await?;
        }
        let told = serde_json::json!({ "version": version, "organizations": organizations });
        change.commit(AuditEntry::new("plugin.served_beside", format!("plugin:{id}")).after(told)).await?;
        self.read_versions(Some(loaded)).await
    }

    /// Has a version serve nobody any more; whom it served, the one that is everyone's serves again. Also where it did not load.
    ///
    /// # Errors
    /// [`Error::NoSuch`] when it serves nobody beside it.
    pub async fn withdraw(&self, by: &By, id: &str, version: &Version) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let mut change = self.change(by).await?;
        let sql = "delete from plugin_version where plugin_id = $1 and version = $2";
        if change.execute(sql, vec![id.into(), version.to_string().into()]).await? == 0 {
            return Err(Error::NoSuch(format!("{id} {version} serves no organization by itself")));
        }
        let entry = AuditEntry::new("plugin.withdrawn", format!("plugin:{id}"));
        change.commit(entry.before(serde_json::json!({ "version": version }))).await?;
        self.read_versions(None).await
    }

    /// Refuses what would change the tables or the declarations under versions that serve beside the one that is everyone's.
    pub(crate) async fn none_beside(&self, id: &PluginId, but: Option<&Version>) -> Result<(), Error> {
        let versions = self.pinned().await?.remove(id).unwrap_or_default();
        match versions.into_keys().find(|version| Some(version) != but) {
            None => Ok(()),
            Some(version) => Err(Error::Refused(format!(
                "{id} {version} serves some organizations beside it: `switchboard plugin promote {id} {version}` makes it everyone's, \
                 `switchboard plugin withdraw {id} {version}` takes it away"
            ))),
        }
    }

    /// A version that was given to some has become everyone's: it is theirs like everybody's.
    pub(crate) async fn is_everyones_now(&self, id: &PluginId, version: &Version) -> Result<(), Error> {
        let sql = "delete from plugin_version where plugin_id = $1 and version = $2";
        self.room.execute(sql, vec![id.as_str().into(), version.to_string().into()]).await?;
        self.read_versions(None).await
    }

    /// Brings what serves beside to what is noted: who is new is loaded, or is the one given, and who is noted no more is unloaded.
    /// One that does not load leaves its organizations to the version that is everyone's.
    pub(crate) async fn read_versions(&self, new: Option<Arc<Loaded>>) -> Result<(), Error> {
        let (pinned, before) = (self.pinned().await?, self.snapshot());
        let mut beside: HashMap<PluginId, Vec<Beside>> = HashMap::new();
        for (id, versions) in pinned {
            let Some(everyones) = before.plugin(id.as_str()) else { continue };
            for (version, organizations) in versions {
                let is_it =
                    |plugin: &&Arc<Loaded>| *plugin.id() == id && plugin.manifest().version == version;
                let served = before.beside.get(&id).into_iter().flatten().map(|it| &it.plugin);
                let plugin = match new.iter().chain(served).find(is_it) {
                    Some(plugin) => Arc::clone(plugin),
                    None => match self.load_beside(everyones, &version).await {
                        Ok(plugin) => plugin,
                        Err(reason) => {
                            tracing::error!(plugin = %id, %version, "does not serve beside the version that is everyone's: {reason}");
                            continue;
                        }
                    },
                };
                beside.entry(id.clone()).or_default().push(Beside { plugin, organizations });
            }
        }
        let mut next = Snapshot::clone(&self.snapshot());
        next.beside = Arc::new(beside);
        let next = Arc::new(next);
        self.serve(Arc::clone(&next));
        for gone in before.beside.values().flatten() {
            let stays = next.beside.values().flatten().any(|it| Arc::ptr_eq(&it.plugin, &gone.plugin));
            if !stays && let Err(error) = self.hook(&gone.plugin, None, Hook::Unload).await {
                tracing::warn!(plugin = %gone.plugin.id(), "a version that served beside another said at its end: {error}");
            }
        }
        Ok(())
    }

    async fn pinned(&self) -> Result<HashMap<PluginId, BTreeMap<Version, OrganizationSet>>, Error> {
        let sql =
            "select plugin_id, version, organization_id from plugin_version order by plugin_id, version";
        let rows = self.room.query(sql, vec![]).await?.to::<Pinned>()?;
        let mut pinned: HashMap<PluginId, BTreeMap<Version, OrganizationSet>> = HashMap::new();
        for Pinned { plugin_id, version, organization_id } in rows {
            let organizations = pinned.entry(plugin_id).or_default().entry(version).or_default();
            *organizations = organizations.switched(organization_id, true);
        }
        Ok(pinned)
    }

    /// Loads a version that fits beside the one that is everyone's, or says in one sentence why it does not.
    async fn load_beside(&self, everyones: &Arc<Loaded>, version: &Version) -> Result<Arc<Loaded>, String> {
        let id = everyones.id();
        let folder = self.folder_beside(id, version);
        let folder = folder.ok_or_else(|| "this server has no folder of plugins".to_owned())?;
        let manifest = Arc::new(read(&folder)?);
        if manifest.id != *id || manifest.version != *version {
            return Err(format!("in `{}` is {} {}", folder.display(), manifest.id, manifest.version));
        }
        differs(everyones.manifest(), &manifest)?;
        let entry = Entry {
            manifest: Arc::clone(&manifest),
            origin: Origin::Folder(folder),
            state: State::Discovered,
            warnings: Vec::new(),
            builtin: None,
        };
        let mut catalog = Catalog::clone(&self.catalog());
        catalog.insert(entry.clone());
        let recorded = self.recorded().await.map_err(|error| error.to_string())?;
        if let Some(refusal) = self.resolve_in(&catalog, &recorded).refused.get(id) {
            return Err(refusal.to_string());
        }
        let loaded = self.made_of(self.code_of(&entry).await?)?;
        let (theirs, own) = (everyones.description(), loaded.description());
        if theirs.config_defaults != own.config_defaults {
            return Err(beside_needs("what is configured where nothing was set"));
        }
        for (theirs, own) in theirs.routes.iter().zip(&own.routes) {
            if (&theirs.parameters, &theirs.body) != (&own.parameters, &own.body) {
                return Err(beside_needs(&format!("what `{}` takes", own.key)));
            }
        }
        self.fits_tables(&loaded).await?;
        self.hook(&loaded, None, Hook::Load).await.map_err(|error| error.to_string())?;
        Ok(loaded)
    }

    /// Whether the tables are as the code expects them.
    async fn fits_tables(&self, loaded: &Loaded) -> Result<(), String> {
        let say = |error: switchboard_store::Error| error.to_string();
        let files = loaded.plugin.migrations().iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let migrations = parse_migration_files(files).map_err(say)?;
        let room = self.store.room(&room_of(loaded.id())).await.map_err(say)?;
        let applied = room.migrations().await.map_err(say)?;
        let is_applied = |number: u32| applied.iter().any(|it| it.success && it.number == number);
        if let Some(new) = migrations.iter().find(|migration| !is_applied(migration.number)) {
            return Err(format!(
                "its migration {} ({}) would change the tables, which it shares with the version that is everyone's: only versions with the \
                 same migrations serve side by side",
                new.number, new.name
            ));
        }
        // Nothing is left to apply: it only finds what is not the same.
        room.migrate(&migrations).await.map(drop).map_err(say)
    }

    fn folder_beside(&self, id: &PluginId, version: &Version) -> Option<PathBuf> {
        Some(self.plugin_folder.as_ref()?.join(VERSIONS).join(id.as_str()).join(version.to_string()))
    }
}

/// Refuses a version that declares something else of what the kernel resolves by the manifest of the one that is everyone's.
fn differs(everyones: &Manifest, other: &Manifest) -> Result<(), String> {
    let differs = [
        ("`provides`", everyones.provides != other.provides),
        ("`permissions`", everyones.permissions != other.permissions),
        ("`requires`", everyones.requires != other.requires),
        ("`config_schema`", everyones.config_schema != other.config_schema),
        ("`config_defaults`", everyones.config_defaults != other.config_defaults),
        ("`global_plugin`", everyones.global_plugin || other.global_plugin),
        ("`private`", everyones.private != other.private),
    ];
    match differs.into_iter().find(|(_, is_other)| *is_other) {
        Some((what, _)) => Err(beside_needs(what)),
        None => Ok(()),
    }
}

fn beside_needs(what: &str) -> String {
    format!(
        "{what} is not as in the version that is everyone's: only versions that declare the same serve side by side; install it for everyone"
    )
}
