//! The one writer of a room, and group commit.
//!
//! Jobs queue at a desk, in order. Whoever finds the seat at home takes it to a thread that may block, and there does
//! all the jobs that wait: each in a savepoint of one SQLite transaction, so that one that fails harms no other. When
//! nobody waits any more, or the batch is full, the transaction is committed (one wait for the disk for all of them),
//! and only then is anything acknowledged. While the disk is waited for the next jobs gather.
//!
//! The seat is at home, or out with exactly one thread or one interactive transaction (a [`Lease`]). A batch never
//! waits with nobody to commit it: whoever has the seat goes on until nothing waits and nothing is uncommitted.
//!
//! SQLite undoes the whole transaction by itself when a writing statement is interrupted or there is no space. Then
//! the statements of the batch that stand alone are done again, and the interactive transactions among them fail, as
//! only their callers could do them again. So that few are in that place, and nobody waits long for those who come
//! later, a batch is committed once it is [`PATIENCE`] old, and before a transaction that may take its time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::authorizer::Face;
use super::link::{Link, Purpose};
use super::schema::Schema;
use super::statement::{Outcome, Statement};
use crate::Error;
use crate::options::Options;
use crate::stats::Counters;

/// How many jobs one commit carries at most.
const BATCH: usize = 128;

/// How long what was done first waits for others to share its commit. Also how long an interactive transaction may
/// have the seat before the next is no longer begun upon what others wait for.
const PATIENCE: Duration = Duration::from_millis(10);

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Work that needs the connection for itself, outside any transaction.
type AloneWork = Box<dyn FnOnce(Result<&mut Link, Error>) + Send>;

enum Job {
    Statement(Once),
    Begin(Begin),
    Alone(AloneWork),
    /// Ends the writer, having copied what was written into the main file.
    Close(oneshot::Sender<()>),
}

/// A statement that is a transaction of its own.
struct Once {
    statement: Statement,
    reply: Reply<Outcome>,
}

/// The first statement of an interactive transaction, with which it begins.
struct Begin {
    /// Whose transaction it is, whoever's the first statement.
    face: Face,
    statement: Statement,
    reply: oneshot::Sender<Begun>,
}

/// What came of the first statement, and the seat, unless all was undone.
pub(crate) type Begun = (Result<Outcome, Error>, Result<Lease, Fallen>);

fn not_begun(why: &Error) -> Begun {
    (Err(why.clone()), Err(Fallen(why.clone())))
}

/// What was done and is not committed yet.
enum Pending {
    Once(Once, Result<Outcome, Error>),
    Transaction(Reply<()>),
}

pub(crate) struct Writer {
    room: Arc<str>,
    file: PathBuf,
    options: Options,
    counters: Arc<Counters>,
    schema: Arc<Schema>,
    runtime: Handle,
    desk: Mutex<Desk>,
}

struct Desk {
    queue: VecDeque<Job>,
    seat: Place,
}

enum Place {
    Home(Box<Seat>),
    Out,
    /// Whoever had it is no more; SQLite has undone what was not committed.
    Lost,
    Closed,
}

/// The connection that writes, with what is not committed yet.
pub(crate) struct Seat {
    link: Link,
    batch: Vec<Pending>,
    /// When the first of the batch was done.
    batch_began: Instant,
    /// Whether each job is committed by itself: a constraint that is looked at no earlier than at the commit, or one
    /// that undoes the whole transaction, would harm all of a batch.
    is_solo: bool,
    /// When it was last lent to an interactive transaction.
    lent: Instant,
    /// Whether that one kept it for long.
    was_kept_long: bool,
    /// Whether a transaction could be neither committed nor undone. Then the connection is given up.
    is_stuck: bool,
    writer: Weak<Writer>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.upgrade() {
            writer.lost(&Error::unavailable(&writer.room, ENDED));
        }
    }
}

const ENDED: &str = "its writer ended before it came to this";

