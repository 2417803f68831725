//! How plugins come to serve, and cease to: plan, steps with undo, swap of the snapshot.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32},
    },
    time::Duration,
};

use futures_util::{FutureExt, Stream, StreamExt, stream};
use semver::Version;
use serde::Deserialize;
use switchboard_api::{Call, Hook, Organization, Plugin};
use switchboard_manifest::{Manifest, PluginId};
use switchboard_store::{Migration, parse_migration_files};

use crate::{
    agreement::disagreements,
    audit::Entry as AuditEntry,
    breaker::Breaker,
    by::By,
    catalog::{Catalog, Entry, Unreadable},
    commands,
    discover::{self, Origin},
    dispatch::{Caller, Terms, dispatch},
    enablement::is_on_by_default,
    error::Error,
    installation::Pause,
    kernel::{Kernel, room_of},
    loaded::Loaded,
    measure::Measures,
    pace::{Pace, Ticks, declared},
    ports::Loader,
    resolve::{Candidate, Resolution, resolve},
    shape::{RouteShape, Rules},
    snapshot::Snapshot,
    state::State,
};

/// How long a hook may take, unless whoever puts a kernel together says otherwise.
pub const HOOK_TIME: Duration = Duration::from_secs(30);

#[derive(Clone, Deserialize)]
pub(crate) struct PluginRow {
    id: PluginId,
    /// The version its data is of; none for one that was switched off before it ever loaded.
    version: Option<Version>,
    switched_off: bool,
}

impl PluginRow {
    /// The version its data is of.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}

impl Catalog {
    /// What plugins there are: those that are part of the server, and those in folders.
    pub(crate) fn discover(builtins: &[Arc<dyn Plugin>], folder: Option<&Path>) -> Self {
        let manifests: Vec<_> = builtins.iter().map(|plugin| Arc::clone(plugin.manifest())).collect();
        let mut catalog = Self::default();
        for found in discover::discover(&manifests, folder) {
            match found.manifest {
                Ok(manifest) => {
                    let is_builtin = matches!(found.origin, Origin::Builtin);
                    let builtin =
                        builtins.iter().find(|plugin| is_builtin && plugin.manifest().id == manifest.id);
                    catalog.insert(Entry {
                        manifest,
                        origin: found.origin,
                        state: State::Discovered,
                        warnings: Vec::new(),
                        builtin: builtin.cloned(),
                    });
                }
                Err(reason) => {
                    let folder = match found.origin {
                        Origin::Folder(folder) => folder,
                        Origin::Builtin => Path::new("").to_owned(),
                    };
                    catalog.insert_unreadable(Unreadable { label: found.label, folder, reason });
                }
            }
        }
        catalog
    }
}

impl Kernel {
    /// Loads every plugin that can be, in the order of what they require. One that cannot is kept with the reason, and
    /// the rest load.
    ///
    /// # Errors
    /// [`Error::Store`] when the kernel's own database fails.
    pub async fn load_plugins(&self) -> Result<(), Error> {
        let _changing = self.changing().await?;
        self.seal_stored().await?;
        let recorded = self.recorded().await?;
        let resolution = self.resolve(&recorded);
        self.bring_up_all(&resolution, &recorded).await
    }

