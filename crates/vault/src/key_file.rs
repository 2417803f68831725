//! The file with the keys.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{error::Error, key::Key};

/// What stands above the keys, for whoever opens the file.
const HEAD: &str = "\
# The keys that secrets in Switchboard's database are sealed with. Without them no secret can be opened:
# keep a copy of this file, and keep it apart from the backups of the database.
# The first key seals, all of them open. `switchboard secrets rotate` adds one.
";

/// The file with the keys. Only its owner may read or write it.
pub(crate) struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The keys, the one that seals first; none when there is no file.
    pub(crate) fn read(&self) -> Result<Option<Vec<Key>>, Error> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read", &error)),
        };
        self.refuse_exposed(&file)?;
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(|error| self.failed("read", &error))?;
        let mut keys: Vec<Key> = Vec::new();
        for (position, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |why| Error::BadKeyFile { file: self.path.clone(), line: position + 1, why };
            let key = Key::from_line(line).map_err(bad)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(bad("another key has the same id"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(Error::NoKeys { file: self.path.clone() });
        }
        Ok(Some(keys))
    }

    /// Changes the keys, one process at a time: of what is in the file now to what is given back.
    ///
    /// The file is replaced in one step, so that who reads it meanwhile finds it whole.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(Vec<Key>) -> Result<Vec<Key>, Error>,
    ) -> Result<Vec<Key>, Error> {
        let lock = private()
            .truncate(false)
            .open(with_suffix(&self.path, "lock"))
            .map_err(|error| self.failed("written", &error))?;
        lock.lock().map_err(|error| self.failed("written", &error))?;
        let keys = change(self.read()?.unwrap_or_default())?;
        self.replace(&keys).map_err(|error| self.failed("written", &error))?;
        Ok(keys)
    }

    fn replace(&self, keys: &[Key]) -> std::io::Result<()> {
        // A link stays one: what it leads to is replaced.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let new = with_suffix(&target, "new");
        // One that a crash left behind may have any permissions.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private().create_new(true).open(&new)?;
        file.write_all(HEAD.as_bytes())?;
        for key in keys {
            file.write_all(key.line().as_bytes())?;
        }
        file.sync_all()?;
        fs::rename(&new, &target)?;
        #[cfg(unix)]
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// A file whose owner is not alone with it keeps no secrets.
    #[cfg_attr(not(unix), allow(unused_variables))]
    fn refuse_exposed(&self, file: &File) -> Result<(), Error> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let about = file.metadata().map_err(|error| self.failed("read", &error))?;
            let mode = about.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(Error::Exposed { file: self.path.clone(), mode });
            }
        }
        Ok(())
    }

    fn failed(&self, what: &'static str, error: &std::io::Error) -> Error {
        Error::io(&self.path, what, error)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// How a file that only its owner may use is made.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
