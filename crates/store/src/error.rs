//! What can go wrong, in kinds that a caller can tell apart.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::ErrorCode;

/// What can go wrong. After any of these, nothing of the statement or transaction was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A constraint of the tables is broken by the values given.
    #[error("the room {room:?} refused the values: {why}. Give values that the tables' constraints allow")]
    Constraint {
        /// The room.
        room: Arc<str>,
        /// SQLite's words.
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
        /// SQLite's words.
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
        /// SQLite's words.
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
        /// SQLite's words, or what does not fit.
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
        /// SQLite's words.
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

    pub(crate) fn statement(room: &Arc<str>, why: impl Into<String>) -> Self {
        Self::Statement { room: Arc::clone(room), why: why.into() }
    }

    /// What SQLite said. `denied` is what the authorizer refused, `limit` how long the statement might take.
    pub(crate) fn sqlite(
        room: &Arc<str>,
        error: rusqlite::Error,
        denied: Option<String>,
        limit: Duration,
    ) -> Self {
        use rusqlite::Error as E;
        let room = Arc::clone(room);
        let (code, why) = match error {
            E::SqliteFailure(failure, message) => {
                (failure.code, message.unwrap_or_else(|| failure.to_string()))
            }
            E::SqlInputError { error, msg, .. } => (error.code, msg),
            E::MultipleStatement => {
                let why = "it is more than one statement. Run one at a time".to_owned();
                return Self::Statement { room, why };
            }
            other => return Self::Statement { room, why: other.to_string() },
        };
        // Work that SQLite does underneath a statement may fold a refusal into an error of another kind.
        let is_of_the_machine = matches!(
            code,
            ErrorCode::OperationInterrupted
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
        );
        if let Some(why) = denied.filter(|_| !is_of_the_machine) {
            return Self::Forbidden { room, why };
        }
        match code {
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => Self::Constraint { room, why },
            ErrorCode::OperationInterrupted => Self::Timeout { room, what: "a statement", limit },
            ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly => Self::Forbidden { room, why },
            ErrorCode::TooBig => Self::TooLarge {
                room,
                why: "the statement or one of its values is too large: 100 KB and 16 MB are the most"
                    .to_owned(),
            },
            ErrorCode::DiskFull => Self::Full { room, why },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt { room, why },
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::NoLargeFileSupport => Self::Io { room, why },
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed => Self::Unavailable { room, why },
            _ => Self::Statement { room, why },
        }
    }
}
