//! Which plugins there are: those that are part of the server, and a folder each for the others.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use switchboard_manifest::{Kind, Manifest, PluginId};

/// The names that a manifest may have, in the order in which they are looked for.
pub const MANIFEST_NAMES: [&str; 3] = ["manifest.yaml", "manifest.yml", "manifest.json"];

/// A manifest is at most this large.
const MOST_BYTES: u64 = 1 << 20;

/// Where a plugin was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the server.
    Builtin,
    /// It stands in this folder.
    Folder(PathBuf),
}

/// A place where a plugin was looked for.
pub(crate) struct Discovered {
    pub(crate) origin: Origin,
    /// The plugin's id, or the folder's name where that could not be read.
    pub(crate) label: String,
    /// What it declares, or in one sentence why that cannot be said.
    pub(crate) manifest: Result<Arc<Manifest>, String>,
}

/// Looks at the built-ins, then at every folder in the folder, by name.
pub(crate) fn discover(builtins: &[Arc<Manifest>], folder: Option<&Path>) -> Vec<Discovered> {
    let mut found = Vec::new();
    let mut owners: HashMap<PluginId, Origin> = HashMap::new();
    for manifest in builtins {
        let (label, origin) = (manifest.id.to_string(), Origin::Builtin);
        let first = owners.insert(manifest.id.clone(), origin.clone()).is_none();
        let manifest =
            if first { Ok(Arc::clone(manifest)) } else { Err(format!("`{label}` is built in twice")) };
        found.push(Discovered { origin, label, manifest });
    }
    let Some(folder) = folder else { return found };
    match folders_in(folder) {
        Ok(folders) => found.extend(folders.into_iter().map(|folder| look(folder, &mut owners))),
        Err(error) => found.push(Discovered {
            origin: Origin::Folder(folder.to_owned()),
            label: folder.display().to_string(),
            manifest: Err(format!("the folder of plugins cannot be read: {error}")),
        }),
    }
    found
}

fn folders_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !is_hidden {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn look(folder: PathBuf, owners: &mut HashMap<PluginId, Origin>) -> Discovered {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let manifest = read(&folder).and_then(|manifest| {
        let id = &manifest.id;
        if manifest.kind == Kind::Builtin {
            return Err(format!(
                "`{id}` says `type: builtin`, but it stands in a folder: write `type: external`"
            ));
        }
        match owners.get(id) {
            None => Ok(Arc::new(manifest)),
            Some(Origin::Builtin) => Err(format!("`{id}` is the id of a plugin that is part of this server")),
            Some(Origin::Folder(other)) => {
                Err(format!("`{id}` is the id of the plugin in `{}` already", other.display()))
            }
        }
    });
    let origin = Origin::Folder(folder);
    let label = match &manifest {
        Ok(manifest) => {
            owners.insert(manifest.id.clone(), origin.clone());
            manifest.id.to_string()
        }
        Err(_) => name,
    };
    Discovered { origin, label, manifest }
}

/// What the plugin in a folder declares, or in one sentence why that cannot be said.
pub(crate) fn read(folder: &Path) -> Result<Manifest, String> {
    let Some(path) = MANIFEST_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file()) else {
        return Err(format!("there is no `{}` in `{}`", MANIFEST_NAMES.join("` or `"), folder.display()));
    };
    let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    if fs::metadata(&path).map_err(unreadable)?.len() > MOST_BYTES {
        return Err(format!(
            "`{}` is larger than a manifest may be, {} KiB",
            path.display(),
            MOST_BYTES / 1024
        ));
    }
    let text = fs::read_to_string(&path).map_err(unreadable)?;
    Manifest::read(&text).map_err(|faults| {
        let count = faults.len();
        let all: Vec<String> = faults
            .iter()
            .map(|fault| format!("line {}, column {}: {}", fault.line, fault.column, fault.message))
            .collect();
        let many = if count == 1 { "a fault".to_owned() } else { format!("{count} faults") };
        format!("`{}` has {many}: {}", path.display(), all.join("; "))
    })
}
