//! Being the only one, among all processes on the same database.

use crate::postgres;

/// While this lives, nobody else has what it was taken for, in this process or another. On SQLite, whose files one process
/// alone has open, it is had at once and excludes nobody.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Alone(Option<postgres::Held>);

impl Alone {
    pub(crate) fn on_sqlite() -> Self {
        Self(None)
    }

    pub(crate) fn on_postgres(held: postgres::Held) -> Self {
        Self(Some(held))
    }

    /// Waits until it is lost, because the connection to the database broke; for ever on SQLite.
    pub async fn lost(&mut self) {
        match &mut self.0 {
            Some(held) => held.lost().await,
            None => std::future::pending().await,
        }
    }
}
