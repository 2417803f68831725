//! One plugin's tasks.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use switchboard_api::{
    Call, Failure, OrganizationId, Payload, Stop, TaskCall, Timestamp, Value, capability::Progress,
};
use switchboard_kernel::{Caller, Kernel, Loaded, Snapshot, Terms, Unanswered, attempt};
use switchboard_manifest::PluginId;
use switchboard_store::{Alone, Room};
use tokio::{sync::Notify, task::JoinSet, time::Instant};

use crate::{
    Error,
    fan_out::{STAND_BY, WOKEN, asked_wait, cause, sleep_until},
    firing::Firing,
    runs::prune,
    schedules::follow,
    shared::{Shared, Troubles, actor_of, moment},
    signal::Signal,
};

/// How often, at most, the progress of what runs is written down.
const WRITE_PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// How often, at most, ended runs are forgotten; and how many go at once.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
const PRUNED_AT_ONCE: u64 = 500;

/// How often it is looked whether a plugin with something to do serves again. It costs no statement.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often, at least, it is looked how late it is while a schedule is to come.
const LOOK_AT_THE_CLOCK_EVERY: Duration = Duration::from_secs(60);

/// How long a run that was told to stop may go on.
const CANCEL_WITHIN: Duration = Duration::from_secs(5);

/// Of a queued run `t` that waits for no earlier one of its schedule.
const IS_ITS_TURN: &str = "(t.in_turn = 0 or not exists (select 1 from _switchboard_task o
    where o.schedule = t.schedule and o.ended_at is null and o.run <> t.run
        and o.organization_id is not distinct from t.organization_id
        and (o.state <> 'queued' or (o.due_at, o.run) < (t.due_at, t.run))))";

/// What others see of a worker.
pub(crate) struct TasksHandle {
    pub(crate) signal: Signal,
    pub(crate) queued: AtomicU64,
    pub(crate) running: AtomicU64,
    /// Whether another server does them.
    pub(crate) elsewhere: AtomicBool,
    runs: Mutex<HashMap<String, Run>>,
}

/// One that runs.
struct Run {
    stop: Stop,
    /// Told when it was cancelled.
    cancel: Arc<Notify>,
    progress: Option<Progress>,
    output: Option<String>,
    written: bool,
}

/// Does one plugin's tasks, a few at a time.
///
/// The beginning of each attempt is written down before it begins: a task that takes the server down with it is given up
/// after its attempts like every other.
pub(crate) struct Tasks {
    shared: Arc<Shared>,
    handle: Arc<TasksHandle>,
    plugin: PluginId,
    room: Option<Room>,
    /// While it is had, no other server does them.
    alone: Option<Alone>,
    /// Whether what ran when the server went down is queued again.
    is_recovered: bool,
    running: JoinSet<Ended>,
    /// How runs ended, as it is yet to be written down.
    ended: VecDeque<Vec<Value>>,
    /// Whether there may be more to begin than what is known to be due.
    unread: bool,
    next_due: Option<Timestamp>,
    /// When the first schedule is due.
    scheduled_at: Option<Timestamp>,
    /// Whose manifest the schedules follow.
    followed: Weak<Loaded>,
    write_progress_at: Instant,
    prune_at: Timestamp,
}

/// A run as it stands in the table.
#[derive(Debug, Clone, Deserialize)]
struct Queued {
    run: String,
    task: String,
    organization_id: Option<OrganizationId>,
    payload: String,
    attempt: u32,
    trace: String,
}

struct Ended {
    queued: Queued,
    /// How often it may be tried.
    most: u32,
    how: How,
}

enum How {
    Well,
    Failed(Failure),
    /// As many calls of the plugin ran as may; it was not begun.
    NoRoom(Failure),
    /// It cannot be done now, without any fault of its own.
    NotNow,
    /// It will never be done.
    Never(String),
    /// It was cancelled, and did not end by itself.
    Cancelled,
}