/// The way to another seat. However it ends, panics and the end of the runtime included, those who wait are answered.
struct Reopening(Option<Arc<Writer>>);

impl Reopening {
    fn reopen(mut self) {
        let Some(writer) = &self.0 else { return };
        match writer.sit() {
            Ok(seat) => {
                if let Some(writer) = self.0.take() {
                    writer.work(seat);
                }
            }
            Err(error) => {
                tracing::error!(room = &*writer.room, "the writer could not be opened again: {error}");
                writer.lost(&error);
                self.0 = None;
            }
        }
    }
}

impl Drop for Reopening {
    fn drop(&mut self) {
        if let Some(writer) = self.0.take() {
            writer.lost(&Error::unavailable(&writer.room, ENDED));
        }
    }
}

impl Writer {
    /// Opens the writing connection, and with it makes the file if there is none. Blocks.
    pub(crate) fn open(
        room: Arc<str>,
        file: PathBuf,
        options: Options,
        counters: Arc<Counters>,
        schema: Arc<Schema>,
        runtime: Handle,
    ) -> Result<Arc<Self>, Error> {
        let desk = Mutex::new(Desk { queue: VecDeque::new(), seat: Place::Out });
        let writer = Arc::new(Self { room, file, options, counters, schema, runtime, desk });
        let seat = writer.sit()?;
        writer.desk().seat = Place::Home(seat);
        Ok(writer)
    }

