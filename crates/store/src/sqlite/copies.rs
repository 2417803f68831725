//! Copies of a room: made while it serves, and put back in one step.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::authorizer::Face;
use super::link::{Link, Purpose};
use super::readers::blocking;
use super::room::{Inner, Room, sync_folder};
use crate::{Error, Migration};

/// Removes the file of a room that is closed, and whatever stands beside it: copies, and what was left by who was killed.
///
/// The file itself goes last, so that the room is there to be removed again until all of it is gone.
pub(crate) fn remove(folder: &Path, room: &Arc<str>) -> Result<(), Error> {
    let removed = || {
        let copies = format!("{room}.copy-");
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&copies)) {
                std::fs::remove_file(entry.path())?;
            }
        }
        remove_folder(&rehearsal_of(folder, room))?;
        for ending in ["sqlite-shm", "sqlite-wal", "sqlite"] {
            match std::fs::remove_file(folder.join(format!("{room}.{ending}"))) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    };
    removed().map_err(|error| Error::io(room, "it could not be removed", &error))?;
    sync_folder(room, folder)
}

/// Where migrations are tried on a copy of a room.
fn rehearsal_of(folder: &Path, room: &str) -> PathBuf {
    folder.join(format!("{room}.rehearsal"))
}

fn remove_folder(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Room {
    /// Writes a copy of the room, as it is at one moment, to a file that is not there yet. Nobody waits for it.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Full`] when it cannot be written; then there is no file.
    pub(crate) async fn snapshot(&self, file: &Path) -> Result<(), Error> {
        let (inner, file) = (Arc::clone(&self.inner), file.to_owned());
        blocking(&self.inner.name, move || {
            let name = &inner.name;
            // Made here and nowhere else, so that no other file is ever written over.
            std::fs::File::create_new(&file).map_err(|error| {
                Error::io(name, &format!("the copy {} could not be made", file.display()), &error)
            })?;
            let source = inner.folder.join(format!("{name}.sqlite"));
            let copied =
                Link::open(name, &source, Purpose::Reading, &inner.options, &inner.schema).and_then(|link| {
                    link.with_connection(Face::Store, None, |from| {
                        let mut to = Connection::open(&file)?;
                        copy_all(from, &mut to)?;
                        // As it is copied, it says that it has a journal beside it, and would be given one when it is read.
                        to.query_row("pragma journal_mode = delete", [], |_| Ok(()))?;
                        to.close().map_err(|(_, error)| error)
                    })
                });
            let kept = copied.and_then(|()| file.parent().map_or(Ok(()), |folder| sync_folder(name, folder)));
            if kept.is_err() {
                // Its journal too, or else the next copy of that name would be undone by it.
                for ending in ["-journal", ""] {
                    let mut name = file.clone().into_os_string();
                    name.push(ending);
                    let _ = std::fs::remove_file(name);
                }
            }
            kept
        })
        .await
    }

    /// Writes a copy beside the room's file, and says where. Whoever asked for it removes it.
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    pub(crate) async fn save(&self) -> Result<PathBuf, Error> {
        let _saving = self.inner.saving.lock().await;
        let named = |number: u32| self.inner.folder.join(format!("{}.copy-{number}", self.inner.name));
        let Some(free) = (1..=u32::MAX).map(named).find(|copy| !copy.exists()) else {
            return Err(Error::unavailable(&self.inner.name, "there is no free name for a copy"));
        };
        self.snapshot(&free).await?;
        Ok(free)
    }

    /// Puts a copy in place of all that is in the room, in one transaction. What is under way ends first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] and [`Error::Io`] when the copy is not whole or cannot be read; the room is then as it was.
    pub(crate) async fn restore(&self, copy: &Path) -> Result<(), Error> {
        let (name, copy) = (Arc::clone(&self.inner.name), copy.to_owned());
        // Looked through before the writer is asked for, so that nobody waits for that.
        let from = blocking(&self.inner.name, move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let from = Connection::open_with_flags(&copy, flags)
                .map_err(|error| Error::sqlite(&name, error, None, std::time::Duration::ZERO))?;
            is_whole(&name, &from)?;
            Ok(from)
        });
        let from = from.await?;
        self.overwrite(move || Ok(from)).await
    }

    /// Applies these migrations to a copy of the room, which is gone afterwards.
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot) and [`migrate`](Self::migrate).
    pub(crate) async fn rehearse(&self, migrations: &[Migration]) -> Result<(), Error> {
        let _saving = self.inner.saving.lock().await;
        let Inner { name, folder, options, .. } = &*self.inner;
        let apart = rehearsal_of(folder, name);
        let failed = |error: std::io::Error| Error::io(name, "it could not be copied", &error);
        remove_folder(&apart).map_err(failed)?;
        std::fs::create_dir(&apart).map_err(failed)?;
        let rehearsed = async {
            self.snapshot(&apart.join(format!("{name}.sqlite"))).await?;
            let copy = Self::open(apart.clone(), Arc::clone(name), options.clone()).await?;
            let migrated = copy.migrate(migrations).await;
            copy.close().await;
            migrated.map(drop)
        };
        let rehearsed = rehearsed.await;
        let removed = remove_folder(&apart).map_err(failed);
        rehearsed.and(removed)
    }

    /// Removes everything that is in the room, in one transaction.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Unavailable`].
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        let name = Arc::clone(&self.inner.name);
        self.overwrite(move || {
            Connection::open_in_memory()
                .map_err(|error| Error::sqlite(&name, error, None, std::time::Duration::ZERO))
        })
        .await
    }

    /// Reads all of the room, and finds out whether it is whole: every page, index and reference.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with what is wrong first.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        blocking(&self.inner.name, move || {
            let file = inner.folder.join(format!("{}.sqlite", inner.name));
            let link = Link::open(&inner.name, &file, Purpose::Reading, &inner.options, &inner.schema)?;
            link.with_connection(Face::Store, None, |connection| Ok(is_whole(&inner.name, connection)))?
        })
        .await
    }

    /// How much of the disk the room takes, in bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) async fn size(&self) -> Result<u64, Error> {
        let inner = Arc::clone(&self.inner);
        blocking(&self.inner.name, move || {
            let mut bytes = 0;
            for ending in ["sqlite", "sqlite-wal", "sqlite-shm"] {
                match std::fs::metadata(inner.folder.join(format!("{}.{ending}", inner.name))) {
                    Ok(file) => bytes += file.len(),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(Error::io(&inner.name, "its size could not be read", &error)),
                }
            }
            Ok(bytes)
        })
        .await
    }

    async fn overwrite(
        &self,
        source: impl FnOnce() -> Result<Connection, Error> + Send + 'static,
    ) -> Result<(), Error> {
        let written = self.inner.writer.alone(move |link| {
            let from = source()?;
            link.with_connection_mut(|to| copy_all(&from, to))?;
            link.forget_statements();
            Ok(())
        });
        written.await?;
        self.inner.readers.forget_statements();
        Ok(())
    }
}

/// All pages at once, as one transaction of both sides.
fn copy_all(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        // Only another process could hold either of them.
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)),
    }
}

fn is_whole(name: &Arc<str>, connection: &Connection) -> Result<(), Error> {
    let damaged = |why: String| Error::Corrupt { room: Arc::clone(name), why };
    let said: String = connection
        .query_row("pragma integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(error.to_string()))?;
    if said != "ok" {
        return Err(damaged(said));
    }
    let broken = connection
        .prepare("pragma foreign_key_check")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, String>(0)).optional());
    match broken {
        Ok(None) => Ok(()),
        Ok(Some(table)) => {
            Err(damaged(format!("a row of the table {table} refers to one that is not there")))
        }
        // Tables whose reference fits no key of the other can be made, though never written to; the file is whole.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) => Ok(()),
        Err(error) => Err(damaged(error.to_string())),
    }
}
