//! Every plugin that was found, with where it stands.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use switchboard_api::Plugin;
use switchboard_manifest::{Manifest, PluginId};

use crate::{discover::Origin, state::State};

/// Every plugin that was found, by id; immutable, swapped whole.
#[derive(Clone, Default)]
pub struct Catalog {
    entries: BTreeMap<PluginId, Entry>,
    unreadable: Vec<Unreadable>,
}

/// A plugin that was found.
#[derive(Clone)]
pub struct Entry {
    /// What it declares.
    pub manifest: Arc<Manifest>,
    /// Where it was found.
    pub origin: Origin,
    /// Where it stands.
    pub state: State,
    /// What an administrator should know though it loads.
    pub warnings: Vec<String>,
    /// Its code, when that is part of the server.
    pub(crate) builtin: Option<Arc<dyn Plugin>>,
}

/// A folder in which no plugin could be made out.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The folder's name, or the id where that could be read.
    pub label: String,
    /// Where it is.
    pub folder: PathBuf,
    /// One sentence: why.
    pub reason: String,
}

impl Catalog {
    /// The plugins by id.
    pub fn entries(&self) -> impl Iterator<Item = (&PluginId, &Entry)> {
        self.entries.iter()
    }

    /// The plugin of that id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Folders in which no plugin could be made out.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    pub(crate) fn insert(&mut self, entry: Entry) {
        self.entries.insert(entry.manifest.id.clone(), entry);
    }

    pub(crate) fn remove(&mut self, id: &PluginId) {
        self.entries.remove(id);
    }

    pub(crate) fn insert_unreadable(&mut self, unreadable: Unreadable) {
        self.unreadable.push(unreadable);
    }

    pub(crate) fn set_state(&mut self, id: &PluginId, state: State) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.state = state;
        }
    }

    pub(crate) fn set_warnings(&mut self, id: &PluginId, warnings: Vec<String>) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.warnings = warnings;
        }
    }
}
