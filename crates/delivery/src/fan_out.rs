//! One plugin's events, to everyone who listens.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use switchboard_api::{Actor, Failure, OrganizationId, Timestamp};
use switchboard_kernel::{Kernel, Loaded, Pauses, Snapshot, Unanswered};
use switchboard_manifest::PluginId;
use switchboard_store::{Alone, Room};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::Instant,
};

use crate::{
    Error, EventFilter, LetterFate, LetterFilter,
    dead_letters::{self, Decision},
    gates::Gates,
    lanes::{LaneKey, Lanes},
    ledger::{Ledger, Standing},
    outbox::{Said, Topic, said, said_after},
    shared::{Shared, Troubles, actor_of, moment},
    signal::Signal,
    teller::{Heard, Teller, listeners},
};

/// How many events are read at once, and how many may be open; beyond that the others wait in the table.
const BATCH: usize = 256;
const MOST_OPEN: usize = 1024;

/// How many bytes of data are read at once, and how many may be held; one event alone may be larger.
const BATCH_BYTES: usize = 4 << 20;
const MOST_BYTES: usize = 16 << 20;

/// How many rows of events that wait for another attempt are read at once.
const WAITING_AT_ONCE: usize = 2000;

/// How much is noted before it is written down without waiting for a quiet moment.
const MOST_NOTED: usize = 256;

/// How often it is looked whether another server still delivers what this one would.
pub(crate) const STAND_BY: Duration = Duration::from_secs(1);

/// What servers tell each other: there is something new in the room of this plugin, or its dead letters are to be tried again.
pub(crate) const WOKEN: &str = "delivery";
pub(crate) const REPLAYED: &str = "delivery.replayed";

/// How often, at most, old events are looked for; and how many go at once.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
const PRUNED_AT_ONCE: u64 = 500;

/// What others see of a worker.
pub(crate) struct FanOutHandle {
    pub(crate) signal: Signal,
    /// How often it was said that there are new events.
    pub(crate) said: AtomicU64,
    pub(crate) pending: AtomicU64,
    pub(crate) dead: AtomicU64,
    /// Whether another server delivers them.
    pub(crate) elsewhere: AtomicBool,
    /// Whether another server has decided on dead letters.
    pub(crate) reread: AtomicBool,
    pub(crate) decisions: mpsc::UnboundedSender<Decision>,
    /// Somebody may hear again who could not.
    pub(crate) stirred: Notify,
}

/// Brings one plugin's events to everyone who listens.
///
/// A fresh event goes to its listeners one after the other, in their order; the events of one topic too. With a listener
/// that fails, the event waits in a [lane](Lanes) for its next attempt, later ones of the topic behind it; everyone else
/// goes on.
///
/// A plugin that does not serve, or is switched off for the event's organization, does not hear the event; one that waits
/// for another attempt waits on until its listener serves again.
///
/// However many events there are, a bounded number of them is in memory; of one that waits for another attempt, its number
/// alone.
pub(crate) struct FanOut {
    shared: Arc<Shared>,
    handle: Arc<FanOutHandle>,
    decisions: mpsc::UnboundedReceiver<Decision>,
    source: PluginId,
    actor: Arc<Actor>,
    prune_at: Timestamp,
    /// What would be read again if it were lost; none until the room is open.
    work: Option<Work>,
}

struct Work {
    room: Room,
    /// While it is had, no other server delivers them.
    alone: Alone,
    ledger: Ledger,
    lanes: Lanes,
    /// The fresh events of each topic that has some; the first may be under way.
    fresh: HashMap<Topic, VecDeque<Arc<Said>>>,
    /// The topics whose first event is not under way.
    ready: VecDeque<Topic>,
    /// How many bytes of data they hold.
    held: usize,
    /// Those beyond the cursor that had a standing with some listeners when the room was opened: these listeners heard them
    /// before, and their standing goes on.
    known: BTreeMap<i64, HashSet<PluginId>>,
    running: JoinSet<Outcome>,
    /// Whether there may be events that were not read.
    unread: bool,
    /// When what was noted is to be written down.
    write_at: Option<Instant>,
    /// Who hears nothing for now.
    pauses: Arc<Pauses>,
    /// How often somebody had left the gates when it was last looked who may enter.
    left: u64,
}

enum Outcome {
    Fresh { topic: Topic, said: Arc<Said>, failed: Vec<(PluginId, Unanswered)> },
    Again { key: LaneKey, seq: i64, attempt: u32, heard: Heard },
}

