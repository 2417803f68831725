//! Libraries of a Rust plugin: those in `Cargo.lock` that the plugin's crate needs.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Library, in_purl};
use crate::Error;

/// The file's name.
pub(super) const LOCK: &str = "Cargo.lock";
/// How many folders up the workspace's lock file is looked for.
const HIGHEST: usize = 8;

#[derive(Deserialize)]
struct Project {
    package: Crate,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// What the crate in this folder needs, directly or not; what only its tests need is among it, as Cargo does not tell them
/// apart there. None where no crate is, or it was never built.
pub(super) fn libraries(folder: &Path) -> Result<Option<Vec<Library>>, Error> {
    let Some(project) = read(&folder.join("Cargo.toml"))? else { return Ok(None) };
    let Ok(Project { package }) = toml::from_str(&project) else { return Ok(None) };
    // A folder named `.` has no parents by its name alone.
    let absolute = fs::canonicalize(folder).map_err(Error::file("found", folder))?;
    let lock = absolute.ancestors().take(HIGHEST).map(|it| it.join(LOCK)).find(|path| path.is_file());
    let Some(path) = lock else { return Ok(None) };
    let Some(text) = read(&path)? else { return Ok(None) };
    let lock: Lock = toml::from_str(&text).map_err(|error| not_right(&path, error.message()))?;
    let Some(root) = lock.package.iter().position(|it| it.name == package.name && it.source.is_none()) else {
        return Ok(None);
    };
    let mut reached = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(next) = open.pop() {
        let needed = lock.package.get(next).map(|it| it.dependencies.as_slice()).unwrap_or_default();
        for name in needed {
            for index in lock.matching(name) {
                if reached.insert(index) {
                    open.push(index);
                }
            }
        }
    }
    reached.remove(&root);
    Ok(Some(reached.into_iter().filter_map(|index| lock.package.get(index)).map(library).collect()))
}

impl Lock {
    /// The packages that a dependency names: `name`, `name version` or `name version (source)`.
    fn matching<'a>(&'a self, dependency: &'a str) -> impl Iterator<Item = usize> + 'a {
        let mut parts = dependency.splitn(3, ' ');
        let (name, version, source) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let fits = move |it: &Locked| {
            it.name == name
                && version.is_none_or(|version| it.version == version)
                && source.is_none_or(|source| it.source.as_deref() == Some(source.trim_matches(['(', ')'])))
        };
        self.package.iter().enumerate().filter(move |(_, it)| fits(it)).map(|(index, _)| index)
    }
}

fn library(locked: &Locked) -> Library {
    let Locked { name, version, source, checksum, .. } = locked;
    Library {
        name: name.clone(),
        version: Some(version.clone()),
        purl: source.as_ref().map(|_| format!("pkg:cargo/{}@{}", in_purl(name), in_purl(version))),
        hash: checksum.clone().map(|digits| ("SHA-256", digits)),
    }
}

fn not_right(path: &Path, why: &str) -> Error {
    Error::LockFile { path: PathBuf::from(path), why: why.to_owned() }
}

/// A text file; none where none is.
pub(super) fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}