    fn sit(self: &Arc<Self>) -> Result<Box<Seat>, Error> {
        let link = Link::open(&self.room, &self.file, Purpose::Writing, &self.options, &self.schema)?;
        let now = Instant::now();
        let mut seat = Box::new(Seat {
            link,
            batch: Vec::new(),
            batch_began: now,
            is_solo: false,
            lent: now,
            was_kept_long: false,
            is_stuck: false,
            writer: Weak::new(),
        });
        seat.look_for_shared_harm()?;
        seat.writer = Arc::downgrade(self);
        Ok(seat)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a statement as a transaction of its own. Dropping the future before it has begun leaves it undone,
    /// afterwards it is done all the same.
    pub(crate) async fn once(self: &Arc<Self>, statement: Statement) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::Statement(Once { statement, reply }))?;
        self.answer(answer).await
    }

    /// Begins an interactive transaction by its first statement, once those who asked before have had their turn. Dropping
    /// the future leaves it undone.
    pub(crate) async fn begin(self: &Arc<Self>, face: Face, statement: Statement) -> Begun {
        let (reply, answer) = oneshot::channel();
        if let Err(error) = self.submit(Job::Begin(Begin { face, statement, reply })) {
            return not_begun(&error);
        }
        let begun = answer.await.unwrap_or_else(|_| not_begun(&Error::unavailable(&self.room, ENDED)));
        if matches!(begun.0, Err(Error::Timeout { .. })) {
            Counters::one_more(&self.counters.timeouts);
        }
        begun
    }

    /// Has the connection to itself, outside any transaction.
    pub(crate) async fn alone<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Link) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::Alone(Box::new(move |link| {
            let _ = reply.send(link.and_then(work));
        })))?;
        self.answer(answer).await
    }

    pub(crate) async fn close(self: &Arc<Self>) {
        let (reply, answer) = oneshot::channel();
        if self.submit(Job::Close(reply)).is_ok() {
            let _ = answer.await;
        }
    }

    async fn answer<T>(&self, answer: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
        let result = answer.await.unwrap_or_else(|_| Err(Error::unavailable(&self.room, ENDED)));
        if matches!(result, Err(Error::Timeout { .. })) {
            Counters::one_more(&self.counters.timeouts);
        }
        result
    }

    fn submit(self: &Arc<Self>, job: Job) -> Result<(), Error> {
        let mut desk = self.desk();
        let seat = match std::mem::replace(&mut desk.seat, Place::Out) {
            Place::Home(seat) => Some(seat),
            Place::Out => {
                desk.queue.push_back(job);
                return Ok(());
            }
            Place::Lost => None,
            Place::Closed => {
                desk.seat = Place::Closed;
                return Err(Error::unavailable(&self.room, "its store was closed"));
            }
        };
        desk.queue.push_back(job);
        drop(desk);
        match seat {
            Some(seat) => self.resume(seat, |_, _| ()),
            None => self.reopen(),
        }
        Ok(())
    }

    /// Goes on with the queue on a thread that may block, after `first`.
    fn resume(self: &Arc<Self>, seat: Box<Seat>, first: impl FnOnce(&Self, &mut Seat) + Send + 'static) {
        let writer = Arc::clone(self);
        self.runtime().spawn_blocking(move || {
            let mut seat = seat;
            first(&writer, &mut seat);
            writer.work(seat);
        });
    }

    fn reopen(self: &Arc<Self>) {
        let reopening = Reopening(Some(Arc::clone(self)));
        self.runtime().spawn_blocking(move || reopening.reopen());
    }

    /// The runtime of the caller, or of whoever opened the room.
    fn runtime(&self) -> Handle {
        Handle::try_current().unwrap_or_else(|_| self.runtime.clone())
    }

    /// Nobody has the seat any more: those who wait are told why, and the next to come opens another.
    fn lost(&self, why: &Error) {
        let unanswered = {
            let mut desk = self.desk();
            let is_closing = desk.queue.iter().any(|job| matches!(job, Job::Close(_)));
            desk.seat = if is_closing { Place::Closed } else { Place::Lost };
            std::mem::take(&mut desk.queue)
        };
        for job in unanswered {
            match job {
                Job::Statement(once) => drop(once.reply.send(Err(why.clone()))),
                Job::Begin(begin) => drop(begin.reply.send(not_begun(why))),
                Job::Alone(work) => work(Err(why.clone())),
                Job::Close(reply) => drop(reply.send(())),
            }
        }
    }

    /// Does all that waits, and goes home.
    fn work(self: &Arc<Self>, mut seat: Box<Seat>) {
        loop {
            if seat.is_stuck {
                return;
            }
            let job = {
                let mut desk = self.desk();
                if seat.is_batch_due() {
                    None
                } else {
                    match desk.queue.pop_front() {
                        None if seat.batch.is_empty() && seat.link.is_outside_transactions() => {
                            desk.seat = Place::Home(seat);
                            return;
                        }
                        job => job,
                    }
                }
            };
            match job {
                None => {
                    self.commit(&mut seat);
                }
                Some(Job::Statement(once)) => {
                    // A caller who has gone away before it was begun does not want it done.
                    if !once.reply.is_closed() {
                        self.run(&mut seat, once);
                    }
                }
                Some(Job::Begin(begin)) => {
                    if begin.reply.is_closed() {
                        continue;
                    }
                    if seat.was_kept_long && !seat.batch.is_empty() {
                        self.commit(&mut seat);
                    }
                    if let Err(error) = self.guard(&mut seat, begin.face) {
                        let _ = begin.reply.send(not_begun(&error));
                        continue;
                    }
                    if let Err(error) = seat.open_savepoint() {
                        self.abandon(&mut seat);
                        let _ = begin.reply.send(not_begun(&error));
                        continue;
                    }
                    seat.lent = Instant::now();
                    let result = seat.run_first(&begin.statement, self.options.statement_time);
                    let lease = Lease { seat: Some(seat), writer: Arc::clone(self) };
                    // If nobody takes it, dropping it goes on from here.
                    let _ = begin.reply.send(lease.kept_after(result, &begin.statement));
                    return;
                }
                Some(Job::Alone(work)) => {
                    self.commit(&mut seat);
                    match seat.link.unguard() {
                        Ok(()) => work(Ok(&mut seat.link)),
                        Err(error) => work(Err(error)),
                    }
                    if !seat.link.is_outside_transactions() {
                        self.abandon(&mut seat);
                    }
                    if let Err(error) = seat.look_for_shared_harm() {
                        tracing::error!(room = &*self.room, "{error}");
                        seat.is_solo = true;
                    }
                }
                Some(Job::Close(reply)) => {
                    if self.commit(&mut seat) {
                        self.desk().queue.push_back(Job::Close(reply));
                        continue;
                    }
                    self.end(seat);
                    let _ = reply.send(());
                    return;
                }
            }
        }
    }

    fn run(&self, seat: &mut Seat, once: Once) {
        if mentions(once.statement.text(), b"rollback") && !seat.batch.is_empty() {
            self.commit(seat);
        }
        if let Err(error) = self.guard(seat, once.statement.face) {
            let _ = once.reply.send(Err(error));
            return;
        }
        if let Err(error) = seat.open_savepoint() {
            self.abandon(seat);
            let _ = once.reply.send(Err(error));
            return;
        }
        let result = seat.link.run(&once.statement, self.options.statement_time, false);
        let settled = match &result {
            Ok(_) => seat.release(),
            Err(_) if seat.link.is_outside_transactions() => {
                // Its own failure took the whole transaction with it.
                self.undone(seat);
                let _ = once.reply.send(result);
                return;
            }
            Err(_) => {
                Counters::one_more(&self.counters.undone);
                seat.roll_back_to()
            }
        };
        if let Err(error) = settled {
            self.abandon(seat);
            let _ = once.reply.send(result.and(Err(error)));
            return;
        }
        seat.beware_of(&once.statement);
        // Even a failure waits for the commit: it may be because of what another job of the batch did.
        seat.push(Pending::Once(once, result));
        if seat.is_solo {
            self.commit(seat);
        }
    }

    /// Before a tenant's statement, rows that are written are to be looked at. What has that begun may not be undone by
    /// what comes after, so it is done between transactions.
    fn guard(&self, seat: &mut Seat, face: Face) -> Result<(), Error> {
        if !matches!(face, Face::Tenant(_)) || seat.link.is_guarded() {
            return Ok(());
        }
        self.commit(seat);
        seat.link.guard()
    }

    /// Commits what was done, and acknowledges it. Gives whether some of it waits again, to be done once more.
    fn commit(&self, seat: &mut Seat) -> bool {
        if seat.link.is_outside_transactions() {
            // Only when there was nothing to commit: whatever ends a transaction otherwise empties the batch.
            return self.undone(seat);
        }
        match seat.link.control("commit") {
            Ok(()) => {
                Counters::one_more(&self.counters.commits);
                for pending in seat.batch.drain(..) {
                    match pending {
                        Pending::Once(once, result) => {
                            if result.is_ok() {
                                Counters::one_more(&self.counters.writes);
                            }
                            let _ = once.reply.send(result);
                        }
                        Pending::Transaction(reply) => {
                            Counters::one_more(&self.counters.writes);
                            let _ = reply.send(Ok(()));
                        }
                    }
                }
                false
            }
            Err(Error::Constraint { .. }) if seat.batch.len() > 1 => {
                // One of them broke it, and whose it was shows when each is done by itself.
                seat.roll_back_all();
                seat.is_solo = true;
                self.undone(seat)
            }
            Err(error) => {
                tracing::warn!(room = &*self.room, jobs = seat.batch.len(), "a commit failed: {error}");
                seat.roll_back_all();
                Counters::one_more(&self.counters.undone);
                for pending in seat.batch.drain(..) {
                    match pending {
                        Pending::Once(once, _) => drop(once.reply.send(Err(error.clone()))),
                        Pending::Transaction(reply) => drop(reply.send(Err(error.clone()))),
                    }
                }
                false
            }
        }
    }

    /// Undoes the transaction when it cannot go on, for all of the batch.
    fn abandon(&self, seat: &mut Seat) {
        seat.roll_back_all();
        self.undone(seat);
    }

    /// Undoes an interactive transaction, and nothing else if that can be.
    fn undo(&self, seat: &mut Seat) {
        if seat.link.is_outside_transactions() {
            self.undone(seat);
            return;
        }
        Counters::one_more(&self.counters.undone);
        if seat.roll_back_to().is_err() {
            self.abandon(seat);
        }
    }

    /// The whole transaction was undone: the batch's lone statements are queued again, in front and in order.
    /// Gives whether there were any.
    fn undone(&self, seat: &mut Seat) -> bool {
        if seat.batch.is_empty() {
            return false;
        }
        Counters::one_more(&self.counters.undone);
        let mut again = Vec::with_capacity(seat.batch.len());
        for pending in seat.batch.drain(..) {
            match pending {
                Pending::Once(once, _) => again.push(Job::Statement(once)),
                Pending::Transaction(reply) => {
                    let why = "another transaction that was committed together with it had to be undone";
                    let _ = reply.send(Err(Error::unavailable(&self.room, why)));
                }
            }
        }
        let is_any = !again.is_empty();
        let mut desk = self.desk();
        for job in again.into_iter().rev() {
            desk.queue.push_front(job);
        }
        is_any
    }

    fn end(&self, mut seat: Box<Seat>) {
        let checkpoint = seat.link.with_connection(Face::Store, None, |connection| {
            connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        });
        if let Err(error) = checkpoint {
            tracing::warn!(
                room = &*self.room,
                "what was written stays in its journal until it is next opened: {error}"
            );
        }
        seat.writer = Weak::new();
        drop(seat);
        let unanswered = {
            let mut desk = self.desk();
            desk.seat = Place::Closed;
            std::mem::take(&mut desk.queue)
        };
        drop(unanswered);
    }
}