impl FanOut {
    pub(crate) fn new(shared: Arc<Shared>, source: PluginId) -> (Self, Arc<FanOutHandle>) {
        let (sender, decisions) = mpsc::unbounded_channel();
        let handle = Arc::new(FanOutHandle {
            signal: Signal::new(),
            said: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            dead: AtomicU64::new(0),
            elsewhere: AtomicBool::new(false),
            reread: AtomicBool::new(false),
            decisions: sender,
            stirred: Notify::new(),
        });
        let actor = actor_of(&source);
        let prune_at = Timestamp::MIN;
        let worker =
            Self { shared, handle: Arc::clone(&handle), decisions, source, actor, prune_at, work: None };
        (worker, handle)
    }

    /// Works until the server stops.
    pub(crate) async fn run(mut self) {
        let mut stopping = self.shared.stopping.subscribe();
        let mut troubles = Troubles::default();
        while !self.shared.is_stopping() {
            let Err(error) = self.turn(&mut stopping).await else { continue };
            // What is in memory is read again: all of it is in the tables.
            self.work = None;
            let wait = troubles.one_more(&self.shared.options);
            tracing::error!(plugin = %self.source, "{error}; the delivery of its events goes on in {wait:?}");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopping.changed() => {}
            }
        }
        self.end().await;
        self.handle.signal.close();
    }

    /// Does what can be done now, then waits until there is more.
    async fn turn(
        &mut self,
        stopping: &mut tokio::sync::watch::Receiver<Option<Instant>>,
    ) -> Result<(), Error> {
        let signal_question = self.handle.signal.question();
        let woken = self.handle.signal.take();
        if self.handle.reread.swap(false, Ordering::AcqRel) {
            self.work = None;
        }
        if self.work.is_none() {
            self.work = self.open().await?;
            self.handle.elsewhere.store(self.work.is_none(), Ordering::Release);
            if self.work.is_none() {
                self.handle.signal.answer(signal_question);
                return self.stand_by(stopping).await;
            }
        }
        let Some(work) = &mut self.work else { return Ok(()) };
        work.unread |= woken;
        let kernel = self.shared.kernel();
        if let Some(kernel) = &kernel {
            let snapshot = kernel.snapshot();
            work.let_in(kernel.pauses(), &self.shared.gates, &snapshot);
            if work.may_read() {
                work.read(&snapshot).await?;
            }
            self.start(&snapshot, kernel);
        }
        while let Some(outcome) = self.work.as_mut().and_then(|work| work.running.try_join_next()) {
            self.end_of(outcome)?;
        }
        let Some(work) = &mut self.work else { return Ok(()) };
        let busy = !work.running.is_empty();
        let has_room = work.running.len() < self.shared.options.concurrent_deliveries.max(1);
        let more = kernel.is_some() && (work.may_read() || (has_room && !work.ready.is_empty()));
        let quiet = !busy && !more;
        if work.ledger.lag() == 0 {
            work.write_at = None;
        } else if work.ledger.lag() >= MOST_NOTED || (quiet && self.handle.signal.is_asked()) {
            work.write_down(&self.shared, &mut self.prune_at).await?;
        } else {
            work.write_at.get_or_insert_with(|| Instant::now() + self.shared.options.lag);
        }
        let pending = work.ledger.open() + work.lanes.waiting();
        self.handle.pending.store(pending as u64, Ordering::Relaxed);
        let next_due = work.lanes.next_due().filter(|_| kernel.is_some());
        drop(kernel);
        let now = self.shared.now();
        if more || (has_room && next_due.is_some_and(|due| due <= now)) {
            // Those that run beside this one come to their turn.
            tokio::task::yield_now().await;
            return Ok(());
        }
        if quiet && work.ledger.lag() == 0 {
            self.handle.signal.answer(signal_question);
        }
        if work.write_at.is_some_and(|at| at <= Instant::now()) {
            return work.write_down(&self.shared, &mut self.prune_at).await;
        }
        let due = next_due.filter(|due| *due > now).map(|due| Instant::now() + self.shared.until(due));
        let alarm = [work.write_at, due].into_iter().flatten().min();
        tokio::select! {
            () = self.handle.signal.woken() => {}
            Some(outcome) = work.running.join_next(), if busy => self.end_of(outcome)?,
            () = sleep_until(alarm) => {}
            () = self.handle.stirred.notified() => {}
            Some(decision) = self.decisions.recv() => self.decide(decision).await,
            () = work.alone.lost() => {
                tracing::warn!(plugin = %self.source, "the connection that kept other servers from its events broke");
                self.work = None;
            }
            _ = stopping.changed() => {}
        }
        Ok(())
    }

    /// Another server delivers them; it is looked now and then whether it still does.
    async fn stand_by(
        &mut self,
        stopping: &mut tokio::sync::watch::Receiver<Option<Instant>>,
    ) -> Result<(), Error> {
        self.handle.pending.store(0, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(STAND_BY) => {}
            Some(Decision { filter, fate, answer }) = self.decisions.recv() => {
                let _ = answer.send(dead_letters::elsewhere(&self.shared, &self.source, &filter, fate).await);
            }
            _ = stopping.changed() => {}
        }
        Ok(())
    }

    /// Opens the room, and reads what waits from before; none while another server delivers.
    async fn open(&self) -> Result<Option<Work>, Error> {
        #[derive(Deserialize)]
        struct Cursor {
            seq: i64,
            dead: i64,
        }
        let room = self.shared.room(&self.source).await?;
        let Some(alone) = room.try_alone("events").await? else { return Ok(None) };
        let sql = "select coalesce((select seq from _switchboard_cursor), -1) as seq,
            (select count(*) from _switchboard_delivery where state = 'dead') as dead";
        let cursor =
            room.query(sql, vec![]).await?.to::<Cursor>()?.pop().unwrap_or(Cursor { seq: -1, dead: 0 });
        self.handle.dead.store(u64::try_from(cursor.dead).unwrap_or(0), Ordering::Relaxed);
        let mut work = Work {
            room,
            alone,
            ledger: Ledger::at(cursor.seq),
            lanes: Lanes::default(),
            fresh: HashMap::new(),
            ready: VecDeque::new(),
            held: 0,
            known: BTreeMap::new(),
            running: JoinSet::new(),
            unread: true,
            write_at: None,
            pauses: Arc::default(),
            left: 0,
        };
        work.read_waiting(None).await?;
        work.read_known(cursor.seq).await?;
        Ok(Some(work))
    }

    /// Starts as many deliveries as may run at the same time: first what is due again, then what is fresh.
    fn start(&mut self, snapshot: &Arc<Snapshot>, kernel: &Arc<Kernel>) {
        let teller = self.teller(snapshot, kernel);
        let Some(work) = &mut self.work else { return };
        let most = self.shared.options.concurrent_deliveries.max(1);
        let now = self.shared.now();
        while work.running.len() < most
            && let Some((key, seq, attempt)) = work.lanes.take_due(now)
        {
            if work.pauses.hold(&key.listener, key.topic.organization) {
                work.lanes.park(key);
                continue;
            }
            let Some(listener) = snapshot.plugin(key.listener.as_str()).map(Arc::clone) else {
                // It was not tried, so it is not counted.
                work.lanes.again(&key, seq, attempt, self.shared.after(self.shared.options.longest_wait));
                continue;
            };
            let pass = most_at_a_time(&listener).map(|most| self.shared.gates.enter(&key.listener, most));
            if let Some(None) = pass {
                work.lanes.park(key);
                continue;
            }
            self.handle.signal.begin();
            let call = teller.clone();
            let room = work.room.clone();
            work.running.spawn(async move {
                let _until_it_is_handled = pass;
                let heard = match said(&room, seq).await {
                    Ok(Some(said)) => call.again(&said, &listener, attempt + 1).await,
                    Ok(None) => Heard::Skipped,
                    Err(error) => Heard::Failed(Unanswered::Failed(error.into())),
                };
                Outcome::Again { key, seq, attempt: attempt + 1, heard }
            });
        }
        while work.running.len() < most
            && let Some(topic) = work.ready.pop_front()
        {
            let Some(said) = work.fresh.get(&topic).and_then(VecDeque::front).map(Arc::clone) else {
                work.fresh.remove(&topic);
                continue;
            };
            let mut hear = Vec::new();
            let known = work.known.remove(&said.seq).unwrap_or_default();
            for listener in listeners(snapshot, &said) {
                if known.contains(listener.id()) {
                    continue;
                }
                let key = LaneKey { listener: listener.id().clone(), topic: topic.clone() };
                let waits = work.lanes.holds(&key)
                    || work.pauses.hold(&key.listener, topic.organization)
                    // It goes through the gate on its own, so that nobody else waits with it.
                    || most_at_a_time(listener).is_some();
                if waits {
                    let standing =
                        Standing::Waiting { attempt: 0, next_at: now.as_microsecond(), error: None };
                    work.ledger.note(said.seq, key.listener.clone(), standing);
                    work.lanes.put(key, said.seq, 0, now);
                } else {
                    hear.push(Arc::clone(listener));
                }
            }
            if hear.is_empty() {
                work.next_of(&topic, said.seq);
                continue;
            }
            self.handle.signal.begin();
            let call = teller.clone();
            work.running.spawn(async move {
                let mut failed = Vec::new();
                for listener in hear {
                    if let Err(unanswered) = call.tell(&said, &listener, 1).await {
                        failed.push((listener.id().clone(), unanswered));
                    }
                }
                Outcome::Fresh { topic, said, failed }
            });
        }
    }

    fn teller(&self, snapshot: &Arc<Snapshot>, kernel: &Arc<Kernel>) -> Teller {
        Teller {
            snapshot: Arc::clone(snapshot),
            directory: kernel.directory(),
            source: self.source.clone(),
            actor: Arc::clone(&self.actor),
        }
    }

    /// A delivery ended.
    fn end_of(&mut self, outcome: Result<Outcome, tokio::task::JoinError>) -> Result<(), Error> {
        let outcome = outcome.map_err(|error| Error::Data(format!("a delivery broke off: {error}")))?;
        let now = self.shared.now();
        match outcome {
            Outcome::Fresh { topic, said, failed } => {
                for (listener, unanswered) in failed {
                    let key = LaneKey { listener, topic: topic.clone() };
                    self.failed(key, said.seq, 1, &unanswered);
                }
                if let Some(work) = &mut self.work {
                    work.next_of(&topic, said.seq);
                }
            }
            Outcome::Again { key, seq, attempt, heard } => match heard {
                Heard::Failed(unanswered) => self.failed(key, seq, attempt, &unanswered),
                Heard::Well | Heard::Skipped => {
                    if let Some(work) = &mut self.work {
                        work.lanes.done(&key, seq, now);
                        work.ledger.note(seq, key.listener, Standing::Settled);
                    }
                }
            },
        }
        Ok(())
    }

    /// A listener failed: the event waits for its next attempt, or is given up. One that had no room was not called: that
    /// is no attempt, and is waited for however often it is so.
    fn failed(&mut self, key: LaneKey, seq: i64, attempt: u32, unanswered: &Unanswered) {
        let (plugin, listener, subject) = (&self.source, &key.listener, &key.topic.subject);
        let options = &self.shared.options;
        let (attempts, wait, error) = match unanswered {
            Unanswered::NoRoom(failure) => {
                let wait = asked_wait(failure);
                tracing::debug!(%plugin, %listener, %subject, "an event waits for {wait:?}: {failure}");
                (attempt - 1, wait, cause(failure))
            }
            Unanswered::Failed(failure) if attempt < options.delivery_attempts => {
                let (wait, error) = (options.wait_after(attempt).max(asked_wait(failure)), cause(failure));
                tracing::warn!(%plugin, %listener, %subject, attempt, "an event is tried again in {wait:?}: {error}");
                (attempt, wait, error)
            }
            Unanswered::Failed(failure) => {
                let error = cause(failure);
                tracing::error!(%plugin, %listener, %subject, attempt, "an event is a dead letter: {error}");
                return self.give_up(key, seq, attempt, error);
            }
        };
        let Some(work) = &mut self.work else { return };
        let at = self.shared.after(wait);
        let error = Some(error);
        let standing = Standing::Waiting { attempt: attempts, next_at: at.as_microsecond(), error };
        work.ledger.note(seq, key.listener.clone(), standing);
        if !work.lanes.again(&key, seq, attempts, at) {
            work.lanes.put(key, seq, attempts, at);
        }
    }

    fn give_up(&mut self, key: LaneKey, seq: i64, attempt: u32, error: String) {
        let Some(work) = &mut self.work else { return };
        let now = self.shared.now();
        let standing = Standing::Dead { attempt, at: now.as_microsecond(), error };
        work.ledger.note(seq, key.listener.clone(), standing);
        work.lanes.done(&key, seq, now);
        self.handle.dead.fetch_add(1, Ordering::Relaxed);
    }

    /// Has dead letters tried again, or discards them.
    async fn decide(&mut self, Decision { filter, fate, answer }: Decision) {
        let decided = self.decide_here(&filter, fate).await;
        if decided.is_err() {
            // What is in memory may not be what stands in the tables.
            self.work = None;
        }
        // Whoever asked may have gone.
        let _ = answer.send(decided);
    }

    async fn decide_here(&mut self, filter: &LetterFilter, fate: LetterFate) -> Result<u64, Error> {
        let Some(work) = &mut self.work else { return Err(Error::Stopping) };
        work.write_down(&self.shared, &mut self.prune_at).await?;
        let now = self.shared.now();
        let decided = dead_letters::decide(&work.room, filter, fate, now).await?;
        self.handle.dead.fetch_sub(decided, Ordering::Relaxed);
        if decided > 0 && fate == LetterFate::Replayed {
            work.read_waiting(Some(now)).await?;
        }
        Ok(decided)
    }

    /// Lets what runs come to its end, and writes down what was delivered.
    async fn end(&mut self) {
        let until = *self.shared.stopping.borrow();
        while let Some(work) = self.work.as_mut().filter(|work| !work.running.is_empty()) {
            let next = tokio::time::timeout_at(until.unwrap_or_else(Instant::now), work.running.join_next());
            match next.await {
                Ok(Some(outcome)) => {
                    if let Err(error) = self.end_of(outcome) {
                        tracing::error!(plugin = %self.source, "{error}");
                    }
                }
                // What did not end is delivered again after the next start.
                _ => break,
            }
        }
        if let Some(work) = &mut self.work
            && let Err(error) = work.ledger.write(&work.room).await
        {
            tracing::error!(plugin = %self.source, "{error}; some events will be delivered again");
        }
    }
}

