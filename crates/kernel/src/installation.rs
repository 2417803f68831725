//! Plugins that come, change and go while the server runs.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use switchboard_api::{Hook, Plugin};
use switchboard_manifest::PluginId;

use crate::{
    audit::Entry as AuditEntry,
    by::By,
    catalog::{Catalog, Entry},
    discover::Origin,
    error::Error,
    kernel::Kernel,
    lifecycle::{listed, required_by},
    loaded::Loaded,
    state::State,
};

/// How long calls under way are waited for before a plugin's tables change under them.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often it is looked whether they have ended.
const LOOK: Duration = Duration::from_millis(2);

/// What became of a plugin whose folder was looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is new, and serves.
    Installed,
    /// It serves in place of what served before: this version.
    Replaced(semver::Version),
    /// It is no longer there, and serves no more. Its data stays.
    Removed,
}

impl Kernel {
    /// Looks at the folder of an external plugin again: a new plugin is loaded, a changed one takes the place of the one that serves, and
    /// one whose folder is gone is unloaded. A call that is under way ends on what it began on.
    ///
    /// A new version that changes the plugin's tables waits for the calls under way, and turns others away meanwhile.
    ///
    /// # Errors
    /// [`Error::DoesNotLoad`] with the reason, and then what served before serves on with the data that it had; [`Error::Refused`] for
    /// a plugin that is part of the server, and for one that others require; [`Error::NoSuchPlugin`].
    pub async fn look_again(&self, by: &By, id: &str) -> Result<Seen, Error> {
        let _changing = self.changing().await?;
        let catalog = self.catalog();
        let was = catalog.entry(id).cloned();
        if was.as_ref().is_some_and(|entry| entry.origin == Origin::Builtin) {
            return Err(Error::Refused(format!(
                "plugin `{id}` is part of this server: it changes with the server"
            )));
        }
        let builtins: Vec<Arc<dyn Plugin>> =
            catalog.entries().filter_map(|(_, entry)| entry.builtin.clone()).collect();
        let found = Catalog::discover(&builtins, self.plugin_folder.as_deref());
        match (found.entry(id).cloned(), was) {
            (Some(entry), _) => self.put_in_place(by, entry).await,
            (None, was) => {
                let unreadable = found.unreadable().iter().find(|unreadable| unreadable.label == id);
                match (unreadable, was) {
                    (Some(unreadable), _) => {
                        let plugin =
                            id.parse::<PluginId>().map_err(|_| Error::NoSuchPlugin(id.to_owned()))?;
                        Err(Error::DoesNotLoad { plugin, reason: unreadable.reason.clone() })
                    }
                    (None, Some(entry)) => self.take_away(by, &entry).await,
                    (None, None) => Err(Error::NoSuchPlugin(id.to_owned())),
                }
            }
        }
    }

