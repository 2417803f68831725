//! The administrator's door: a socket in the data folder that only the folder's owner opens.

use std::{
    fs::{self, Permissions},
    io::ErrorKind,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::PathBuf,
};

use anyhow::{Context, anyhow};
use tokio::net::{UnixListener, UnixSocket};

use crate::{data_folder::DataFolder, output::Advise};

/// How many may knock at the same time.
const BACKLOG: u32 = 64;

/// The door, open. Whoever opens it has the data folder's lock.
pub(crate) struct Control {
    listener: UnixListener,
    door: Door,
}

/// The door's place in the data folder; it is removed when this is dropped.
pub(crate) struct Door {
    path: PathBuf,
}

impl Control {
    /// Opens the door.
    ///
    /// # Errors
    /// When the socket cannot be made where it belongs.
    pub(crate) fn open(folder: &DataFolder) -> anyhow::Result<Self> {
        let path = folder.control_socket();
        let shown = path.display().to_string();
        remove_stale(&path)
            .with_context(|| format!("what stands at {shown} is in the way of the administrator's socket"))?;
        let socket = UnixSocket::new_stream().context("the administrator's socket cannot be made")?;
        socket
            .bind(&path)
            .with_context(|| format!("the administrator's socket {shown} cannot be made"))
            .advise("choose a folder with --data whose path is short, on a disk of this machine")?;
        let door = Door { path };
        // Before anybody can knock.
        fs::set_permissions(&door.path, Permissions::from_mode(0o600))
            .with_context(|| format!("the permissions of {shown} cannot be set"))?;
        let listener = socket.listen(BACKLOG).with_context(|| format!("{shown} cannot be listened on"))?;
        Ok(Self { listener, door })
    }

    /// What is listened on, and what removes it in the end.
    pub(crate) fn into_parts(self) -> (UnixListener, Door) {
        (self.listener, self.door)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // One that stays behind opens to nobody, and the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the socket that a server left which was killed. Nothing else is touched.
fn remove_stale(path: &PathBuf) -> anyhow::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(about) if about.file_type().is_socket() => Ok(fs::remove_file(path)?),
        Ok(_) => Err(anyhow!("it is no socket")).advise("move it elsewhere"),
    }
}