impl Work {
    /// Whether there may be events that were not read, and there is room for them.
    fn may_read(&self) -> bool {
        self.unread && self.ledger.open() < MOST_OPEN && self.held < MOST_BYTES
    }

    /// Has those go on who can hear again: as they are paused no more, or handle fewer events than they may.
    fn let_in(&mut self, pauses: Arc<Pauses>, gates: &Gates, snapshot: &Snapshot) {
        let left = gates.left();
        if Arc::ptr_eq(&self.pauses, &pauses) && self.left == left {
            return;
        }
        (self.pauses, self.left) = (pauses, left);
        let pauses = &self.pauses;
        let mut rooms: HashMap<PluginId, u32> = HashMap::new();
        self.lanes.unpark(|LaneKey { listener, topic }| {
            if pauses.hold(listener, topic.organization) {
                return false;
            }
            let most = snapshot.plugin(listener.as_str()).and_then(|it| most_at_a_time(it));
            let room = rooms
                .entry(listener.clone())
                .or_insert_with(|| most.map_or(u32::MAX, |most| gates.room(listener, most)));
            let is_let_in = *room > 0;
            *room = room.saturating_sub(1);
            is_let_in
        });
    }

    /// Reads events that were not read. Those that nobody hears are settled at once.
    async fn read(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let events =
            said_after(&self.room, &EventFilter::default(), self.ledger.last_read(), BATCH, BATCH_BYTES)
                .await?;
        let bytes: usize = events.iter().map(Said::bytes).sum();
        self.unread = events.len() == BATCH || bytes >= BATCH_BYTES;
        for said in events {
            self.ledger.begin(said.seq);
            let topic = said.topic();
            if let Some(queue) = self.fresh.get_mut(&topic) {
                self.held += said.bytes();
                queue.push_back(Arc::new(said));
            } else if listeners(snapshot, &said).is_empty() {
                self.ledger.settle(said.seq);
            } else {
                self.held += said.bytes();
                self.ready.push_back(topic.clone());
                self.fresh.insert(topic, VecDeque::from([Arc::new(said)]));
            }
        }
        Ok(())
    }