    /// Switches a plugin off for the whole installation: it is unloaded, its data stays.
    ///
    /// # Errors
    /// [`Error::Refused`] when plugins that serve require it, or when its `on_unload` fails; then it serves on.
    pub async fn switch_off(&self, by: &By, id: &str) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let manifest = self.known(id)?;
        let snapshot = self.snapshot();
        let dependents = required_by(snapshot.plugins(), &manifest.id);
        if !dependents.is_empty() {
            let names = listed(&dependents);
            return Err(Error::Refused(format!(
                "plugin `{id}` is required by {names}: switch those off first"
            )));
        }
        if let Some(loaded) = snapshot.plugin(id) {
            self.hook(loaded, None, Hook::Unload).await?;
        }
        let sql = "insert into plugin (id, version, switched_off, installed_at, updated_at) \
                   values ($1, '', $3, $2, $2) on conflict (id) do update set switched_off = excluded.switched_off, \
                   updated_at = excluded.updated_at";
        let mut change = self.change(by).await?;
        change.execute(sql, vec![id.into(), self.now().to_string().into(), true.into()]).await?;
        change.commit(AuditEntry::new("plugin.switched_off", format!("plugin:{id}"))).await?;
        let rest = snapshot.plugins().iter().filter(|plugin| *plugin.id() != manifest.id).cloned().collect();
        self.swap(rest);
        self.stop_calls_of(&manifest.id, None);
        self.catalog.rcu(|catalog| {
            let mut next = Catalog::clone(catalog);
            next.set_state(&manifest.id, State::Disabled { reason: switched_off_reason(&manifest.id) });
            next
        });
        Ok(())
    }

