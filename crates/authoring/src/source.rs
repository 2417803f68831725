//! The folder of a plugin's source.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use switchboard_manifest::Manifest;

use crate::BuildError;

/// The manifest's name in a plugin's folder.
pub(crate) const MANIFEST: &str = "manifest.yaml";

/// What is not the plugin's source.
const NO_SOURCE: [&str; 5] = ["target", "node_modules", "__pycache__", "plugin.wasm", "tests"];

/// The folder of a plugin's source, with its manifest read.
#[derive(Debug)]
pub struct Source {
    folder: PathBuf,
    text: String,
    manifest: Manifest,
}

impl Source {
    /// Reads the manifest in a folder.
    ///
    /// # Errors
    /// When there is none, or it has faults.
    pub fn open(folder: &Path) -> Result<Self, BuildError> {
        let file = folder.join(MANIFEST);
        let text = fs::read_to_string(&file).map_err(|error| BuildError::file("read", &file, error))?;
        let manifest = Manifest::read(&text).map_err(|faults| {
            let report = faults.report(&file.display().to_string()).to_string();
            BuildError::Manifest { report }
        })?;
        // Tools are run elsewhere, and are told of the folder.
        let folder = folder.canonicalize().map_err(|error| BuildError::file("found", folder, error))?;
        Ok(Self { folder, text, manifest })
    }

    /// The folder, as a path from the root.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it declares.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// When something of it was changed last, and how many files it has; what lies in folders of these names is not looked at.
    ///
    /// What was built or installed, and what is hidden, is no source; neither are its tests.
    pub fn newest(&self, besides: &[&OsStr]) -> (Option<SystemTime>, usize) {
        let (mut newest, mut count) = (None, 0);
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let is_hidden = name.as_encoded_bytes().starts_with(b".");
                if is_hidden || NO_SOURCE.iter().any(|other| name == *other) || besides.contains(&&*name) {
                    continue;
                }
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(_) => {
                        count += 1;
                        newest = newest.max(entry.metadata().and_then(|about| about.modified()).ok());
                    }
                    Err(_) => {}
                }
            }
        }
        (newest, count)
    }

    /// Its migration files.
    pub(crate) fn migrations(&self) -> Result<Vec<PathBuf>, BuildError> {
        let folder = self.folder.join("migrations");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let unreadable = |error| BuildError::file("read", &folder, error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.extension().is_some_and(|ending| ending == "sql") {
                files.push(file);
            }
        }
        files.sort();
        Ok(files)
    }
}