impl Seat {
    fn push(&mut self, pending: Pending) {
        if self.batch.is_empty() {
            self.batch_began = Instant::now();
        }
        self.batch.push(pending);
    }

    fn is_batch_due(&self) -> bool {
        self.batch.len() >= BATCH || (!self.batch.is_empty() && self.batch_began.elapsed() > PATIENCE)
    }

    fn came_back(&mut self) {
        self.was_kept_long = self.lent.elapsed() > PATIENCE;
    }

    /// The host may put into the tables, or say in passing, what makes a batch fail as a whole.
    fn beware_of(&mut self, statement: &Statement) {
        let harms = [&b"deferr"[..], b"defer_", b"rollback"];
        if statement.face == Face::Host && harms.iter().any(|word| mentions(statement.text(), word)) {
            self.is_solo = true;
        }
    }

    fn open_savepoint(&mut self) -> Result<(), Error> {
        if self.link.is_outside_transactions() {
            self.link.control("begin immediate")?;
        }
        self.link.control("savepoint job")
    }

    fn release(&mut self) -> Result<(), Error> {
        self.link.control("release job")
    }

    fn roll_back_to(&mut self) -> Result<(), Error> {
        self.link.control("rollback to job")?;
        self.link.control("release job")
    }

    fn roll_back_all(&mut self) {
        if !self.link.is_outside_transactions()
            && let Err(error) = self.link.control("rollback")
        {
            tracing::error!(room = &**self.link.room(), "a transaction could not be undone: {error}");
        }
        self.is_stuck = !self.link.is_outside_transactions();
    }

