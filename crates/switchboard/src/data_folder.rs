//! The folder in which everything is kept, and the lock that keeps two servers off it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};

use crate::output::Advise;

/// The name of the file that is locked; the process that has it is written in it.
pub(crate) const LOCK: &str = "lock";
/// The folder with the keys of those whose signatures on packages count.
pub(crate) const TRUSTED_KEYS: &str = "trusted_keys";
/// The file that says which packages are installed.
pub(crate) const PLUGINS_LOCK: &str = "plugins.lock";

/// The folder in which everything is kept.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    root: PathBuf,
}

/// As long as this lives, no other process serves from the folder.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl DataFolder {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The databases.
    pub(crate) fn databases(&self) -> PathBuf {
        self.root.join("db")
    }

    /// Large values.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// External plugins.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// Compiled forms of components: what is lost is made anew.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.root.join("compiled")
    }

    /// The keys of those whose signatures on packages count.
    pub(crate) fn trusted_keys(&self) -> PathBuf {
        self.root.join(TRUSTED_KEYS)
    }

    /// Which packages are installed, and what was consented to.
    pub(crate) fn plugins_lock(&self) -> PathBuf {
        self.root.join(PLUGINS_LOCK)
    }

    /// Messages, where there is no mail server.
    pub(crate) fn mail(&self) -> PathBuf {
        self.root.join("mail")
    }

    /// The keys that secrets are sealed with, unless the operator keeps them elsewhere.
    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The administrator's door while the server runs.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// Where a backup gathers its copies.
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join(".backup")
    }

    /// Whether anything is in it that somebody could miss.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn holds_something(&self) -> std::io::Result<bool> {
        let own = [self.root.join(LOCK), self.staging()];
        for entry in std::fs::read_dir(&self.root)? {
            if !own.contains(&entry?.path()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the folder, readable by its owner alone, and takes it for this process.
    ///
    /// # Errors
    /// When it cannot be made or written to, or another process has it.
    pub(crate) fn take(&self) -> anyhow::Result<Lock> {
        let shown = self.root.display();
        if !self.root.exists() {
            create_private(&self.root).with_context(|| format!("the data folder {shown} cannot be made"))?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.root.join(LOCK))
            .with_context(|| format!("the data folder {shown} cannot be written to"))?;
        match file.try_lock() {
            Ok(()) => {
                // For whoever comes second; the lock holds without it.
                let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
                Ok(Lock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let holder = match self.holder() {
                    Some(pid) => format!("process {pid}"),
                    None => "another process".to_owned(),
                };
                Err(anyhow!("a Switchboard uses the data folder {shown} already: {holder}"))
                    .advise("stop that one first, or choose another folder with --data")
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("the data folder {shown} cannot be locked"))
            }
        }
    }

    /// The process that has the folder, or had it last.
    pub(crate) fn holder(&self) -> Option<u32> {
        let mut written = String::new();
        File::open(self.root.join(LOCK)).ok()?.read_to_string(&mut written).ok()?;
        written.trim().parse().ok()
    }
}

/// Makes a folder, with those above it, that only its owner may look into.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::DataFolder;

    #[test]
    fn a_folder_is_taken_once() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(&temporary.path().join("data"));
        let lock = folder.take().unwrap();
        let refusal = format!("{:#}", folder.take().unwrap_err());
        let own = format!("already: process {}", std::process::id());
        assert!(refusal.contains(&own), "{refusal}");
        drop(lock);
        assert!(folder.take().is_ok());
    }
}
