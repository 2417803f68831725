//! Statements that take effect together, or not at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use switchboard_sql::{Rows, Value};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::authorizer::Face;
use super::readers::{INLINE, blocking};
use super::room::Inner;
use super::statement::{Outcome, Statement, Want};
use super::writer::{Fallen, Lease, Writer};
use crate::options::Options;
use crate::stats::Counters;
use crate::{Error, Executed};

/// Statements that take effect together, or not at all. Dropping it undoes them.
///
/// From its first statement on it holds the room's only writer: others who write wait for it, for
/// `Options::transaction_time` at most. Then it is undone, and whatever is asked of it fails with [`Error::Timeout`]. A statement that fails is undone by itself,
/// and the transaction goes on; but when one that writes takes too long, or there is no space, all of it is undone.
pub(crate) struct Transaction {
    room: Arc<str>,
    face: Face,
    options: Options,
    counters: Arc<Counters>,
    writer: Arc<Writer>,
    held: Arc<Mutex<Held>>,
    /// Absent until its first statement.
    limit: Option<TimeLimit>,
}

/// When it is undone.
struct TimeLimit {
    until: Instant,
    timer: AbortHandle,
    /// Whether it is counted that the time was over: by the timer, or by the statement that it was over for.
    is_counted: Arc<AtomicBool>,
}

/// Where the lease is.
enum Held {
    /// Nobody has asked for it yet.
    NotYet,
    Here(Lease),
    /// With a statement that runs. When it ends the lease is put back, or undone for the reason that came meanwhile.
    Lent(Option<Error>),
    Ended(Error),
}

impl Transaction {
    pub(crate) fn new(room: &Inner, face: Face) -> Self {
        Self {
            room: Arc::clone(&room.name),
            face,
            options: room.options.clone(),
            counters: Arc::clone(&room.counters),
            writer: Arc::clone(&room.writer),
            held: Arc::new(Mutex::new(Held::NotYet)),
            limit: None,
        }
    }

    /// The rows of a statement, which may also write.
    ///
    /// # Errors
    /// Of every kind but those of migrations; [`Error::Timeout`] once the transaction has lasted too long.
    pub(crate) async fn query(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        let statement = Statement::new(self.face, sql, params, Want::Rows);
        Ok(self.run(statement).await?.into_rows())
    }