    /// Switches a plugin on for the whole installation, and loads it.
    ///
    /// # Errors
    /// [`Error::DoesNotLoad`] with the reason; then it is as it was before.
    pub async fn switch_on(&self, by: &By, id: &str) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let manifest = self.known(id)?;
        if self.snapshot().plugin(id).is_some() {
            return Ok(());
        }
        if let Some(reason) = self.switched_off.get(id) {
            return Err(Error::DoesNotLoad { plugin: manifest.id.clone(), reason: reason.clone() });
        }
        let before = self.recorded().await?;
        let mut after = before.clone();
        if let Some(row) = after.get_mut(id) {
            row.switched_off = false;
        }
        let resolution = self.resolve(&after);
        if let Some(refusal) = resolution.refused.get(&manifest.id) {
            return Err(Error::DoesNotLoad { plugin: manifest.id.clone(), reason: refusal.to_string() });
        }
        let was = self.catalog().entry(id).map(|entry| entry.state.clone());
        self.bring_up_all(&resolution, &after).await?;
        if let Some(State::Failed { reason }) = self.catalog().entry(id).map(|entry| entry.state.clone()) {
            // Whoever switched it off still wants it so; the reason is for the one who asked.
            if let Some(off @ State::Disabled { .. }) = was {
                self.catalog.rcu(|catalog| {
                    let mut next = Catalog::clone(catalog);
                    next.set_state(&manifest.id, off.clone());
                    next
                });
            }
            return Err(Error::DoesNotLoad { plugin: manifest.id.clone(), reason });
        }
        let sql = "update plugin set switched_off = $3, updated_at = $2 where id = $1";
        let mut change = self.change(by).await?;
        change.execute(sql, vec![id.into(), self.now().to_string().into(), false.into()]).await?;
        change.commit(AuditEntry::new("plugin.switched_on", format!("plugin:{id}"))).await
    }

    /// Tells the plugins that serve that they are about to end.
    pub async fn unload_plugins(&self) {
        let _here = self.one_change.lock().await;
        let snapshot = self.snapshot();
        let beside = snapshot.beside.values().flatten().map(|beside| &beside.plugin);
        for plugin in beside.chain(snapshot.plugins().iter().rev()) {
            if let Err(error) = self.hook(plugin, None, Hook::Unload).await {
                tracing::warn!(plugin = %plugin.id(), "{error}");
            }
        }
    }

    pub(crate) fn resolve(&self, recorded: &HashMap<PluginId, PluginRow>) -> Resolution {
        self.resolve_in(&self.catalog(), recorded)
    }

    /// What would load if these were the plugins.
    pub(crate) fn resolve_in(
        &self,
        catalog: &Catalog,
        recorded: &HashMap<PluginId, PluginRow>,
    ) -> Resolution {
        let candidates: Vec<Candidate> =
            catalog.entries().map(|(_, entry)| Candidate::new(Arc::clone(&entry.manifest))).collect();
        let mut disabled = self.switched_off.clone();
        for row in recorded.values().filter(|row| row.switched_off) {
            disabled.entry(row.id.clone()).or_insert_with(|| switched_off_reason(&row.id));
        }
        let terms =
            crate::resolve::Terms { host: &self.version, offered: self.hosts.offered(), disabled: &disabled };
        resolve(&candidates, &terms)
    }

    /// Loads what the resolution says and does not serve yet.
    pub(crate) async fn bring_up_all(
        &self,
        resolution: &Resolution,
        recorded: &HashMap<PluginId, PluginRow>,
    ) -> Result<(), Error> {
        let mut catalog = Catalog::clone(&self.catalog.load());
        let mut serving = self.snapshot().plugins().to_vec();
        for (id, refusal) in &resolution.refused {
            let Some(entry) = catalog.entry(id.as_str()) else { continue };
            let state = if refusal.is_switched_off() {
                State::Disabled { reason: refusal.to_string() }
            } else {
                tracing::warn!(plugin = %id, "does not load: {refusal}");
                entry.state.failed(refusal.to_string())
            };
            catalog.set_state(id, state);
        }
        let is_new = |id: &&PluginId| !serving.iter().any(|plugin| plugin.id() == *id);
        let coming = resolution.order.iter().filter(is_new);
        let mut coming =
            self.with_code(coming.filter_map(|id| catalog.entry(id.as_str()).cloned()).collect());
        while let Some((entry, code)) = coming.next().await {
            let id = &entry.manifest.id;
            let brought = match entry.state.validated() {
                Ok(_) => {
                    let recorded = recorded.get(id).and_then(|row| row.version.as_ref());
                    self.bring_up(&entry, code, recorded, &mut serving, None).await
                }
                Err(no_step) => Err(no_step.to_string()),
            };
            let state = match brought {
                Ok(()) => State::Loaded,
                Err(reason) => {
                    tracing::error!(plugin = %id, "does not load: {reason}");
                    entry.state.failed(reason)
                }
            };
            catalog.set_state(id, state);
            catalog.set_warnings(id, resolution.warnings.get(id).cloned().unwrap_or_default());
        }
        self.catalog.store(Arc::new(catalog));
        self.swap(serving);
        self.read_versions(None).await
    }

    /// Brings one plugin up, in place of the one that served before, if one did; or leaves everything as it was and says in one
    /// sentence why not.
    pub(crate) async fn bring_up(
        &self,
        entry: &Entry,
        code: Result<Arc<dyn Plugin>, String>,
        recorded: Option<&Version>,
        serving: &mut Vec<Arc<Loaded>>,
        before: Option<&Arc<Loaded>>,
    ) -> Result<(), String> {
        let manifest = &entry.manifest;
        for requirement in &manifest.requires {
            if !serving.iter().any(|plugin| *plugin.id() == requirement.plugin_id) {
                return Err(format!("it requires plugin `{}`, which does not load", requirement.plugin_id));
            }
        }
        let loaded = self.made_of(code?)?;
        let saved = self.migrate(manifest, loaded.plugin.migrations(), before).await?;
        let brought = self.start(loaded, recorded, serving, before).await;
        match (brought, saved) {
            (Ok(()), Some(saved)) => {
                saved.discard().await;
                Ok(())
            }
            (Ok(()), None) => Ok(()),
            (Err(reason), saved) => {
                if let Some(saved) = saved
                    && let Err(error) = saved.restore().await
                {
                    return Err(format!("{reason}; and its data could not be put back: {error}"));
                }
                Err(reason)
            }
        }
    }

    /// A plugin that could serve: its code, its host and what a call of it needs. Nothing of it was called yet.
    pub(crate) fn made_of(&self, plugin: Arc<dyn Plugin>) -> Result<Arc<Loaded>, String> {
        let manifest = Arc::clone(plugin.manifest());
        let differences = disagreements(&manifest, plugin.description());
        if !differences.is_empty() {
            return Err(format!("its manifest and its code disagree: {}", differences.join("; ")));
        }
        let shapes = shapes(&manifest, &plugin)?;
        let granted: Vec<_> = manifest.capabilities.iter().map(|request| request.name).collect();
        let (points, commands) = (points(&manifest)?, commands::shapes(&manifest)?);
        let host = self.hosts.open(&manifest, &granted).map_err(|failure| failure.to_string())?;
        Ok(Arc::new(Loaded {
            plugin,
            host,
            shapes,
            points,
            commands,
            running: AtomicU32::new(0),
            paused: AtomicBool::new(false),
            rate: declared(&manifest.limits),
            pace: Pace::new(Ticks::default()),
            measures: Measures::default(),
            breaker: Breaker::new(Ticks::default()),
            recorded: Default::default(),
            capturing: Default::default(),
            watch: Arc::clone(&self.watch),
        }))
    }

    async fn start(
        &self,
        loaded: Arc<Loaded>,
        recorded: Option<&Version>,
        serving: &mut Vec<Arc<Loaded>>,
        before: Option<&Arc<Loaded>>,
    ) -> Result<(), String> {
        let manifest = Arc::clone(loaded.manifest());
        let id = manifest.id.clone();
        self.note_code_defaults(&id, loaded.description().config_defaults.as_ref());
        let say = |error: Error| error.to_string();
        serving.push(Arc::clone(&loaded));
        let up = async {
            if !loaded.description().hooks.is_empty() {
                // A hook may call what the plugin requires; others call the one that served before.
                let others = serving.iter().filter(|plugin| *plugin.id() != id);
                self.swap(others.chain(before).cloned().collect());
            }
            match recorded {
                None => self.hook(&loaded, None, Hook::Install).await?,
                Some(version) if *version != manifest.version => {
                    let (from, to) = (version.clone(), manifest.version.clone());
                    self.hook(&loaded, None, Hook::Upgrade { from, to }).await?;
                }
                Some(_) => {}
            }
            self.hook(&loaded, None, Hook::Load).await?;
            if recorded != Some(&manifest.version) {
                self.record(&manifest).await?;
            }
            if recorded.is_none() && is_on_by_default(&manifest) {
                self.enable_everywhere(&By::system("start"), &loaded).await?;
            }
            Ok(())
        };
        let up = up.await.map_err(say);
        if up.is_err() {
            serving.retain(|plugin| *plugin.id() != id);
            if recorded.is_none()
                && let Err(error) = self.forget(&id).await
            {
                tracing::error!(plugin = %id, "that it was never installed could not be noted: {error}");
            }
        }
        up
    }

    /// A plugin's code, or in one sentence why there is none.
    pub(crate) async fn code_of(&self, entry: &Entry) -> Result<Arc<dyn Plugin>, String> {
        code_of(self.loader.clone(), entry.clone()).await
    }

    /// Each with its code, in their order; a few are made ready beforehand, at the same time, since a component may have to be compiled.
    fn with_code(
        &self,
        entries: Vec<Entry>,
    ) -> impl Stream<Item = (Entry, Result<Arc<dyn Plugin>, String>)> + Unpin + use<> {
        let loader = self.loader.clone();
        let begun = move |entry: Entry| {
            let code = tokio::spawn(code_of(loader.clone(), entry.clone()));
            code.map(move |code| {
                (entry, code.unwrap_or_else(|error| Err(format!("it could not be made ready: {error}"))))
            })
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        stream::iter(entries).map(begun).buffered(2 * processors)
    }

    /// Brings a plugin's tables to where its code expects them, having saved what was there.
    async fn migrate(
        &self,
        manifest: &Manifest,
        files: &[(String, String)],
        before: Option<&Arc<Loaded>>,
    ) -> Result<Option<Saved>, String> {
        if files.is_empty() {
            return Ok(None);
        }
        let say = |error: switchboard_store::Error| error.to_string();
        let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let migrations: Vec<Migration> = parse_migration_files(files).map_err(say)?;
        let room = self.store.room(&room_of(&manifest.id)).await.map_err(say)?;
        let applied = room.migrations().await.map_err(say)?;
        let done = applied.iter().filter(|migration| migration.success).count();
        if done == migrations.len() {
            return room.migrate(&migrations).await.map(|_| None).map_err(say);
        }
        if before.is_some() && done > 0 {
            // So that what serves is not paused for a migration that fails.
            let tried = room.rehearse(&migrations).await;
            tried.map_err(|error| {
                format!("{error}. It was tried on a copy of the data: nothing was changed")
            })?;
        }
        let pause = match before {
            Some(before) => Some(Pause::of(before).await?),
            None => None,
        };
        let saved = Saved { pause, ..Saved::of(&room, done == 0).await.map_err(say)? };
        match room.migrate(&migrations).await {
            Ok(_) => Ok(Some(saved)),
            Err(error) => {
                saved
                    .restore()
                    .await
                    .map_err(|again| format!("{error}; and its data could not be put back: {again}"))?;
                Err(error.to_string())
            }
        }
    }

    pub(crate) async fn hook(
        &self,
        plugin: &Arc<Loaded>,
        organization: Option<&Arc<Organization>>,
        hook: Hook,
    ) -> Result<(), Error> {
        let (name, snapshot) = (hook.kind(), self.snapshot());
        let plugin = snapshot.version_for(plugin, organization.map(|organization| organization.id));
        if !plugin.description().hooks.contains(&name) {
            return Ok(());
        }
        let caller = Caller::system(organization.cloned(), format!("{}-{}", name.as_str(), plugin.id()));
        let terms = Terms { time: Some(self.hook_time), ..Terms::default() };
        let reply = dispatch(&snapshot, plugin, caller, terms, Call::Lifecycle(hook)).await;
        reply.map(|_| ()).map_err(|failure| {
            Error::Refused(format!("`{}` of plugin `{}` failed: {failure}", name.as_str(), plugin.id()))
        })
    }

    pub(crate) async fn recorded(&self) -> Result<HashMap<PluginId, PluginRow>, Error> {
        let rows = self
            .room
            .query("select id, nullif(version, '') as version, switched_off from plugin", vec![])
            .await?;
        Ok(rows.to::<PluginRow>()?.into_iter().map(|row| (row.id.clone(), row)).collect())
    }

    async fn record(&self, manifest: &Manifest) -> Result<(), Error> {
        let sql = "insert into plugin (id, version, installed_at, updated_at) values ($1, $2, $3, $3) \
                   on conflict (id) do update set version = excluded.version, updated_at = excluded.updated_at";
        let now = self.now().to_string();
        self.room
            .execute(sql, vec![manifest.id.as_str().into(), manifest.version.to_string().into(), now.into()])
            .await?;
        Ok(())
    }

    /// Takes back that a plugin was installed, so that it is the next time; whether it is switched off stays.
    async fn forget(&self, id: &PluginId) -> Result<(), Error> {
        self.forget_enablement(id).await?;
        self.room.execute("update plugin set version = '' where id = $1", vec![id.as_str().into()]).await?;
        Ok(())
    }

    pub(crate) fn swap(&self, plugins: Vec<Arc<Loaded>>) {
        let (before, roles) = (self.snapshot(), self.own_roles.load());
        let mut next = Snapshot::new(plugins, before.enabled().clone(), Arc::clone(before.granted()), &roles);
        next.beside = Arc::clone(&before.beside);
        self.serve(Arc::new(next));
    }

    pub(crate) fn known(&self, id: &str) -> Result<Arc<Manifest>, Error> {
        let catalog = self.catalog.load();
        let entry = catalog.entry(id).ok_or_else(|| Error::NoSuchPlugin(id.to_owned()))?;
        Ok(Arc::clone(&entry.manifest))
    }

    pub(crate) fn serving(&self, id: &str) -> Result<Arc<Loaded>, Error> {
        self.known(id)?;
        let snapshot = self.snapshot.load();
        snapshot.plugin(id).cloned().ok_or_else(|| {
            let catalog = self.catalog.load();
            let state = catalog.entry(id).map(|entry| entry.state.clone());
            let reason = state.as_ref().and_then(State::reason).unwrap_or("it is not loaded");
            Error::Refused(format!("plugin `{id}` does not serve: {reason}"))
        })
    }
}

