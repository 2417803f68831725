//! A folder of rooms.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::copies::remove;
use super::readers::blocking;
use super::room::Room;
use crate::Error;
use crate::name::is_room_name;
use crate::options::Options;

/// A folder of rooms, one SQLite file each. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    options: Options,
    rooms: Mutex<HashMap<String, Arc<OnceCell<Room>>>>,
}

impl Store {
    /// Opens the folder, and makes it if there is none. One process at a time may have it open.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be made.
    pub(crate) fn open(folder: &Path, options: Options) -> Result<Self, Error> {
        let name: Arc<str> = folder.display().to_string().into();
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::io(&name, "the folder could not be made", &error))?;
        let inner = Inner { folder: folder.to_owned(), options, rooms: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// The room of that name, made if there is none. Names are a small letter, then small letters, digits and
    /// underscores, 64 characters at most.
    ///
    /// # Errors
    /// [`Error::BadRoomName`]; [`Error::Io`] and [`Error::Corrupt`] when its file cannot be opened.
    pub(crate) async fn room(&self, name: &str) -> Result<Room, Error> {
        if !is_room_name(name) {
            return Err(Error::BadRoomName { name: name.to_owned() });
        }
        let cell = {
            let mut rooms = self.inner.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            match rooms.get(name) {
                Some(cell) => Arc::clone(cell),
                None => Arc::clone(rooms.entry(name.to_owned()).or_default()),
            }
        };
        let open = || Room::open(self.inner.folder.clone(), name.into(), self.inner.options.clone());
        cell.get_or_try_init(open).await.cloned()
    }

    /// The names of all rooms that have a file, in order.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be read.
    pub(crate) fn rooms(&self) -> Result<Vec<String>, Error> {
        let folder: Arc<str> = self.inner.folder.display().to_string().into();
        let cannot = |error: std::io::Error| Error::io(&folder, "the folder could not be read", &error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.inner.folder).map_err(cannot)? {
            let file = entry.map_err(cannot)?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".sqlite"));
            names.extend(name.filter(|name| is_room_name(name)).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Closes a room, and removes all of it.
    ///
    /// # Errors
    /// [`Error::BadRoomName`]; [`Error::Io`], and then it is there to be removed again.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Error> {
        if !is_room_name(name) {
            return Err(Error::BadRoomName { name: name.to_owned() });
        }
        let rooms = || self.inner.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = rooms().get(name).map(Arc::clone);
        if let Some(cell) = opened
            && let Ok(room) = cell.get_or_try_init(|| async { Err(()) }).await
        {
            room.close().await;
        }
        let (folder, room): (_, Arc<str>) = (self.inner.folder.clone(), name.into());
        blocking(&Arc::clone(&room), move || remove(&folder, &room)).await?;
        rooms().remove(name);
        Ok(())
    }

    /// Waits for what is under way, copies all that was written into the rooms' main files, and closes them.
    ///
    /// Rooms got before fail with [`Error::Unavailable`] from then on; asking for one anew opens it again.
    pub(crate) async fn close(&self) {
        let rooms = std::mem::take(&mut *self.inner.rooms.lock().unwrap_or_else(PoisonError::into_inner));
        for cell in rooms.into_values() {
            // One that is being opened just now is waited for.
            if let Ok(room) = cell.get_or_try_init(|| async { Err(()) }).await {
                room.close().await;
            }
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.inner.folder).finish()
    }
}
