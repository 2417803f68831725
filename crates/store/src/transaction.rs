//! Statements that take effect together, or not at all, on one engine or the other.

use switchboard_sql::{Rows, Value};

use crate::postgres::apart;
use crate::{Error, Executed, postgres, sqlite};

/// Statements that take effect together, or not at all. Dropping it undoes them.
///
/// From its first statement on it holds the room's only place for transactions: others who write wait for it, for
/// [`Options::transaction_time`](crate::Options::transaction_time) at most. Then it is undone, and whatever is asked of it
/// fails with [`Error::Timeout`]. A statement that fails is undone by itself, and the transaction goes on; but when one that
/// writes takes too long, or there is no space, all of it is undone.
pub struct Transaction {
    on: On,
}

enum On {
    Sqlite(sqlite::Transaction),
    Postgres(postgres::Transaction),
}

impl Transaction {
    pub(crate) fn on_sqlite(transaction: sqlite::Transaction) -> Self {
        Self { on: On::Sqlite(transaction) }
    }

    pub(crate) fn on_postgres(transaction: postgres::Transaction) -> Self {
        Self { on: On::Postgres(transaction) }
    }

    /// The rows of a statement, which may also write.
    ///
    /// # Errors
    /// Of every kind but those of migrations; [`Error::Timeout`] once the transaction has lasted too long.
    pub async fn query(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        match &mut self.on {
            On::Sqlite(it) => it.query(sql, params).await,
            On::Postgres(it) => apart(it.query(sql, params)).await,
        }
    }

    /// Runs a statement, and gives the number of rows that it changed.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn execute(&mut self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        match &mut self.on {
            On::Sqlite(it) => it.execute(sql, params).await,
            On::Postgres(it) => apart(it.execute(sql, params)).await,
        }
    }

    /// As [`query`](Self::query), with the host's face whichever it was begun with.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn query_as_host(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        match &mut self.on {
            On::Sqlite(it) => it.query_as_host(sql, params).await,
            On::Postgres(it) => apart(it.query_as_host(sql, params)).await,
        }
    }

    /// As [`execute`](Self::execute), with the host's face whichever it was begun with.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn execute_as_host(&mut self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        match &mut self.on {
            On::Sqlite(it) => it.execute_as_host(sql, params).await,
            On::Postgres(it) => apart(it.execute_as_host(sql, params)).await,
        }
    }

    /// Tells every other process on the same database that something changed, when and if the transaction commits. On SQLite
    /// there is none.
    ///
    /// # Errors
    /// As [`query`](Self::query); [`Error::TooLarge`] beyond 7,000 bytes.
    pub async fn announce(&mut self, topic: &str, payload: &str) -> Result<(), Error> {
        match &mut self.on {
            On::Sqlite(_) => Ok(()),
            On::Postgres(it) => apart(it.announce(topic, payload)).await,
        }
    }

    /// Makes it last. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// Any kind; then nothing of it was done.
    pub async fn commit(self) -> Result<(), Error> {
        self.commit_with([]).await
    }

    /// Runs these statements with the host's face, and makes all of it last: as [`execute_as_host`](Self::execute_as_host)
    /// for each and [`commit`](Self::commit), with one wait for the writer instead of many.
    ///
    /// # Errors
    /// Any kind; then nothing of it was done.
    pub async fn commit_with(self, last: impl IntoIterator<Item = (&str, Vec<Value>)>) -> Result<(), Error> {
        match self.on {
            On::Sqlite(it) => it.commit_with(last).await,
            On::Postgres(it) => {
                let last: Vec<_> = last.into_iter().collect();
                apart(it.commit_with(last)).await
            }
        }
    }
}