async fn code_of(loader: Option<Arc<dyn Loader>>, entry: Entry) -> Result<Arc<dyn Plugin>, String> {
    match (entry.builtin, &entry.origin, loader) {
        (Some(plugin), ..) => Ok(plugin),
        (None, Origin::Folder(folder), Some(loader)) => loader.load(folder, &entry.manifest).await,
        (None, Origin::Folder(_), None) => {
            let file = entry.manifest.entry_point.as_deref().unwrap_or("its code");
            Err(format!("`{file}` cannot be run: this server has no loader for external plugins"))
        }
        (None, Origin::Builtin, _) => Err("its code is not part of this server".to_owned()),
    }
}

/// What a plugin's data was before a step that may fail.
struct Saved {
    room: switchboard_store::Room,
    /// Absent when there was nothing.
    copy: Option<switchboard_store::Saved>,
    /// The plugin that served before is called for nothing meanwhile.
    pause: Option<Pause>,
}

impl Saved {
    async fn of(room: &switchboard_store::Room, is_new: bool) -> Result<Self, switchboard_store::Error> {
        let copy = if is_new { None } else { Some(room.save().await?) };
        Ok(Self { room: room.clone(), copy, pause: None })
    }

    async fn restore(self) -> Result<(), switchboard_store::Error> {
        match &self.copy {
            Some(copy) => self.room.restore(copy).await?,
            None => self.room.clear().await?,
        }
        self.discard_copy().await;
        Ok(())
    }

