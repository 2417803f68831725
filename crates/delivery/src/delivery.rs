//! Everything that must happen later, of every plugin.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use switchboard_api::{Event, capability::Clock};
use switchboard_kernel::{Kernel, Loaded, Pauses, Snapshot, room_of};
use switchboard_manifest::{PluginId, Task};
use switchboard_store::{Engine, Notice, Store, Transaction};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use crate::{
    Error, EventFilter, Options,
    fan_out::{FanOut, FanOutHandle, REPLAYED, WOKEN},
    marks::mark,
    onlooker::Onlookers,
    outbox::said_after,
    shared::Shared,
    tasks::{Tasks, TasksHandle},
};

/// How much there is to do, over all plugins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that are not with everyone yet; one that waits for several listeners counts for each.
    pub pending: u64,
    /// Events that were given up, for each listener.
    pub dead: u64,
    /// Tasks that wait for their turn or for their next attempt.
    pub tasks_queued: u64,
    /// Tasks that run.
    pub tasks_running: u64,
}

/// Everything that must happen later, of every plugin.
///
/// Each plugin that was loaded has two workers, for its events and its tasks. They sleep until they are woken, or until
/// the next attempt is due; nothing is polled. Dropping it ends them at once, and loses nothing: what was under way is
/// done again after the next start.
pub struct Delivery {
    pub(crate) shared: Arc<Shared>,
    pub(crate) served: Arc<ArcSwap<HashMap<PluginId, Served>>>,
    /// Held while a plugin is added; the tasks of the workers.
    workers: Mutex<Workers>,
}

#[derive(Default)]
struct Workers {
    started: bool,
    running: Vec<Worker>,
}

struct Worker {
    /// Whose; none for the one that hears other servers.
    plugin: Option<PluginId>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) events: Arc<FanOutHandle>,
    pub(crate) tasks: Arc<TasksHandle>,
}

impl Served {
    fn wake(&self) {
        self.events.signal.wake();
        self.tasks.signal.wake();
    }
}

impl Delivery {
    /// Delivery of what stands in these databases. It does nothing before [`start`](Self::start).
    pub fn new(store: Store, clock: Arc<dyn Clock>, options: Options) -> Arc<Self> {
        let stopping = watch::Sender::new(None);
        let shared = Shared {
            store,
            clock,
            options,
            kernel: OnceLock::new(),
            stopping,
            onlookers: Onlookers::default(),
            gates: Arc::default(),
            looks_elsewhere: AtomicBool::new(false),
        };
        Arc::new(Self { shared: Arc::new(shared), served: Arc::default(), workers: Mutex::default() })
    }

    /// Says who decides who is called. Only the first time counts; the kernel is not kept alive.
    pub fn attach(&self, kernel: &Arc<Kernel>) {
        // A second kernel over the same databases there is not.
        let _ = self.shared.kernel.set(Arc::downgrade(kernel));
    }

    /// Begins to deliver, with what is left from before, for every plugin that has a room, whether it serves or not: what it
    /// said before it was switched off, others hear all the same.
    ///
    /// One that gets its room later is served from the first time that it is woken, or from the next call of this.
    ///
    /// # Errors
    /// [`Error::Store`] when the room of a plugin cannot be used.
    pub async fn start(self: &Arc<Self>) -> Result<(), Error> {
        let Some(kernel) = self.shared.kernel() else { return Ok(()) };
        let rooms = self.shared.store.rooms().await?;
        let catalog = kernel.catalog();
        let plugins: Vec<&PluginId> =
            catalog.entries().map(|(id, _)| id).filter(|id| rooms.contains(&room_of(id))).collect();
        for plugin in &plugins {
            self.shared.room(plugin).await?;
        }
        self.workers().started = true;
        if self.shared.store.engine() != Engine::Sqlite {
            self.hear();
        }
        self.follow(kernel.follow_pauses());
        for plugin in plugins {
            self.begin(plugin);
        }
        self.follow_manifests(&kernel);
        Ok(())
    }

