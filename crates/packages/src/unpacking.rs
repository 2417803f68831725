//! Putting the files of a package into a folder: all of them, or none.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{Error, archive::Files};

/// How the names of folders begin that are not whole yet. Hidden, so that nobody takes one for a plugin.
const UNFINISHED: &str = ".unpacking-";

/// Puts the files into a folder that is not there yet.
pub(crate) fn unpack(files: &Files, into: &Path) -> Result<(), Error> {
    if fs::symlink_metadata(into).is_ok() {
        return Err(Error::AlreadyThere { path: into.to_owned() });
    }
    let beside = beside(into);
    fs::create_dir_all(&beside).map_err(Error::file("made", &beside))?;
    let unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(&beside)
        .map_err(Error::file("written into", &beside))?;
    let mut folders = BTreeSet::from([unfinished.path().to_owned()]);
    for (name, content) in files {
        let path = name.below(unfinished.path());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::file("made", folder))?;
            let above = folder.ancestors().take_while(|it| it.starts_with(unfinished.path()));
            folders.extend(above.map(Path::to_owned));
        }
        write(&path, content).map_err(Error::file("written", &path))?;
    }
    for folder in &folders {
        sync(folder)?;
    }
    fs::rename(unfinished.path(), into).map_err(Error::file("put in its place", into))?;
    // What it was called is nowhere any more: there is nothing to remove.
    let _ = unfinished.keep();
    sync(&beside)
}

/// Removes what was left of unpackings into a folder that did not end, as when the power went.
///
/// # Errors
/// When it cannot be looked into or removed. A folder that is not there has nothing in it.
pub fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("looked into", folder)(error)),
    };
    for entry in entries {
        let path = entry.map_err(Error::file("looked into", folder))?.path();
        let is_unfinished =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED));
        if is_unfinished && path.is_dir() {
            fs::remove_dir_all(&path).map_err(Error::file("removed", &path))?;
        }
    }
    Ok(())
}

/// The folder in which a path stands.
fn beside(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::file("written to the disk", folder))
}

/// Writes a file beside the one of that name, and puts it in its place in one step.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let beside = beside(path);
    fs::create_dir_all(&beside).map_err(Error::file("made", &beside))?;
    let written = (|| {
        let mut file = tempfile::NamedTempFile::new_in(&beside)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    })();
    written.map_err(Error::file("written", path))?;
    sync(&beside)
}