    /// The step has succeeded: the plugin that served before never serves again.
    async fn discard(mut self) {
        if let Some(pause) = self.pause.take() {
            pause.for_good();
        }
        self.discard_copy().await;
    }

    async fn discard_copy(self) {
        if let Some(copy) = self.copy
            && let Err(error) = self.room.discard(copy).await
        {
            tracing::warn!("a copy that is no longer needed is still there: {error}");
        }
    }
}

/// The shapes of a plugin's routes, in the manifest's order.
fn shapes(manifest: &Manifest, plugin: &Arc<dyn Plugin>) -> Result<Vec<RouteShape>, String> {
    let operations = &plugin.description().routes;
    let shape = |route: &switchboard_manifest::Route| {
        let key = route.key().to_string();
        operations
            .iter()
            .find(|operation| operation.key == key)
            .map_or_else(|| Err(format!("route `{key}` is declared and not bound")), RouteShape::new)
    };
    manifest.provides.api_routes.iter().map(shape).collect()
}

fn points(manifest: &Manifest) -> Result<Vec<Option<Rules>>, String> {
    let rules = |point: &switchboard_manifest::FilterPoint| {
        let rules = point.schema.as_ref().map(Rules::new).transpose();
        rules.map_err(|error| format!("the schema of filter point `{}` is none: {error}", point.name))
    };
    manifest.provides.filter_points.iter().map(rules).collect()
}

fn switched_off_reason(id: &PluginId) -> String {
    format!("it was switched off by an administrator; `switchboard plugin enable {id}` switches it on")
}

pub(crate) fn required_by<'a>(
    plugins: impl IntoIterator<Item = &'a Arc<Loaded>>,
    id: &PluginId,
) -> Vec<PluginId> {
    let requires = |plugin: &&Arc<Loaded>| plugin.manifest().requires.iter().any(|it| it.plugin_id == *id);
    plugins.into_iter().filter(requires).map(|plugin| plugin.id().clone()).collect()
}

pub(crate) fn listed(ids: &[PluginId]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
