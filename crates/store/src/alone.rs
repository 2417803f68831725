//! Being the only one, among all processes on the same database.

/// While this lives, nobody else has what it was taken for, in this process or another. On SQLite, whose files one process
/// alone has open, it is had at once and excludes nobody.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Alone {}

impl Alone {
    pub(crate) fn on_sqlite() -> Self {
        Self {}
    }

    /// Waits until it is lost, because the connection to the database broke; for ever on SQLite.
    pub async fn lost(&mut self) {
        std::future::pending().await
    }
}
