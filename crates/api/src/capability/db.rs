//! `db`: the plugin's own tables.

use serde::{Deserialize, Serialize};

use crate::{BoxFuture, Context, Failure, NewEvent, Rows, Value};

/// Which database it is, where a statement must differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// The plugin's own tables. Statements take their parameters as `$1`, `$2`, ….
pub trait Db: Send + Sync {
    /// Which database it is.
    fn engine(&self) -> Engine;

    /// Gives the rows of a statement. One that writes (`insert … returning`) is a transaction of its own.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when a constraint is broken, [`Failure::TimedOut`] when it takes too long,
    /// [`Failure::Broken`] when the statement is wrong or reaches for what is not the plugin's.
    fn query<'a>(
        &'a self,
        context: &'a Context,
        sql: &'a str,
        params: Vec<Value>,
    ) -> BoxFuture<'a, Result<Rows, Failure>>;

    /// Runs a statement as a transaction of its own, and gives the number of rows changed.
    ///
    /// When this returns, the change survives a power cut.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    fn execute<'a>(
        &'a self,
        context: &'a Context,
        sql: &'a str,
        params: Vec<Value>,
    ) -> BoxFuture<'a, Result<u64, Failure>>;

    /// Begins a transaction. It may last a few seconds at most; others who write wait for it.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when none can be begun now.
    fn begin<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Box<dyn Transaction>, Failure>>;
}

/// Statements that take effect together, or not at all. Dropping it undoes them.
pub trait Transaction: Send {
    /// As [`Db::query`], within the transaction.
    ///
    /// # Errors
    /// As [`Db::query`].
    fn query<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<Rows, Failure>>;

    /// As [`Db::execute`], within the transaction.
    ///
    /// # Errors
    /// As [`Db::execute`].
    fn execute<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<u64, Failure>>;

    /// Notes that an event is handled in this transaction. False when it was already: in one that was committed, or in this one.
    ///
    /// It is known for ninety days at least.
    ///
    /// # Errors
    /// As [`Db::execute`].
    fn first_time<'a>(&'a mut self, source: &'a str, event: &'a str) -> BoxFuture<'a, Result<bool, Failure>>;

    /// Says that something happened, if and when the transaction commits.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when `events` is not granted; [`Failure::Broken`] when the manifest declares no such
    /// event.
    fn emit(&mut self, event: NewEvent) -> Result<(), Failure>;

    /// Makes it last. When this returns, the changes and their events survive a power cut.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] or [`Failure::TimedOut`]; then nothing of it was done.
    fn commit<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), Failure>>
    where
        Self: 'a;
}
