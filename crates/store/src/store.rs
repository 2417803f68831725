//! A house of rooms, on one engine or the other.

use std::path::Path;

use crate::options::Options;
use crate::postgres::apart;
use crate::{Changes, Error, Room, postgres, sqlite};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// SQLite: a file for each room.
    Sqlite,
    /// PostgreSQL: a schema for each room.
    Postgres,
}

/// A house of rooms. Cloning it is cheap.
#[derive(Clone)]
pub struct Store {
    on: On,
}

#[derive(Clone)]
enum On {
    Sqlite(sqlite::Store),
    Postgres(postgres::Store),
}

impl Store {
    /// Opens a folder of rooms, one SQLite file each, and makes it if there is none. One process at a time may have it open.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be made.
    pub fn open_sqlite(folder: &Path, options: Options) -> Result<Self, Error> {
        Ok(Self { on: On::Sqlite(sqlite::Store::open(folder, options)?) })
    }

    /// Signs in to a PostgreSQL database at an address such as `postgres://user:password@host/database`, which has one schema
    /// for each room. With `?sslmode=require` nothing is said before the connection is encrypted and the server is known.
    ///
    /// Its user owns the database and may make roles: each room gets its own, which the database confines to that room.
    /// Several processes may use one database at the same time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server cannot be reached or refuses the user; [`Error::Forbidden`] when the user may
    /// not make what the store needs. None shows the password.
    pub async fn open_postgres(url: &str, options: Options) -> Result<Self, Error> {
        Ok(Self { on: On::Postgres(apart(postgres::Store::open(url, options)).await?) })
    }

    /// Where it is, without a password.
    pub fn address(&self) -> String {
        match &self.on {
            On::Sqlite(store) => store.folder().display().to_string(),
            On::Postgres(store) => store.address().to_string(),
        }
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        match &self.on {
            On::Sqlite(_) => Engine::Sqlite,
            On::Postgres(_) => Engine::Postgres,
        }
    }

    /// The room of that name, made if there is none. Names are a small letter, then small letters, digits and
    /// underscores, 64 characters at most.
    ///
    /// # Errors
    /// [`Error::BadRoomName`]; [`Error::Io`] and [`Error::Corrupt`] when it cannot be opened.
    pub async fn room(&self, name: &str) -> Result<Room, Error> {
        match &self.on {
            On::Sqlite(store) => Ok(Room::on_sqlite(store.room(name).await?)),
            On::Postgres(store) => Ok(Room::on_postgres(apart(store.room(name)).await?)),
        }
    }

    /// The names of all rooms that there are, in order.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be read.
    pub async fn rooms(&self) -> Result<Vec<String>, Error> {
        match &self.on {
            On::Sqlite(store) => store.rooms(),
            On::Postgres(store) => apart(store.rooms()).await,
        }
    }

    /// Removes a room with all that is in it, and its copies; when there is none, nothing. What is under way ends first. A room got
    /// before fails with [`Error::Unavailable`] from then on; asking for one anew makes it again, empty.
    ///
    /// On PostgreSQL its roles stay, with a right to nothing that is left: other processes may be signed in as them.
    ///
    /// # Errors
    /// [`Error::BadRoomName`]; [`Error::Io`] and [`Error::Unavailable`] when it cannot be removed, and then it is there to be removed
    /// again.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        match &self.on {
            On::Sqlite(store) => store.remove(name).await,
            On::Postgres(store) => apart(store.remove(name)).await,
        }
    }

    /// From where a [`Move`](crate::Move) into it has begun that is not finished: then nobody may serve from it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn unfinished_move(&self) -> Result<Option<String>, Error> {
        match &self.on {
            On::Sqlite(_) => Ok(None),
            On::Postgres(store) => match apart(store.moved()).await? {
                postgres::State::Begun(source) => Ok(Some(source)),
                _ => Ok(None),
            },
        }
    }

    /// Tells every other process on the same database that something changed. On SQLite there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached; [`Error::TooLarge`] beyond 7,000 bytes.
    pub async fn announce(&self, topic: &str, payload: &str) -> Result<(), Error> {
        match &self.on {
            On::Sqlite(_) => Ok(()),
            On::Postgres(store) => apart(store.announce(topic, payload)).await,
        }
    }

    /// What other processes on the same database announce from now on.
    pub fn changes(&self) -> Changes {
        match &self.on {
            On::Sqlite(_) => Changes::none(),
            On::Postgres(store) => Changes::from(store.changes()),
        }
    }

    /// The database of PostgreSQL, where it is one.
    pub(crate) fn as_postgres(&self) -> Option<&postgres::Store> {
        match &self.on {
            On::Sqlite(_) => None,
            On::Postgres(store) => Some(store),
        }
    }

    /// Waits for what is under way, and closes all rooms. On SQLite all that was written is in their main files then.
    ///
    /// Rooms got before fail with [`Error::Unavailable`] from then on; asking for one anew opens it again.
    pub async fn close(&self) {
        match &self.on {
            On::Sqlite(store) => store.close().await,
            On::Postgres(store) => apart(store.close()).await,
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.on {
            On::Sqlite(store) => store.fmt(f),
            On::Postgres(store) => store.fmt(f),
        }
    }
}