    /// Reads what waits for another attempt. With a moment, what is due then does not wait for others in its lane.
    async fn read_waiting(&mut self, hurry: Option<Timestamp>) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Waiting {
            seq: i64,
            listener: PluginId,
            attempt: u32,
            next_at: i64,
            organization_id: Option<OrganizationId>,
            subject: Arc<str>,
        }
        let sql = "select d.seq, d.listener, d.attempt, d.next_at, o.organization_id, o.subject
            from _switchboard_delivery d join _switchboard_outbox o on o.seq = d.seq
            where d.state = 'pending' and (d.seq, d.listener) > ($1, $2) order by d.seq, d.listener limit $3";
        let most = i64::try_from(WAITING_AT_ONCE).unwrap_or(i64::MAX);
        let mut after = (i64::MIN, String::new());
        loop {
            let params = vec![after.0.into(), after.1.as_str().into(), most.into()];
            let rows = self.room.query(sql, params).await?.to::<Waiting>()?;
            let is_last = rows.len() < WAITING_AT_ONCE;
            for row in rows {
                after = (row.seq, row.listener.as_str().to_owned());
                let topic = Topic { organization: row.organization_id, subject: row.subject };
                let key = LaneKey { listener: row.listener, topic };
                let next_at = moment(row.next_at);
                self.lanes.put(key.clone(), row.seq, row.attempt, next_at);
                if let Some(now) = hurry.filter(|now| next_at <= *now) {
                    self.lanes.hurry(&key, now);
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Reads with whom events beyond the cursor have a standing.
    async fn read_known(&mut self, cursor: i64) -> Result<(), Error> {
        let sql = "select seq, listener from _switchboard_delivery where seq > $1";
        for (seq, listener) in self.room.query(sql, vec![cursor.into()]).await?.to::<(i64, PluginId)>()? {
            self.known.entry(seq).or_default().insert(listener);
        }
        Ok(())
    }

    /// The first event of the topic is with everyone, or waits for them; the next one may go.
    fn next_of(&mut self, topic: &Topic, seq: i64) {
        self.ledger.settle(seq);
        let Some(queue) = self.fresh.get_mut(topic) else { return };
        if let Some(said) = queue.pop_front() {
            self.held = self.held.saturating_sub(said.bytes());
        }
        if queue.is_empty() {
            self.fresh.remove(topic);
        } else {
            self.ready.push_back(topic.clone());
        }
    }

    async fn write_down(&mut self, shared: &Shared, prune_at: &mut Timestamp) -> Result<(), Error> {
        self.ledger.write(&self.room).await?;
        self.write_at = None;
        if shared.now() >= *prune_at {
            let gone = self.prune(shared.keep_since()).await?;
            *prune_at = if gone < PRUNED_AT_ONCE { shared.after(PRUNE_EVERY) } else { shared.now() };
        }
        Ok(())
    }

    /// Forgets some of the events that are older and for which nobody waits. The newest stays, so that numbers grow.
    async fn prune(&self, before: Timestamp) -> Result<u64, Error> {
        let sql = "delete from _switchboard_outbox where seq in (
            select o.seq from _switchboard_outbox o
            where o.seq < $1 and o.seq <= (select seq from _switchboard_cursor)
                and o.seq < (select max(seq) from _switchboard_outbox)
                and not exists (select 1 from _switchboard_delivery d where d.seq = o.seq and d.state <> 'discarded')
            order by o.seq limit $2)";
        let most = i64::try_from(PRUNED_AT_ONCE).unwrap_or(i64::MAX);
        let gone =
            self.room.execute(sql, vec![before.as_microsecond().into(), most.into()]).await?.rows_affected;
        if gone > 0 {
            let discarded = "delete from _switchboard_delivery where state = 'discarded' and not exists
                (select 1 from _switchboard_outbox o where o.seq = _switchboard_delivery.seq)";
            self.room.execute(discarded, vec![]).await?;
        }
        Ok(gone)
    }
}

/// How many events a plugin handles at a time, if it says.
fn most_at_a_time(listener: &Loaded) -> Option<u32> {
    listener.manifest().limits.concurrent_events
}

/// How long a failure itself asks to wait.
pub(crate) fn asked_wait(failure: &Failure) -> Duration {
    match failure {
        Failure::RateLimited { after, .. } => *after,
        Failure::Unavailable { after, .. } => after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// What a failure says, as it is kept: what a plugin says may be long.
pub(crate) fn cause(failure: &Failure) -> String {
    const LONGEST: usize = 2000;
    let mut cause = failure.to_string();
    if let Some((end, _)) = cause.char_indices().nth(LONGEST) {
        cause.truncate(end);
        cause.push('…');
    }
    cause
}

/// Until then; for ever when there is no such moment.
pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
