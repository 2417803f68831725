//! Statements that take effect together, or not at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use switchboard_sql::{Rows, Value};
use tokio::sync::OwnedRwLockWriteGuard;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use super::connections::Lent;
use super::fault::Fault;
use super::link::{Outcome, Want, is_stale};
use super::notices;
use super::room::{Face, Inner};
use super::wording::{defines, may_write};
use crate::stats::Counters;
use crate::{Error, Executed, Tenant};

/// Statements that take effect together, or not at all. Dropping it undoes them.
pub(crate) struct Transaction {
    room: Arc<Inner>,
    face: Face,
    held: Arc<Mutex<Held>>,
    limit: Option<TimeLimit>,
}

/// When it is undone.
struct TimeLimit {
    until: Instant,
    timer: AbortHandle,
}

/// The connection with the open transaction, and the room's turn.
struct Seat {
    lent: Box<Lent>,
    _turn: OwnedRwLockWriteGuard<()>,
}

enum Held {
    NotYet,
    Here(Seat),
    /// With a statement that runs. When it ends, it is put back, or undone for the reason that came meanwhile.
    Lent(Option<Error>),
    Ended(Error),
}

/// A statement with all it needs.
struct Job {
    face: Face,
    sql: String,
    params: Vec<Value>,
    want: Want,
}

impl Transaction {
    pub(crate) fn new(room: &Arc<Inner>, face: Face) -> Self {
        Self { room: Arc::clone(room), face, held: Arc::new(Mutex::new(Held::NotYet)), limit: None }
    }

    pub(crate) async fn query(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        Ok(self.run(self.face, sql, params, Want::Rows).await?.into_rows())
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        let count = self.run(self.face, sql, params, Want::Count).await?.into_count();
        Ok(changed(sql, count))
    }

    pub(crate) async fn query_as_host(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        Ok(self.run(Face::Host, sql, params, Want::Rows).await?.into_rows())
    }

    pub(crate) async fn execute_as_host(&mut self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        let count = self.run(Face::Host, sql, params, Want::Count).await?.into_count();
        Ok(changed(sql, count))
    }

    /// Tells other processes, when it is committed.
    pub(crate) async fn announce(&mut self, topic: &str, payload: &str) -> Result<(), Error> {
        let said = notices::payload(&self.room.house.own, topic, payload)
            .map_err(|why| Error::TooLarge { room: Arc::clone(&self.room.name), why })?;
        let params = vec![notices::CHANNEL.into(), said.into()];
        self.query_as_host("select pg_catalog.pg_notify($1, $2)", params).await.map(drop)
    }

    pub(crate) async fn commit_with(
        mut self,
        last: impl IntoIterator<Item = (&str, Vec<Value>)>,
    ) -> Result<(), Error> {
        for (sql, params) in last {
            self.run(Face::Host, sql, params, Want::Count).await?;
        }
        self.stop_timer();
        let ended = Held::Ended(Error::unavailable(&self.room.name, "the transaction has ended"));
        let held = std::mem::replace(&mut *lock(&self.held), ended);
        match held {
            Held::NotYet => Ok(()),
            Held::Ended(error) => Err(error),
            Held::Lent(_) => {
                *lock(&self.held) = Held::Lent(Some(self.abandoned()));
                Err(self.under_way())
            }
            Held::Here(mut seat) => {
                let room = Arc::clone(&self.room);
                // Goes on to its end whoever waits for it.
                let committing = tokio::spawn(async move {
                    let link = seat.lent.link().map_err(|fault| room.error(fault))?;
                    match link.control("commit").await {
                        Ok(()) => {
                            link.is_open = false;
                            Counters::one_more(&room.counters.writes);
                            Counters::one_more(&room.counters.commits);
                            Ok(())
                        }
                        Err(fault) => {
                            // A commit that fails has undone everything.
                            link.is_open = fault.is_broken();
                            Counters::one_more(&room.counters.undone);
                            Err(fault.of_write(&room.name, room.house.options.statement_time))
                        }
                    }
                });
                committing.await.unwrap_or_else(|error| {
                    let why = format!("its work did not end well: {error}");
                    Err(Error::Uncertain { room: Arc::clone(&self.room.name), why })
                })
            }
        }
    }

