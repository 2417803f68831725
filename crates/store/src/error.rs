//! What can go wrong, in kinds that a caller can tell apart.

use std::sync::Arc;
use std::time::Duration;

/// What can go wrong. After any of these but [`Uncertain`](Self::Uncertain), nothing of the statement or transaction was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A constraint of the tables is broken by the values given.
    #[error("the room {room:?} refused the values: {why}. Give values that the tables' constraints allow")]
    Constraint {
        /// The room.
        room: Arc<str>,
        /// The database's words.
        why: String,
    },
    /// A statement or a transaction took too long, and was undone.
    #[error(
        "in the room {room:?}, {what} took longer than {limit:?} and was undone. Make it do less at a time"
    )]
    Timeout {
        /// The room.
        room: Arc<str>,
        /// `a statement` or `a transaction`.
        what: &'static str,
        /// How long it may take.
        limit: Duration,
    },
    /// The statement reaches for what this face may not.
    #[error("in the room {room:?}, {why}. A statement here may only read and write rows of its own tables")]
    Forbidden {
        /// The room.
        room: Arc<str>,
        /// What it reached for.
        why: String,
    },
    /// The statement, or what it was given, is wrong.
    #[error("in the room {room:?}, a statement is wrong: {why}")]
    Statement {
        /// The room.
        room: Arc<str>,
        /// The database's words.
        why: String,
    },
    /// A statement, a value or a result is larger than the room allows.
    #[error("in the room {room:?}, {why}")]
    TooLarge {
        /// The room.
        room: Arc<str>,
        /// What is too large, and what to do.
        why: String,
    },
    /// The disk, or the space that the room may take, is full.
    #[error(
        "the room {room:?} has no space left: {why}. Free space on its disk; nothing of this write was done"
    )]
    Full {
        /// The room.
        room: Arc<str>,
        /// The database's words.
        why: String,
    },
    /// The disk or the file system failed.
    #[error(
        "the file of the room {room:?} cannot be used: {why}. Look at the disk and the folder's permissions"
    )]
    Io {
        /// The room, or the folder.
        room: Arc<str>,
        /// The system's words.
        why: String,
    },
    /// It cannot be done now, and nothing of it was done; it may be tried again.
    #[error("the room {room:?} is unavailable: {why}. Nothing of it was done")]
    Unavailable {
        /// The room.
        room: Arc<str>,
        /// Why.
        why: String,
    },
    /// The connection to the database broke before it was said whether a write was done.
    #[error(
        "the connection to the database of the room {room:?} broke before it said whether a write was done ({why}). Look \
         whether it was before it is done again"
    )]
    Uncertain {
        /// The room.
        room: Arc<str>,
        /// The database's words, or the system's.
        why: String,
    },
    /// A migration failed, or does not fit what was applied before.
    #[error(
        "migration {number} ({name}) of the room {room:?}: {why}. The data is as it was before this migration"
    )]
    Migration {
        /// The room.
        room: Arc<str>,
        /// The migration's number.
        number: u32,
        /// The migration's name.
        name: String,
        /// The database's words, or what does not fit.
        why: String,
    },
    /// What a table holds cannot be put into a table of another engine.
    #[error("the table {table:?} of the room {room:?} cannot be moved: {why}")]
    Move {
        /// The room.
        room: Arc<str>,
        /// The table.
        table: String,
        /// The database's words, or what does not fit.
        why: String,
    },
    /// The migration files are no sequence of migrations.
    #[error("the migration file {file:?} {why}")]
    MigrationFile {
        /// The file's name.
        file: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The file is damaged, or is no database.
    #[error("the file of the room {room:?} is damaged: {why}. Restore it from a copy")]
    Corrupt {
        /// The room.
        room: Arc<str>,
        /// The database's words.
        why: String,
    },
    /// A room cannot be called that.
    #[error(
        "a room cannot be called {name:?}: use a small letter, then small letters, digits and underscores, \
         64 characters at most"
    )]
    BadRoomName {
        /// The name.
        name: String,
    },
}

impl Error {
    pub(crate) fn io(room: &Arc<str>, what: &str, error: &std::io::Error) -> Self {
        let why = format!("{what}: {error}");
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Full { room: Arc::clone(room), why }
            }
            _ => Self::Io { room: Arc::clone(room), why },
        }
    }

    pub(crate) fn unavailable(room: &Arc<str>, why: impl Into<String>) -> Self {
        Self::Unavailable { room: Arc::clone(room), why: why.into() }
    }

    pub(crate) fn moving(room: &str, table: &str, why: impl Into<String>) -> Self {
        Self::Move { room: room.into(), table: table.to_owned(), why: why.into() }
    }

    pub(crate) fn statement(room: &Arc<str>, why: impl Into<String>) -> Self {
        Self::Statement { room: Arc::clone(room), why: why.into() }
    }
}