impl TasksHandle {
    fn runs(&self) -> MutexGuard<'_, HashMap<String, Run>> {
        // Nothing panics while it is held.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps how far a run is; false when no such run runs.
    pub(crate) fn progress(&self, run: &str, progress: Progress) -> bool {
        let mut runs = self.runs();
        let Some(run) = runs.get_mut(run) else { return false };
        run.progress = Some(progress);
        run.written = false;
        true
    }

    /// How far a run is that runs here.
    pub(crate) fn progress_of(&self, run: &str) -> Option<Progress> {
        self.runs().get(run)?.progress.clone()
    }

    /// Keeps what came of a run; false when no such run runs.
    pub(crate) fn output(&self, run: &str, output: &str) -> bool {
        let mut runs = self.runs();
        let Some(run) = runs.get_mut(run) else { return false };
        run.output = Some(output.to_owned());
        true
    }

    /// There is something to do: here, or on the server that does it.
    pub(crate) async fn wake(&self, shared: &Shared, plugin: &PluginId) -> Result<(), Error> {
        self.signal.wake();
        if self.elsewhere.load(Ordering::Acquire) {
            shared.store.announce(WOKEN, plugin.as_str()).await?;
        }
        Ok(())
    }
}

impl Tasks {
    pub(crate) fn new(shared: Arc<Shared>, plugin: PluginId) -> (Self, Arc<TasksHandle>) {
        let handle = Arc::new(TasksHandle {
            signal: Signal::new(),
            queued: AtomicU64::new(0),
            running: AtomicU64::new(0),
            elsewhere: AtomicBool::new(false),
            runs: Mutex::default(),
        });
        let worker = Self {
            shared,
            handle: Arc::clone(&handle),
            plugin,
            room: None,
            alone: None,
            is_recovered: false,
            running: JoinSet::new(),
            ended: VecDeque::new(),
            unread: true,
            next_due: None,
            scheduled_at: None,
            followed: Weak::new(),
            write_progress_at: Instant::now(),
            prune_at: Timestamp::MIN,
        };
        (worker, handle)
    }