    async fn run(&mut self, face: Face, sql: &str, params: Vec<Value>, want: Want) -> Result<Outcome, Error> {
        let seat = self.borrow()?;
        if let Err(fault) = self.room.may_run(face, sql, &params) {
            self.give_back_as_it_was(seat);
            return Err(self.room.error(fault));
        }
        let seat = match seat {
            Some(seat) => seat,
            None => self.begin().await?,
        };
        let job = Job { face, sql: sql.to_owned(), params, want };
        let (room, held, own) = (Arc::clone(&self.room), Arc::clone(&self.held), self.face);
        let left = self.time_left();
        let is_last_moment = left < room.house.options.statement_time;
        let task = tokio::spawn(async move {
            let mut seat = seat;
            let result = step(&room, &mut seat, own, &job, left).await;
            let back = match &result {
                Err(fault) if fault.is_broken() => {
                    Err(Error::unavailable(&room.name, "its connection to PostgreSQL broke"))
                }
                _ => Ok(seat),
            };
            give_back(&room, &held, back);
            result
        });
        let result = match task.await {
            Ok(result) => result,
            Err(error) => Err(Fault::Unavailable(format!("its work did not end well: {error}"))),
        };
        match result {
            Ok(outcome) => Ok(outcome),
            Err(fault) if fault.is_broken() => {
                // What was not committed was not done.
                Err(Error::unavailable(&self.room.name, "its connection to PostgreSQL broke"))
            }
            Err(fault) if fault.is(&SqlState::QUERY_CANCELED) && is_last_moment => {
                let late = self.too_long();
                let is_first_to_say = self.limit.as_ref().is_none_or(|limit| !limit.timer.is_finished());
                if end(&self.room, &self.held, late.clone()) || is_first_to_say {
                    self.stop_timer();
                    Counters::one_more(&self.room.counters.timeouts);
                }
                Err(late)
            }
            Err(fault) if fault.is(&SqlState::QUERY_CANCELED) && may_write(sql) => {
                let stopped = self.room.error(fault);
                self.stop_timer();
                end(&self.room, &self.held, stopped.clone());
                Err(stopped)
            }
            Err(fault) => Err(self.room.error(fault)),
        }
    }

    /// Waits for its turn, and from then on the time counts.
    async fn begin(&mut self) -> Result<Seat, Error> {
        let begun = async {
            let turn = Arc::clone(&self.room.turn).write_owned().await;
            self.room.is_served()?;
            let mut lent = self.room.connection().await?;
            let link = lent.link()?;
            link.is_open = true;
            let face = self.room.put_on(self.face, link.pid);
            link.control(&format!("begin; {}{face}", self.room.wait_for_turn(false))).await?;
            Ok(Seat { lent: Box::new(lent), _turn: turn })
        };
        let begun = begun.await.map_err(|fault: Fault| self.room.error(fault));
        let seat = match begun {
            Ok(seat) => seat,
            Err(error) => {
                *lock(&self.held) = Held::Ended(error.clone());
                return Err(error);
            }
        };
        let until = Instant::now() + self.room.house.options.transaction_time;
        let (held, room, late) = (Arc::clone(&self.held), Arc::clone(&self.room), self.too_long());
        let timer = tokio::spawn(async move {
            tokio::time::sleep_until(until).await;
            if end(&room, &held, late) {
                Counters::one_more(&room.counters.timeouts);
            }
        });
        self.limit = Some(TimeLimit { until, timer: timer.abort_handle() });
        Ok(seat)
    }

    fn time_left(&self) -> Duration {
        let most = self.room.house.options.statement_time;
        self.limit.as_ref().map_or(most, |it| it.until.saturating_duration_since(Instant::now()).min(most))
    }

