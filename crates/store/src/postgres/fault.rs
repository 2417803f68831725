//! What PostgreSQL says, in the store's kinds.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::Error;

/// What is wrong with a statement, before it is said of which room.
pub(crate) enum Fault {
    Database(tokio_postgres::Error),
    Wrong(String),
    Forbidden(String),
    TooLarge(String),
    Unavailable(String),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl Fault {
    /// Whether the connection is gone, so that nothing is known of what was under way.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Database(error) => match error.code() {
                Some(code) => is_going_away(code),
                None => error.is_closed() || is_of_the_wire(error),
            },
            _ => false,
        }
    }

    pub(crate) fn is(&self, code: &SqlState) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(code))
    }

    /// It is said of a room. `limit` is how long the statement might take.
    pub(crate) fn of(self, room: &Arc<str>, limit: Duration) -> Error {
        let room = Arc::clone(room);
        match self {
            Self::Wrong(why) => Error::Statement { room, why },
            Self::Forbidden(why) => Error::Forbidden { room, why },
            Self::TooLarge(why) => Error::TooLarge { room, why },
            Self::Unavailable(why) => Error::Unavailable { room, why },
            Self::Database(error) => of_database(room, &error, limit),
        }
    }

    /// It broke off a write that may have been done.
    pub(crate) fn of_write(self, room: &Arc<str>, limit: Duration) -> Error {
        if self.is_broken() {
            let why = match &self {
                Self::Database(error) => said(error),
                _ => String::new(),
            };
            return Error::Uncertain { room: Arc::clone(room), why };
        }
        self.of(room, limit)
    }
}

fn is_going_away(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT]
            .contains(code)
}

fn is_of_the_wire(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

/// PostgreSQL's own sentence, with its hint.
pub(crate) fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => {
            let more = [db.detail(), db.hint()].into_iter().flatten();
            more.fold(db.message().to_owned(), |said, more| format!("{said}. {}", more.trim_end_matches('.')))
        }
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

fn of_database(room: Arc<str>, error: &tokio_postgres::Error, limit: Duration) -> Error {
    let why = said(error);
    let Some(code) = error.code() else {
        // What was given did not fit, or the connection broke.
        let is_broken =
            error.is_closed() || is_of_the_wire(error) || error.to_string().contains("connecting");
        return if is_broken { Error::Unavailable { room, why } } else { Error::Statement { room, why } };
    };
    match code.code() {
        "22012" => Error::Statement { room, why },
        "57014" => Error::Timeout { room, what: "a statement", limit },
        "42501" | "25006" => Error::Forbidden { room, why },
        "53100" => Error::Full { room, why },
        "54000" | "54001" | "54011" | "54023" => Error::Statement { room, why },
        "42P18" => {
            let why = format!("{why}. Say of which type it is, as in cast($1 as text)");
            Error::Statement { room, why }
        }
        "3D000" | "55P03" | "40001" | "40P01" | "55000" => Error::Unavailable { room, why },
        "XX001" | "XX002" => Error::Corrupt { room, why },
        code => match code.get(..2).unwrap_or_default() {
            "22" | "23" => Error::Constraint { room, why },
            "08" | "28" | "53" | "57" => Error::Unavailable { room, why },
            "54" => Error::TooLarge { room, why },
            "58" => Error::Io { room, why },
            _ => Error::Statement { room, why },
        },
    }
}