    /// Runs the first statement of an interactive transaction: what it leaves behind when it fails is undone with the
    /// savepoint in which the transaction runs.
    fn run_first(&mut self, statement: &Statement, limit: Duration) -> Result<Outcome, Error> {
        let result = self.link.run(statement, limit, false);
        if result.is_err() && !self.link.is_outside_transactions() {
            self.settle("rollback to job", result)
        } else {
            result
        }
    }

    /// Runs a further statement of an interactive transaction, so that one that fails leaves nothing behind. Not even
    /// SQLite sees to that when it says `or fail`, or when only its result is too large.
    fn run_as_step(&mut self, statement: &Statement, limit: Duration) -> Result<Outcome, Error> {
        self.link.control("savepoint step")?;
        let result = self.link.run(statement, limit, false);
        if self.link.is_outside_transactions() {
            return result;
        }
        if result.is_ok() {
            return self.settle("release step", result);
        }
        let result = self.settle("rollback to step", result);
        self.settle("release step", result)
    }

    /// Takes the step, or undoes everything.
    fn settle(&mut self, step: &'static str, result: Result<Outcome, Error>) -> Result<Outcome, Error> {
        if self.link.is_outside_transactions() {
            return result;
        }
        match self.link.control(step) {
            Ok(()) => result,
            Err(error) => {
                self.roll_back_all();
                Err(error)
            }
        }
    }