    /// Has the schedules of each plugin follow its manifest, whenever it is loaded.
    fn follow_manifests(self: &Arc<Self>, kernel: &Arc<Kernel>) {
        let (mut changes, mut stopping) = (kernel.changes(), self.shared.stopping.subscribe());
        let mut known = HashMap::new();
        self.wake_new(&kernel.snapshot(), &mut known);
        let (delivery, kernel) = (Arc::downgrade(self), Arc::downgrade(kernel));
        let following = tokio::spawn(async move {
            loop {
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() { return },
                    _ = stopping.changed() => return,
                }
                let (Some(delivery), Some(kernel)) = (delivery.upgrade(), kernel.upgrade()) else { return };
                delivery.wake_new(&kernel.snapshot(), &mut known);
            }
        });
        self.workers().running.push(Worker { plugin: None, task: following });
    }

    /// Wakes the tasks of each plugin that was loaded since the last time.
    fn wake_new(&self, snapshot: &Snapshot, known: &mut HashMap<PluginId, Weak<Loaded>>) {
        for plugin in snapshot.plugins() {
            let now = Arc::downgrade(plugin);
            let before = known.insert(plugin.id().clone(), Weak::clone(&now));
            if before.is_some_and(|before| Weak::ptr_eq(&before, &now)) {
                continue;
            }
            let served = if plugin.manifest().provides.tasks.iter().any(Task::is_scheduled) {
                self.served_or_begun(plugin.id())
            } else {
                // It may have had schedules before.
                self.served(plugin.id()).ok()
            };
            if let Some(served) = served {
                served.tasks.signal.wake();
            }
        }
    }

    /// There is something new in a plugin's room. To be called after the commit; costs next to nothing.
    pub fn wake(&self, plugin: &PluginId) {
        if let Some(served) = self.served.load().get(plugin) {
            served.events.signal.wake();
            if served.events.elsewhere.load(Ordering::Acquire) {
                self.tell(plugin);
            }
            served.events.said.fetch_add(1, Ordering::AcqRel);
        } else if let Some(served) = self.serve(plugin) {
            served.events.signal.wake();
            served.events.said.fetch_add(1, Ordering::AcqRel);
        }
        if self.shared.onlookers.news.receiver_count() > 0 {
            self.shared.onlookers.news.send_modify(|news| *news += 1);
        }
    }

    /// Marks an event as handled, within a transaction of the plugin that handles it. False when it is marked already: by a
    /// transaction that was committed, or by this one. It is forgotten after ninety days, or when events are if that is later.
    ///
    /// # Errors
    /// Those of statements.
    pub async fn mark(
        &self,
        transaction: &mut Transaction,
        source: &str,
        id: &str,
    ) -> Result<bool, switchboard_store::Error> {
        mark(transaction, source, id, self.shared.now(), self.shared.marks_since()).await
    }

    /// The events that a plugin said and that are still kept, oldest first: the first ten thousand.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn said(&self, source: &PluginId) -> Result<Vec<Event>, Error> {
        let said =
            said_after(&self.shared.room(source).await?, &EventFilter::default(), 0, 10_000, usize::MAX)
                .await?;
        said.iter().map(|said| said.event(source.as_str(), 1)).collect()
    }

    /// How much there is to do.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for served in self.served.load().values() {
            counts.pending += served.events.pending.load(Ordering::Relaxed);
            counts.dead += served.events.dead.load(Ordering::Relaxed);
            counts.tasks_queued += served.tasks.queued.load(Ordering::Relaxed);
            counts.tasks_running += served.tasks.running.load(Ordering::Relaxed);
        }
        counts
    }

    /// Waits until everything that is due now is done, and what follows from it. What waits for a later moment, such as
    /// another attempt, is not waited for: a test sets the clock on and asks again.
    pub async fn idle(&self) {
        // One that had nothing left may have got something from another that was under way. When nothing was begun in a whole
        // round, nothing was under way at its end; when nothing was in the next one either, nobody got anything meanwhile.
        let mut still = 0;
        while still < 2 {
            let all: Vec<Served> = self.served.load().values().cloned().collect();
            let begun =
                || all.iter().map(|it| it.events.signal.begun() + it.tasks.signal.begun()).sum::<u64>();
            let before = begun();
            for served in &all {
                served.events.signal.nothing_left().await;
                served.tasks.signal.nothing_left().await;
            }
            let is_still = begun() == before && all.len() == self.served.load().len();
            still = if is_still { still + 1 } else { 0 };
        }
    }

    /// Stops: nothing is begun any more, tasks are told to stop, and what runs may come to its end within the grace. What
    /// does not is done again after the next start.
    pub async fn stop(&self, grace: Duration) {
        self.dismiss_onlookers();
        self.shared.stopping.send_if_modified(|until| {
            let first = until.is_none();
            until.get_or_insert_with(|| Instant::now() + grace);
            first
        });
        let running = std::mem::take(&mut self.workers().running);
        for worker in running {
            if let Err(error) = worker.task.await {
                tracing::error!("a worker of the delivery broke off: {error}");
            }
        }
        self.served.store(Arc::default());
    }

    /// Tells other servers that there is something to do for a plugin.
    fn tell(&self, plugin: &PluginId) {
        let (shared, plugin) = (Arc::clone(&self.shared), plugin.clone());
        tokio::spawn(async move {
            if let Err(error) = shared.store.announce(WOKEN, plugin.as_str()).await {
                tracing::warn!(%plugin, "other servers are not told of what is to be done for it, and find it when they look next: {error}");
            }
        });
    }

    /// Has workers look at once when somebody can hear again who could not.
    fn follow(&self, mut pauses: watch::Receiver<Arc<Pauses>>) {
        let (served, mut stopping) = (Arc::clone(&self.served), self.shared.stopping.subscribe());
        let mut left = self.shared.gates.follow();
        let following = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Ok(()) = pauses.changed() => {}
                    Ok(()) = left.changed() => {}
                    _ = stopping.changed() => return,
                }
                served.load().values().for_each(|served| served.events.stirred.notify_one());
            }
        });
        self.workers().running.push(Worker { plugin: None, task: following });
    }

    /// Wakes workers when other servers say so.
    fn hear(self: &Arc<Self>) {
        let (delivery, mut changes) = (Arc::downgrade(self), self.shared.store.changes());
        let mut stopping = self.shared.stopping.subscribe();
        let hearing = tokio::spawn(async move {
            loop {
                let notice = tokio::select! {
                    notice = changes.next() => notice,
                    _ = stopping.changed() => return,
                };
                let Some(delivery) = delivery.upgrade() else { return };
                match notice {
                    Notice::Lost => delivery.served.load().values().for_each(Served::wake),
                    Notice::Said { topic, payload } if topic == WOKEN || topic == REPLAYED => {
                        let Ok(plugin) = payload.parse() else { continue };
                        // What it said first, or has to do first, was so on another server.
                        let Some(one) = delivery.served(&plugin).ok().or_else(|| delivery.begin(&plugin))
                        else {
                            continue;
                        };
                        if topic == REPLAYED && !one.events.elsewhere.load(Ordering::Acquire) {
                            one.events.reread.store(true, Ordering::Release);
                        }
                        one.wake();
                    }
                    Notice::Said { .. } => {}
                }
            }
        });
        self.workers().running.push(Worker { plugin: None, task: hearing });
    }

    /// Ends a plugin's workers, which hold its room. What was under way is begun again when they are.
    pub(crate) async fn end(&self, plugin: &PluginId) {
        let (ended, served) = {
            let mut workers = self.workers();
            let running = std::mem::take(&mut workers.running);
            let (ended, rest): (Vec<_>, _) =
                running.into_iter().partition(|worker| worker.plugin.as_ref() == Some(plugin));
            workers.running = rest;
            let mut next = HashMap::clone(&self.served.load());
            let served = next.remove(plugin);
            self.served.store(Arc::new(next));
            (ended, served)
        };
        for worker in ended {
            worker.task.abort();
            // It was broken off, as it should be.
            let _ = worker.task.await;
        }
        if let Some(served) = served {
            served.events.signal.close();
            served.tasks.signal.close();
        }
    }

    pub(crate) fn served(&self, plugin: &PluginId) -> Result<Served, Error> {
        self.served.load().get(plugin).cloned().ok_or_else(|| Error::NotServed(plugin.clone()))
    }

    /// A plugin's workers, which are started if they do not run; none before the start and after the stop.
    pub(crate) fn served_or_begun(&self, plugin: &PluginId) -> Option<Served> {
        self.served(plugin).ok().or_else(|| self.serve(plugin))
    }

    /// Starts a plugin's workers, if they do not run; none before the start and after the stop. Other servers are told, so that they stand
    /// by for when this one dies.
    pub(crate) fn serve(&self, plugin: &PluginId) -> Option<Served> {
        let served = self.begin(plugin);
        if served.is_some() && self.shared.store.engine() != Engine::Sqlite {
            self.tell(plugin);
        }
        served
    }

    fn begin(&self, plugin: &PluginId) -> Option<Served> {
        let mut workers = self.workers();
        if !workers.started || self.shared.is_stopping() {
            return None;
        }
        let all = self.served.load();
        if let Some(served) = all.get(plugin) {
            return Some(served.clone());
        }
        let (fan_out, events) = FanOut::new(Arc::clone(&self.shared), plugin.clone());
        let (worker, tasks) = Tasks::new(Arc::clone(&self.shared), plugin.clone());
        for task in [tokio::spawn(fan_out.run()), tokio::spawn(worker.run())] {
            workers.running.push(Worker { plugin: Some(plugin.clone()), task });
        }
        let served = Served { events, tasks };
        let mut next = HashMap::clone(&all);
        next.insert(plugin.clone(), served.clone());
        self.served.store(Arc::new(next));
        Some(served)
    }

    fn workers(&self) -> MutexGuard<'_, Workers> {
        // Nothing panics while it is held.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        for worker in &self.workers().running {
            worker.task.abort();
        }
    }
}
