//! What is made on the way to a result, and gone again when the result is not reached.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A path at which something is being made. Unless it is [put in its place](Self::keep), it is removed when this is dropped.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Nothing is made yet; what an earlier process left there is removed.
    pub(crate) fn at(path: PathBuf) -> Self {
        remove(&path);
        Self { path }
    }

    /// A hidden path beside another one, and so on the same disk.
    pub(crate) fn beside(path: &Path, purpose: &str) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::at(path.with_file_name(format!(".{name}.{purpose}-{}", std::process::id())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes nothing: it is elsewhere by now.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// There is nobody who could be told when it fails, and nothing but space is lost.
fn remove(path: &Path) {
    let _ = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
}