    /// The seat, unless nobody has asked for it yet.
    fn borrow(&self) -> Result<Option<Seat>, Error> {
        let mut held = lock(&self.held);
        match std::mem::replace(&mut *held, Held::Lent(None)) {
            Held::NotYet => Ok(None),
            Held::Here(seat) => Ok(Some(seat)),
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

    fn give_back_as_it_was(&self, seat: Option<Seat>) {
        match seat {
            Some(seat) => give_back(&self.room, &self.held, Ok(seat)),
            None => *lock(&self.held) = Held::NotYet,
        }
    }

    fn stop_timer(&self) {
        if let Some(limit) = &self.limit {
            limit.timer.abort();
        }
    }

    fn too_long(&self) -> Error {
        let limit = self.room.house.options.transaction_time;
        Error::Timeout { room: Arc::clone(&self.room.name), what: "a transaction", limit }
    }

    fn under_way(&self) -> Error {
        let why = "a statement of the transaction that nobody waits for is still under way";
        Error::unavailable(&self.room.name, why)
    }

    fn abandoned(&self) -> Error {
        Error::unavailable(&self.room.name, "the transaction was dropped")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.stop_timer();
        end(&self.room, &self.held, self.abandoned());
    }
}

/// Runs a statement so that one that fails leaves nothing behind.
async fn step(room: &Inner, seat: &mut Seat, own: Face, job: &Job, left: Duration) -> Result<Outcome, Fault> {
    let link = seat.lent.link()?;
    let limit = left.as_millis().max(1);
    let mut before = format!("set local statement_timeout = {limit}; savepoint step;");
    let mut after = "release step;".to_owned();
    if job.face != own {
        // The host's face, put on over a guest's.
        before.push_str("set local role none;");
        before.push_str(&room.house.say_tenant(Tenant::All, link.pid, true));
        after.push_str(&room.put_on(own, link.pid));
    }
    if job.face == Face::Host && defines(&job.sql) {
        after.insert_str(0, &format!("{};", room.names.settle()));
    }
    for is_last in [false, true] {
        // What is wrong with its text shows when it is prepared, and breaks the transaction as well.
        let mut opening = before.as_str();
        if !link.knows(&job.sql) {
            link.control(opening).await?;
            opening = "";
        }
        let result = match link.prepare(&job.sql, &job.params).await {
            Ok(prepared) => link.run(opening, &prepared, &job.params, job.want, "").await,
            Err(fault) => {
                if !opening.is_empty() {
                    link.control(opening).await?;
                }
                Err(fault)
            }
        };
        match result {
            Ok(outcome) => {
                link.control(&after).await?;
                return Ok(outcome);
            }
            Err(fault) if fault.is_broken() => return Err(fault),
            Err(fault) => {
                // The roles and settings of before come back with it.
                link.control("rollback to step; release step").await?;
                if is_last || !is_stale(&fault) {
                    return Err(fault);
                }
                link.forget(&job.sql);
            }
        }
    }
    Err(Fault::Unavailable("its tables changed while a statement was run".to_owned()))
}

/// A statement that only reads changes no row; PostgreSQL counts those that it gave.
fn changed(sql: &str, count: u64) -> Executed {
    Executed { rows_affected: if may_write(sql) { count } else { 0 } }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Undoes what was done, and gives the connection and the turn on.
fn undo(room: &Arc<Inner>, mut seat: Seat) {
    Counters::one_more(&room.counters.undone);
    room.house.runtime.spawn(async move {
        if let Ok(link) = seat.lent.link()
            && link.control("rollback").await.is_ok()
        {
            link.is_open = false;
        }
        drop(seat);
    });
}

/// Ends the transaction, now or as soon as the statement that runs lets it. Gives whether it is this that ends it.
fn end(room: &Arc<Inner>, held: &Mutex<Held>, why: Error) -> bool {
    let (seat, is_first) = {
        let mut held = lock(held);
        match std::mem::replace(&mut *held, Held::Ended(why.clone())) {
            Held::NotYet => (None, false),
            Held::Here(seat) => (Some(seat), true),
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
    if let Some(seat) = seat {
        undo(room, seat);
    }
    is_first
}

fn give_back(room: &Arc<Inner>, held: &Mutex<Held>, back: Result<Seat, Error>) {
    let mut place = lock(held);
    let (next, left) = match (back, std::mem::replace(&mut *place, Held::Lent(None))) {
        (Ok(seat), Held::Lent(None) | Held::NotYet) => (Held::Here(seat), None),
        (Ok(seat), Held::Lent(Some(why)) | Held::Ended(why)) => (Held::Ended(why), Some(seat)),
        (Ok(seat), Held::Here(other)) => (Held::Here(other), Some(seat)),
        (Err(error), _) => (Held::Ended(error), None),
    };
    *place = next;
    drop(place);
    if let Some(seat) = left {
        undo(room, seat);
    }
}
