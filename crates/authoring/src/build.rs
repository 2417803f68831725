//! From a folder of source to a folder that a server loads.

use std::{
    fs,
    path::{Path, PathBuf},
};

use switchboard_manifest::Manifest;

use crate::{BuildError, Language, Source, language, source::MANIFEST};

/// What the component is called where the manifest does not say it.
const ENTRY_POINT: &str = "plugin.wasm";

/// A plugin that was built.
#[derive(Debug)]
pub struct Built {
    /// The folder that a server loads.
    pub folder: PathBuf,
    /// The component in it.
    pub component: PathBuf,
    /// The component's size in bytes.
    pub size: u64,
    /// The language of the source.
    pub language: &'static str,
}

/// How much is done so that what is built is small and fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// All that can be done: for a component that is given away.
    Full,
    /// What makes it usable, and nothing that whoever writes the plugin would wait for.
    Quick,
}

/// Where a source's plugin is put unless somebody says otherwise: `target/plugin` in its folder.
pub fn output_of(source: &Source) -> PathBuf {
    source.folder().join("target").join("plugin")
}

/// Whether what was built into the folder is still what [`build`] would make: nothing of the source was changed since, nor this program.
///
/// Some tools make other bytes of the same source each time, which a server would compile once more.
pub fn is_current(source: &Source, output: &Path) -> bool {
    let changed = |file: &Path| fs::metadata(file).and_then(|about| about.modified()).ok();
    let is_quick = language::of(source).is_ok_and(Language::is_quick_to_repeat);
    let program = std::env::current_exe().ok().and_then(|program| changed(&program));
    let built = changed(&output.join(MANIFEST));
    !is_quick && built.is_some() && built > source.newest(&[]).0 && built > program
}

/// Builds a plugin into a folder, which can be copied to `plugins/<id>` of a server's data: the manifest as that of an external
/// plugin, the component where its `entry_point` says, the migrations.
///
/// Only when all of it is there does it take the place of what was built before.
///
/// # Errors
/// What is wrong with the source or lacks on this machine, and what to do.
pub fn build(source: &Source, output: &Path, effort: Effort) -> Result<Built, BuildError> {
    let language = language::of(source)?;
    let component = language.component(source, effort)?;
    // What the manifest names may lie anywhere in the source; in what was built it lies beside the manifest.
    let named = source.manifest().entry_point.as_deref().and_then(|path| path.rsplit('/').next());
    let entry_point = named.filter(|name| name.ends_with(".wasm")).unwrap_or(ENTRY_POINT);
    let manifest = Manifest::as_external(source.text(), entry_point)
        .map_err(|faults| BuildError::Manifest { report: faults.report(MANIFEST).to_string() })?;

    let fresh = output.with_extension("being-built");
    emptied(&fresh)?;
    write(&fresh.join(MANIFEST), manifest.as_bytes())?;
    write(&fresh.join(entry_point), &component)?;
    let migrations = source.migrations()?;
    if !migrations.is_empty() {
        let folder = fresh.join("migrations");
        fs::create_dir(&folder).map_err(|error| BuildError::file("made", &folder, error))?;
        for file in migrations {
            let copy = folder.join(file.file_name().unwrap_or_default());
            fs::copy(&file, &copy).map_err(|error| BuildError::file("copied", &file, error))?;
        }
    }
    put_in_place(&fresh, output)?;
    Ok(Built {
        folder: output.to_owned(),
        component: output.join(entry_point),
        size: component.len() as u64,
        language: language.name(),
    })
}

fn emptied(folder: &Path) -> Result<(), BuildError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| BuildError::file("removed", folder, error))?;
    }
    fs::create_dir_all(folder).map_err(|error| BuildError::file("made", folder, error))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    fs::write(file, bytes).map_err(|error| BuildError::file("written", file, error))
}

/// Puts what was built in place of an earlier plugin. A folder of anything else is left alone.
fn put_in_place(fresh: &Path, output: &Path) -> Result<(), BuildError> {
    if output.exists() {
        let is_empty = fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_none());
        if !is_empty && !output.join(MANIFEST).is_file() {
            let error = std::io::Error::other("it holds something that is no plugin; name another folder");
            return Err(BuildError::file("replaced", output, error));
        }
        fs::remove_dir_all(output).map_err(|error| BuildError::file("replaced", output, error))?;
    }
    fs::rename(fresh, output).map_err(|error| BuildError::file("put in place", output, error))
}