    /// Works until the server stops.
    pub(crate) async fn run(mut self) {
        let mut stopping = self.shared.stopping.subscribe();
        let mut troubles = Troubles::default();
        while !self.shared.is_stopping() {
            let Err(error) = self.turn(&mut stopping).await else { continue };
            // An older copy may have been put back, so that its tables are to be looked for again.
            self.room = None;
            self.unread = true;
            let wait = troubles.one_more(&self.shared.options);
            tracing::error!(plugin = %self.plugin, "{error}; its tasks go on in {wait:?}");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopping.changed() => {}
            }
        }
        self.end().await;
        self.handle.signal.close();
    }

    /// Begins what can be begun now, then waits until there is more.
    async fn turn(
        &mut self,
        stopping: &mut tokio::sync::watch::Receiver<Option<Instant>>,
    ) -> Result<(), Error> {
        let question = self.handle.signal.question();
        self.unread |= self.handle.signal.take();
        let room = match &self.room {
            Some(room) => room.clone(),
            None => match self.open().await? {
                Some(room) => room,
                None => {
                    self.handle.signal.answer(question);
                    tokio::select! {
                        () = tokio::time::sleep(STAND_BY) => {}
                        _ = stopping.changed() => {}
                    }
                    return Ok(());
                }
            },
        };
        while let Some(ended) = self.running.try_join_next() {
            self.end_of(ended)?;
        }
        self.write_ended(&room).await?;
        let now = self.shared.now();
        let kernel = self.shared.kernel();
        let most = self.shared.options.concurrent_tasks.max(1);
        let may_begin = |snapshot: &Snapshot| snapshot.plugin(self.plugin.as_str()).is_some();
        let serving = kernel.as_ref().map(|kernel| kernel.snapshot()).filter(|snapshot| may_begin(snapshot));
        if let Some((kernel, snapshot)) = kernel.as_ref().zip(serving.as_ref()) {
            self.keep_schedules(&room, kernel, snapshot, now).await?;
        }
        if self.unread && !self.running.is_empty() {
            self.cancel(&room).await?;
        }
        let due = self.unread || self.next_due.is_some_and(|due| due <= now);
        if due && self.running.len() < most {
            self.begin(&room, kernel.as_ref().zip(serving.as_ref()), most - self.running.len()).await?;
        }
        drop(kernel);
        self.handle.running.store(self.running.len() as u64, Ordering::Relaxed);
        let busy = !self.running.is_empty();
        let next_due = self.next_due.filter(|_| self.running.len() < most);
        let is_due = next_due.is_some_and(|due| due <= now);
        let nothing_to_begin = !is_due || serving.is_none();
        if !busy && nothing_to_begin {
            self.handle.signal.answer(question);
        }
        if busy && self.write_progress_at <= Instant::now() {
            self.write_progress(&room).await?;
        }
        let alarm = match next_due {
            Some(_) if is_due && serving.is_none() => Some(Instant::now() + LOOK_EVERY),
            Some(due) => Some(Instant::now() + self.shared.until(due)),
            None => None,
        };
        let scheduled = self.scheduled_at.filter(|_| serving.is_some());
        // A machine's clock may be set meanwhile: it is looked at now and then.
        let scheduled =
            scheduled.map(|at| Instant::now() + self.shared.until(at).min(LOOK_AT_THE_CLOCK_EVERY));
        let alarms = [alarm, scheduled, busy.then_some(self.write_progress_at)];
        let alarm = alarms.into_iter().flatten().min();
        drop(serving);
        tokio::select! {
            () = self.handle.signal.woken() => {}
            Some(ended) = self.running.join_next(), if busy => self.end_of(ended)?,
            () = sleep_until(alarm) => {}
            () = lost(&mut self.alone) => {
                tracing::warn!(plugin = %self.plugin, "the connection that kept other servers from its tasks broke");
                // Another server may begin them anew.
                self.running = JoinSet::new();
                self.handle.runs().clear();
                (self.room, self.alone, self.is_recovered) = (None, None, false);
            }
            _ = stopping.changed() => {}
        }
        Ok(())
    }

    /// Opens the room; none while another server does its tasks. What ran when the server went down is queued again.
    async fn open(&mut self) -> Result<Option<Room>, Error> {
        let room = self.shared.room(&self.plugin).await?;
        if self.alone.is_none() {
            self.alone = room.try_alone("tasks").await?;
        }
        self.handle.elsewhere.store(self.alone.is_none(), Ordering::Release);
        if self.alone.is_none() {
            return Ok(None);
        }
        if !self.is_recovered {
            let begun = "select 1 from _switchboard_task where state in ('running', 'cancelling') limit 1";
            if !room.query(begun, vec![]).await?.is_empty() {
                let sql = "update _switchboard_task set
                        ended_at = case when state = 'cancelling' then cast($1 as bigint) end,
                        state = case when state = 'cancelling' then 'cancelled' else 'queued' end
                    where state in ('running', 'cancelling')";
                room.execute(sql, vec![self.shared.now().as_microsecond().into()]).await?;
            }
            self.is_recovered = true;
        }
        self.room = Some(room.clone());
        Ok(Some(room))
    }

    /// Begins runs that are due, at most so many, if the plugin serves; and finds out when the next one is due.
    async fn begin(
        &mut self,
        room: &Room,
        serving: Option<(&Arc<Kernel>, &Arc<Snapshot>)>,
        most: usize,
    ) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Rest {
            queued: u64,
            next_at: Option<i64>,
        }
        let now = self.shared.now();
        let rest = format!(
            "select (select count(*) from _switchboard_task where state = 'queued') as queued,
                (select min(next_at) from _switchboard_task t where state = 'queued' and {IS_ITS_TURN}) as next_at"
        );
        let mut left = room.query(&rest, vec![]).await?.to::<Rest>()?.pop();
        let is_due = left.as_ref().and_then(|rest| rest.next_at).is_some_and(|at| at <= now.as_microsecond());
        if let Some((kernel, snapshot)) = serving.filter(|_| is_due) {
            let sql = format!(
                "update _switchboard_task set state = 'running', attempt = attempt + 1, begun_at = $1
                where run in (select run from _switchboard_task t
                    where state = 'queued' and next_at <= $1 and {IS_ITS_TURN} order by next_at, created_at limit $2)
                returning run, task, organization_id, payload, attempt, trace"
            );
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let params = vec![now.as_microsecond().into(), most.into()];
            for queued in room.query(&sql, params).await?.to::<Queued>()? {
                self.spawn(queued, snapshot, kernel);
            }
            left = room.query(&rest, vec![]).await?.to::<Rest>()?.pop();
        }
        self.unread = false;
        let (queued, next_at) = left.map_or((0, None), |rest| (rest.queued, rest.next_at));
        self.handle.queued.store(queued, Ordering::Relaxed);
        self.next_due = next_at.map(moment);
        Ok(())
    }

    /// Has the schedules follow the manifest, and queues what is due by them.
    async fn keep_schedules(
        &mut self,
        room: &Room,
        kernel: &Kernel,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(plugin) = snapshot.plugin(self.plugin.as_str()) else { return Ok(()) };
        let is_followed = Weak::ptr_eq(&self.followed, &Arc::downgrade(plugin));
        if !is_followed {
            follow(room, plugin.manifest(), now).await?;
            self.followed = Arc::downgrade(plugin);
        }
        if self.unread || !is_followed || self.scheduled_at.is_some_and(|at| at <= now) {
            let firing = Firing { kernel, snapshot, plugin, now };
            let (has_fired, next) = firing.fire(room).await?;
            self.unread |= has_fired;
            self.scheduled_at = next;
        }
        Ok(())
    }

    /// Tells those to stop that were cancelled.
    async fn cancel(&self, room: &Room) -> Result<(), Error> {
        let sql = "select run from _switchboard_task where state = 'cancelling' and ended_at is null";
        for run in room.query(sql, vec![]).await?.to::<String>()? {
            if let Some(run) = self.handle.runs().get(&run) {
                run.stop.set();
                run.cancel.notify_one();
            }
        }
        Ok(())
    }

    fn spawn(&mut self, queued: Queued, snapshot: &Arc<Snapshot>, kernel: &Arc<Kernel>) {
        self.handle.signal.begin();
        let stop = Stop::default();
        let cancel = Arc::new(Notify::new());
        let run = Run {
            stop: stop.clone(),
            cancel: Arc::clone(&cancel),
            progress: None,
            output: None,
            written: true,
        };
        self.handle.runs().insert(queued.run.clone(), run);
        let organization = queued.organization_id.map(|id| kernel.organization(id).ok_or(id));
        let (snapshot, plugin) = (Arc::clone(snapshot), self.plugin.clone());
        let loaded = snapshot.plugin(plugin.as_str());
        let task = loaded
            .and_then(|loaded| loaded.manifest().provides.tasks.iter().find(|task| task.name == queued.task));
        let most = task.map_or(1, |task| task.attempts);
        self.running.spawn(async move {
            let organization = match organization.transpose() {
                Ok(organization) => organization,
                Err(id) => {
                    let how = How::Never(format!("organization {id} is gone"));
                    return Ended { queued, most, how };
                }
            };
            let how = match snapshot.plugin(plugin.as_str()) {
                None => How::NotNow,
                Some(_) if queued.attempt > most => {
                    How::Never(format!("the server went down during each of its {most} attempts"))
                }
                Some(loaded) => {
                    if let Some(organization) = &organization
                        && !snapshot.is_enabled(loaded, organization.id)
                    {
                        let slug = &organization.slug;
                        How::Never(format!("the plugin is switched off for organization `{slug}`"))
                    } else {
                        // The run's name is its trace, so that `progress` finds it, and the log its lines.
                        let mut caller = Caller::system(organization, queued.run.as_str());
                        caller.actor = actor_of(&plugin);
                        caller.stop = stop;
                        tokio::select! {
                            how = do_it(&snapshot, loaded, caller, &queued) => how,
                            () = cancelled(&cancel) => How::Cancelled,
                        }
                    }
                }
            };
            Ended { queued, most, how }
        });
    }

    /// A run ended.
    fn end_of(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), Error> {
        let Ended { queued, most, how } =
            ended.map_err(|error| Error::Data(format!("the run of a task broke off: {error}")))?;
        let run = self.handle.runs().remove(&queued.run);
        let progress = run.as_ref().and_then(|run| run.progress.as_ref()).and_then(as_json);
        let output = run.as_ref().and_then(|run| run.output.clone());
        let options = &self.shared.options;
        let (plugin, name, attempt) = (&self.plugin, &queued.run, queued.attempt);
        let was_stopped = self.shared.is_stopping() && run.is_some_and(|run| run.stop.is_set());
        let now = self.shared.now();
        let (state, attempt, next_at, error) = match how {
            How::Well => ("done", attempt, now, None),
            // The attempt does not count: the server cut it short.
            How::Failed(_) if was_stopped => ("queued", attempt - 1, now, None),
            How::Failed(failure) if attempt < most => {
                let wait = options.wait_after(attempt).max(asked_wait(&failure));
                tracing::warn!(%plugin, run = %name, task = %queued.task, attempt, "a task is tried again in {wait:?}: {failure}");
                ("queued", attempt, self.shared.after(wait), Some(cause(&failure)))
            }
            How::Failed(failure) => {
                tracing::error!(%plugin, run = %name, task = %queued.task, attempt, "a task is given up: {failure}");
                ("dead", attempt, now, Some(cause(&failure)))
            }
            // Nothing was tried: that does not count, however often it is so.
            How::NoRoom(failure) => {
                let wait = asked_wait(&failure);
                tracing::debug!(%plugin, run = %name, task = %queued.task, "a task waits for {wait:?}: {failure}");
                ("queued", attempt - 1, self.shared.after(wait), Some(cause(&failure)))
            }
            How::NotNow => ("queued", attempt - 1, self.shared.after(options.longest_wait), None),
            How::Never(why) => {
                tracing::warn!(%plugin, run = %name, task = %queued.task, "a task is given up: {why}");
                ("dead", attempt, now, Some(why))
            }
            How::Cancelled => {
                let why = format!("it went on for {CANCEL_WITHIN:?} after it was cancelled");
                ("cancelled", attempt, now, Some(why))
            }
        };
        let ended_at = (state != "queued").then(|| now.as_microsecond());
        self.ended.push_back(vec![
            queued.run.as_str().into(),
            state.into(),
            attempt.into(),
            next_at.as_microsecond().into(),
            error.into(),
            progress.into(),
            ended_at.into(),
            output.into(),
            now.as_microsecond().into(),
        ]);
        self.unread = true;
        Ok(())
    }

    /// Writes down how runs ended, and forgets some that ended long ago.
    async fn write_ended(&mut self, room: &Room) -> Result<(), Error> {
        if self.ended.is_empty() {
            return Ok(());
        }
        while let Some(params) = self.ended.front() {
            // One that was cancelled is not tried again.
            let sql = "update _switchboard_task set
                    state = case when state = 'cancelling' and $2 <> 'done' then 'cancelled' else $2 end,
                    ended_at = case when state = 'cancelling' then cast($9 as bigint) else $7 end,
                    attempt = $3, next_at = $4, error = $5, progress = coalesce($6, progress), output = coalesce($8, output)
                where run = $1";
            room.execute(sql, params.clone()).await?;
            self.ended.pop_front();
        }
        if self.shared.now() >= self.prune_at {
            let gone = prune(room, self.shared.keep_since(), PRUNED_AT_ONCE).await?;
            self.prune_at =
                if gone < PRUNED_AT_ONCE { self.shared.after(PRUNE_EVERY) } else { self.shared.now() };
        }
        Ok(())
    }

    async fn write_progress(&mut self, room: &Room) -> Result<(), Error> {
        self.write_progress_at = Instant::now() + WRITE_PROGRESS_EVERY;
        let unwritten: Vec<(String, Option<String>)> = {
            let mut runs = self.handle.runs();
            let unwritten = runs.iter_mut().filter_map(|(name, run)| {
                let is_written = std::mem::replace(&mut run.written, true);
                (!is_written).then(|| (name.clone(), run.progress.as_ref().and_then(as_json)))
            });
            unwritten.collect()
        };
        for (run, progress) in unwritten {
            let sql = "update _switchboard_task set progress = $2 where run = $1";
            room.execute(sql, vec![run.into(), progress.into()]).await?;
        }
        Ok(())
    }

    /// Tells what runs to stop, and queues again what does not end in time.
    async fn end(&mut self) {
        let until = self.shared.stopping.borrow().unwrap_or_else(Instant::now);
        for run in self.handle.runs().values() {
            run.stop.set();
        }
        while let Ok(Some(ended)) = tokio::time::timeout_at(until, self.running.join_next()).await {
            if let Err(error) = self.end_of(ended) {
                tracing::error!(plugin = %self.plugin, "{error}; a task will be done again");
            }
        }
        self.running.shutdown().await;
        let cut_short: Vec<String> = self.handle.runs().drain().map(|(run, _)| run).collect();
        if let Err(error) = self.write_last(cut_short).await {
            tracing::error!(plugin = %self.plugin, "{error}; some tasks will be done again");
        }
    }

    async fn write_last(&mut self, cut_short: Vec<String>) -> Result<(), Error> {
        if self.ended.is_empty() && cut_short.is_empty() {
            return Ok(());
        }
        let room = match &self.room {
            Some(room) => room.clone(),
            None => match self.open().await? {
                Some(room) => room,
                None => return Ok(()),
            },
        };
        self.write_ended(&room).await?;
        for run in cut_short {
            // The attempt does not count: the server cut it short.
            let sql = "update _switchboard_task set state = 'queued', attempt = attempt - 1
                where run = $1 and state = 'running'";
            room.execute(sql, vec![run.into()]).await?;
        }
        Ok(())
    }
}

