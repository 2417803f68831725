//! The plugin's tables.

use serde::de::DeserializeOwned;
use switchboard_api::{Event, Failure, NewEvent, NotThatShape, Params, Rows, capability};

use crate::{Context, Engine};

/// The plugin's tables. Statements take their parameters as `$1`, `$2`, …, written as a tuple.
#[derive(Clone, Copy)]
pub struct Db<'a> {
    pub(crate) context: &'a Context,
}

impl Db<'_> {
    /// Which database it is, where a statement must differ.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when `db` is not granted.
    pub fn engine(&self) -> Result<Engine, Failure> {
        let db = self.context.host.db(&self.context.call)?;
        #[cfg(target_family = "wasm")]
        return db.engine();
        #[cfg(not(target_family = "wasm"))]
        Ok(db.engine())
    }

    /// Every row as a `T`: a struct by the columns' names, a tuple by their order, or the one column's value.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when a constraint is broken, [`Failure::TimedOut`] when it takes too long,
    /// [`Failure::Broken`] when the statement is wrong or a row has another shape.
    pub async fn query<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, Failure> {
        let db = self.context.host.db(&self.context.call)?;
        every(db.query(&self.context.call, sql, params.into_values()).await?)
    }

    /// The first row as a `T`, if there is one.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn query_one<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Failure> {
        let db = self.context.host.db(&self.context.call)?;
        first(db.query(&self.context.call, sql, params.into_values()).await?)
    }

    /// Runs a statement as a transaction of its own, and gives the number of rows changed. When this returns, the
    /// change survives a power cut.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<u64, Failure> {
        self.context.host.db(&self.context.call)?.execute(&self.context.call, sql, params.into_values()).await
    }

    /// Begins a transaction. Others who write wait for it: end it soon, and await nothing else meanwhile.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when none can be begun now.
    pub async fn begin(&self) -> Result<Transaction, Failure> {
        Ok(Transaction { inner: self.context.host.db(&self.context.call)?.begin(&self.context.call).await? })
    }
}

/// Statements that take effect together, or not at all. Dropping it undoes them.
pub struct Transaction {
    inner: Box<dyn capability::Transaction>,
}

impl Transaction {
    /// As [`Db::query`], within the transaction.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn query<T: DeserializeOwned>(
        &mut self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, Failure> {
        every(self.inner.query(sql, params.into_values()).await?)
    }

    /// As [`Db::query_one`], within the transaction.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn query_one<T: DeserializeOwned>(
        &mut self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Failure> {
        first(self.inner.query(sql, params.into_values()).await?)
    }

    /// As [`Db::execute`], within the transaction.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn execute(&mut self, sql: &str, params: impl Params) -> Result<u64, Failure> {
        self.inner.execute(sql, params.into_values()).await
    }

    /// Notes that an event is handled in this transaction; false when it was already, so that there is nothing to do. An event comes
    /// at least once: with this, what is done about it in the transaction is done once.
    ///
    /// ```
    /// # use switchboard_sdk::prelude::*;
    /// async fn count(ctx: Context, event: Event) -> Result<()> {
    ///     let mut tx = ctx.db().begin().await?;
    ///     if tx.first_time(&event).await? {
    ///         tx.execute("update tally set events = events + 1", ()).await?;
    ///         tx.commit().await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It is known for ninety days at least.
    ///
    /// # Errors
    /// As [`Db::execute`].
    pub async fn first_time(&mut self, event: &Event) -> Result<bool, Failure> {
        self.inner.first_time(&event.source, &event.id).await
    }

    /// Says that something happened, if and when the transaction commits.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when `events` is not granted; [`Failure::Broken`] when the manifest declares no such
    /// event.
    pub fn emit(&mut self, event: NewEvent) -> Result<(), Failure> {
        self.inner.emit(event)
    }

    /// Makes it last: when this returns, the changes and their events survive a power cut.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] or [`Failure::TimedOut`]; then nothing of it was done.
    pub async fn commit(self) -> Result<(), Failure> {
        self.inner.commit().await
    }
}

fn every<T: DeserializeOwned>(rows: Rows) -> Result<Vec<T>, Failure> {
    rows.to().map_err(|error| misfit(&error))
}

fn first<T: DeserializeOwned>(rows: Rows) -> Result<Option<T>, Failure> {
    rows.into_iter().next().map(|row| row.to()).transpose().map_err(|error| misfit(&error))
}

fn misfit(error: &NotThatShape) -> Failure {
    Failure::broken(format!("a row does not have the shape that the plugin expects: {error}"))
}