    async fn put_in_place(&self, by: &By, entry: Entry) -> Result<Seen, Error> {
        let id = entry.manifest.id.clone();
        let refused = |reason: String| Error::DoesNotLoad { plugin: id.clone(), reason };
        self.none_beside(&id, Some(&entry.manifest.version)).await?;
        let mut catalog = Catalog::clone(&self.catalog());
        let version = entry.manifest.version.clone();
        catalog.insert(entry.clone());
        let recorded = self.recorded().await?;
        let resolution = self.resolve_in(&catalog, &recorded);
        if let Some(refusal) = resolution.refused.get(&id) {
            return Err(refused(refusal.to_string()));
        }
        let snapshot = self.snapshot();
        let broken: Vec<PluginId> = snapshot
            .plugins()
            .iter()
            .map(|plugin| plugin.id().clone())
            .filter(|other| resolution.refused.contains_key(other))
            .collect();
        if let Some(first) = broken.first().and_then(|id| resolution.refused.get(id)) {
            return Err(refused(format!("{} could not serve beside it: {first}", listed(&broken))));
        }
        let known = self.catalog();
        if known.entry(id.as_str()).is_none() {
            // Its hooks, and switching it on, find it as they find every other.
            self.catalog.store(Arc::new(catalog.clone()));
        }
        let before = snapshot.plugin(id.as_str()).cloned();
        let mut serving: Vec<Arc<Loaded>> =
            snapshot.plugins().iter().filter(|plugin| *plugin.id() != id).cloned().collect();
        let brought = self.bring_up(
            &entry,
            self.code_of(&entry).await,
            recorded.get(&id).and_then(|row| row.version()),
            &mut serving,
            before.as_ref(),
        );
        if let Err(reason) = brought.await {
            self.swap(snapshot.plugins().to_vec());
            self.catalog.store(known);
            return Err(refused(reason));
        }
        let place = |plugin: &Arc<Loaded>| resolution.order.iter().position(|id| id == plugin.id());
        serving.sort_by_key(place);
        catalog.set_state(&id, State::Loaded);
        catalog.set_warnings(&id, resolution.warnings.get(&id).cloned().unwrap_or_default());
        self.catalog.store(Arc::new(catalog));
        self.swap(serving);
        self.is_everyones_now(&id, &version).await?;
        let (what, seen) = match &before {
            None => ("plugin.installed", Seen::Installed),
            Some(_) => ("plugin.replaced", Seen::Replaced(version.clone())),
        };
        if let Some(before) = &before
            && let Err(error) = self.hook(before, None, Hook::Unload).await
        {
            tracing::warn!(plugin = %id, "the one that served before said at its end: {error}");
        }
        let was = before.as_ref().map(|before| before.manifest().version.to_string());
        let line = AuditEntry::new(what, format!("plugin:{id}")).before(was).after(version.to_string());
        let change = self.change(by).await?;
        change.commit(line).await?;
        Ok(seen)
    }

    pub(crate) async fn take_away(&self, by: &By, entry: &Entry) -> Result<Seen, Error> {
        let id = &entry.manifest.id;
        let snapshot = self.snapshot();
        let dependents = required_by(snapshot.plugins(), id);
        if !dependents.is_empty() {
            let names = listed(&dependents);
            return Err(Error::Refused(format!(
                "plugin `{id}` is required by {names}: switch those off first"
            )));
        }
        self.none_beside(id, None).await?;
        if let Some(loaded) = snapshot.plugin(id.as_str()) {
            self.hook(loaded, None, Hook::Unload).await?;
        }
        let rest = snapshot.plugins().iter().filter(|plugin| plugin.id() != id).cloned().collect();
        self.swap(rest);
        self.catalog.rcu(|catalog| {
            let mut next = Catalog::clone(catalog);
            next.remove(id);
            next
        });
        let change = self.change(by).await?;
        change.commit(AuditEntry::new("plugin.removed", format!("plugin:{id}"))).await?;
        Ok(Seen::Removed)
    }
}

/// As long as this lives, a plugin is called for nothing.
pub(crate) struct Pause(Option<Arc<Loaded>>);

impl Pause {
    /// Turns new calls away, and waits for those under way.
    ///
    /// # Errors
    /// One sentence when they do not end.
    pub(crate) async fn of(plugin: &Arc<Loaded>) -> Result<Self, String> {
        plugin.paused.store(true, Ordering::SeqCst);
        let pause = Self(Some(Arc::clone(plugin)));
        let ended = async {
            while plugin.running.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        let seconds = LONGEST_PAUSE.as_secs();
        tokio::time::timeout(LONGEST_PAUSE, ended).await.map_err(|_| {
            format!("calls of the version that serves did not end within {seconds} seconds: try again")
        })?;
        Ok(pause)
    }

    /// It is not called again.
    pub(crate) fn for_good(mut self) {
        self.0 = None;
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        if let Some(plugin) = &self.0 {
            plugin.paused.store(false, Ordering::SeqCst);
        }
    }
}