/// Waits until others may do them.
async fn lost(alone: &mut Option<Alone>) {
    match alone {
        Some(alone) => alone.lost().await,
        None => std::future::pending().await,
    }
}

/// Waits until it was cancelled, and a while for it to end by itself.
async fn cancelled(cancel: &Notify) {
    cancel.notified().await;
    tokio::time::sleep(CANCEL_WITHIN).await;
}

async fn do_it(snapshot: &Snapshot, plugin: &Arc<Loaded>, caller: Caller, queued: &Queued) -> How {
    let Some(task) = plugin.manifest().provides.tasks.iter().find(|task| task.name == queued.task) else {
        return How::Never(format!("the plugin has no task `{}` any more", queued.task));
    };
    tracing::debug!(plugin = %plugin.id(), run = %queued.run, asked_for_in = %queued.trace, "a task begins");
    let payload = match Payload::from_text(queued.payload.as_str()) {
        Ok(payload) => payload,
        Err(failure) => return How::Never(failure.to_string()),
    };
    let (name, run) = (queued.task.clone(), queued.run.clone());
    let call = Call::Task(TaskCall { name, run, payload, attempt: queued.attempt });
    let terms = Terms { time: Some(Duration::from_secs(task.timeout_seconds)), ..Terms::default() };
    match attempt(snapshot, plugin, caller, terms, call).await {
        Ok(_) => How::Well,
        Err(Unanswered::NoRoom(failure)) => How::NoRoom(failure),
        Err(Unanswered::Failed(failure)) => How::Failed(failure),
    }
}

fn as_json(progress: &Progress) -> Option<String> {
    serde_json::to_string(progress).ok()
}