    /// Runs a statement, and gives the number of rows that it changed.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub(crate) async fn execute(&mut self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        let statement = Statement::new(self.face, sql, params, Want::Count);
        Ok(self.run(statement).await?.into_executed())
    }

    /// As [`query`](Self::query), with the host's face whichever it was begun with.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub(crate) async fn query_as_host(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        let statement = Statement::new(Face::Host, sql, params, Want::Rows);
        Ok(self.run(statement).await?.into_rows())
    }

    /// As [`execute`](Self::execute), with the host's face whichever it was begun with.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub(crate) async fn execute_as_host(&mut self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        let statement = Statement::new(Face::Host, sql, params, Want::Count);
        Ok(self.run(statement).await?.into_executed())
    }

    /// Runs these statements with the host's face, and makes all of it last: as [`execute_as_host`](Self::execute_as_host)
    /// for each and a commit, with one wait for the writer instead of many.
    ///
    /// # Errors
    /// Any kind; then nothing of it was done.
    pub(crate) async fn commit_with(
        mut self,
        last: impl IntoIterator<Item = (&str, Vec<Value>)>,
    ) -> Result<(), Error> {
        let last = last.into_iter().map(|(sql, params)| Statement::new(Face::Host, sql, params, Want::Count));
        let mut last: Vec<Statement> = last.collect();
        if matches!(*lock(&self.held), Held::NotYet) {
            if last.is_empty() {
                return Ok(());
            }
            self.run(last.remove(0)).await?;
        }
        let ended = Held::Ended(Error::unavailable(&self.room, "the transaction has ended"));
        let held = std::mem::replace(&mut *lock(&self.held), ended);
        self.stop_timer();
        match held {
            Held::Here(lease) => lease.commit(last, self.options.statement_time).await,
            Held::NotYet => Ok(()),
            Held::Ended(error) => Err(error),
            Held::Lent(_) => {
                *lock(&self.held) = Held::Lent(Some(self.abandoned()));
                Err(self.under_way())
            }
        }
    }

    async fn run(&mut self, statement: Statement) -> Result<Outcome, Error> {
        let Some(mut lease) = self.borrow()? else {
            return self.begin(statement).await;
        };
        // One that only reads may be broken off and begun again without harm, so it is tried here first.
        let (first, back) = lease.run(&statement, INLINE.min(self.time_left()), true);
        lease = match back {
            Ok(lease) => lease,
            Err(fallen) => {
                give_back(&self.held, Err(fallen));
                return first;
            }
        };
        match first {
            Ok(Outcome::Writes) | Err(Error::Timeout { .. }) => {}
            result => {
                give_back(&self.held, Ok(lease));
                return result;
            }
        }
        let held = Arc::clone(&self.held);
        let left = self.time_left();
        let is_last_moment = left < self.options.statement_time;
        let result = blocking(&self.room, move || {
            let (result, back) = lease.run(&statement, left, false);
            give_back(&held, back);
            result
        })
        .await;
        match result {
            Err(Error::Timeout { .. }) if is_last_moment => {
                let late = too_long(&self.room, self.options.transaction_time);
                end(&self.held, late.clone());
                if self.limit.as_ref().is_none_or(|limit| !limit.is_counted.swap(true, Ordering::Relaxed)) {
                    self.stop_timer();
                    Counters::one_more(&self.counters.timeouts);
                }
                Err(late)
            }
            Err(error @ Error::Timeout { .. }) => {
                Counters::one_more(&self.counters.timeouts);
                Err(error)
            }
            result => result,
        }
    }

    /// Waits for the writer, with the first statement, and from then on the time counts.
    async fn begin(&mut self, statement: Statement) -> Result<Outcome, Error> {
        let (result, back) = self.writer.begin(self.face, statement).await;
        if back.is_ok() {
            let until = Instant::now() + self.options.transaction_time;
            let (held, counters) = (Arc::clone(&self.held), Arc::clone(&self.counters));
            let late = too_long(&self.room, self.options.transaction_time);
            let is_counted = Arc::new(AtomicBool::new(false));
            let counted = Arc::clone(&is_counted);
            let timer = tokio::spawn(async move {
                tokio::time::sleep_until(until).await;
                if end(&held, late) && !counted.swap(true, Ordering::Relaxed) {
                    Counters::one_more(&counters.timeouts);
                }
            });
            self.limit = Some(TimeLimit { until, timer: timer.abort_handle(), is_counted });
        }
        give_back(&self.held, back);
        result
    }

    fn stop_timer(&self) {
        if let Some(limit) = &self.limit {
            limit.timer.abort();
        }
    }

    /// How long the next statement may take.
    fn time_left(&self) -> Duration {
        let most = self.options.statement_time;
        self.limit.as_ref().map_or(most, |it| it.until.saturating_duration_since(Instant::now()).min(most))
    }

    /// The lease, unless nobody has asked for it yet.
    fn borrow(&self) -> Result<Option<Lease>, Error> {
        let mut held = lock(&self.held);
        match std::mem::replace(&mut *held, Held::Lent(None)) {
            Held::NotYet => Ok(None),
            Held::Here(lease) => Ok(Some(lease)),
            Held::Ended(error) => {
                *held = Held::Ended(error.clone());
                Err(error)
            }
            Held::Lent(why) => {
                *held = Held::Lent(why);
                Err(self.under_way())
            }
        }
    }

    fn under_way(&self) -> Error {
        Error::unavailable(
            &self.room,
            "a statement of the transaction that nobody waits for is still under way",
        )
    }

    fn abandoned(&self) -> Error {
        Error::unavailable(&self.room, "the transaction was dropped")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.stop_timer();
        end(&self.held, self.abandoned());
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the transaction, now or as soon as the statement that runs lets it; undone unless committed already. Gives
/// whether it is this that ends it.
fn end(held: &Mutex<Held>, why: Error) -> bool {
    let (lease, is_first) = {
        let mut held = lock(held);
        match std::mem::replace(&mut *held, Held::Ended(why.clone())) {
            Held::NotYet => (None, false),
            Held::Here(lease) => (Some(lease), true),
            Held::Lent(sooner) => {
                let is_first = sooner.is_none();
                *held = Held::Lent(sooner.or(Some(why)));
                (None, is_first)
            }
            Held::Ended(sooner) => {
                *held = Held::Ended(sooner);
                (None, false)
            }
        }
    };
    drop(lease);
    is_first
}

fn give_back(held: &Mutex<Held>, back: Result<Lease, Fallen>) {
    let mut place = lock(held);
    let (next, undo) = match (back, std::mem::replace(&mut *place, Held::Lent(None))) {
        (Ok(lease), Held::Lent(None)) => (Held::Here(lease), None),
        (Ok(lease), Held::Lent(Some(why)) | Held::Ended(why)) => (Held::Ended(why), Some(lease)),
        // It was given back already, which cannot be: there is one lease.
        (Ok(lease), Held::Here(other)) => (Held::Here(other), Some(lease)),
        (Ok(lease), Held::NotYet) => (Held::Here(lease), None),
        (Err(Fallen(error)), _) => (Held::Ended(error), None),
    };
    *place = next;
    drop(place);
    drop(undo);
}

fn too_long(room: &Arc<str>, limit: Duration) -> Error {
    Error::Timeout { room: Arc::clone(room), what: "a transaction", limit }
}