    fn look_for_shared_harm(&mut self) -> Result<(), Error> {
        let sql =
            "select exists (select 1 from sqlite_schema where sql like '%deferr%' or sql like '%rollback%')";
        self.is_solo = self.link.with_connection(Face::Store, None, |connection| {
            connection.query_row(sql, [], |row| row.get(0))
        })?;
        Ok(())
    }
}

fn mentions(sql: &str, word: &[u8]) -> bool {
    sql.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// The seat, lent to an interactive transaction. Dropping it undoes the transaction and lets the next one on.
pub(crate) struct Lease {
    /// Absent only once it is given back.
    seat: Option<Box<Seat>>,
    writer: Arc<Writer>,
}

/// A statement of an interactive transaction that took all of it down.
pub(crate) struct Fallen(pub(crate) Error);

impl Lease {
    /// Runs a statement of the transaction, and gives the lease back unless all of it was undone.
    pub(crate) fn run(mut self, statement: &Statement, limit: Duration, only_reading: bool) -> Begun {
        let Some(seat) = &mut self.seat else {
            let error = Error::unavailable(&self.writer.room, "the transaction has ended");
            return (Err(error.clone()), Err(Fallen(error)));
        };
        let result = if only_reading {
            seat.link.run(statement, limit, true)
        } else {
            seat.run_as_step(statement, limit)
        };
        self.kept_after(result, statement)
    }

    /// What came of a statement, and the lease unless all was undone.
    fn kept_after(mut self, result: Result<Outcome, Error>, statement: &Statement) -> Begun {
        let Some(seat) = &mut self.seat else {
            return not_begun(&Error::unavailable(&self.writer.room, ENDED));
        };
        seat.beware_of(statement);
        match &result {
            Err(error) if seat.link.is_outside_transactions() || seat.is_stuck => {
                let fallen = Fallen(error.clone());
                (result, Err(fallen))
            }
            _ => (result, Ok(self)),
        }
    }

    /// Makes it last, after these statements, together with whoever else waits.
    pub(crate) async fn commit(mut self, last: Vec<Statement>, limit: Duration) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let writer = Arc::clone(&self.writer);
        if let Some(seat) = self.seat.take() {
            writer.resume(seat, move |writer, seat| {
                seat.came_back();
                let done = last.iter().try_for_each(|statement| {
                    seat.beware_of(statement);
                    seat.link.run(statement, limit, false).map(drop)
                });
                match done {
                    Ok(()) => match seat.release() {
                        Ok(()) => {
                            seat.push(Pending::Transaction(reply));
                            if seat.is_solo {
                                writer.commit(seat);
                            }
                        }
                        Err(error) => {
                            writer.abandon(seat);
                            let _ = reply.send(Err(error));
                        }
                    },
                    Err(error) => {
                        writer.undo(seat);
                        let _ = reply.send(Err(error));
                    }
                }
            });
        }
        writer.answer(answer).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(seat) = self.seat.take() else { return };
        self.writer.resume(seat, |writer, seat| {
            seat.came_back();
            writer.undo(seat);
        });
    }
}
