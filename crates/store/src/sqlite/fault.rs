//! What SQLite says, in the store's kinds.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::ErrorCode;

use crate::Error;

impl Error {
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
