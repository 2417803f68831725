//! What the workers share.

use std::{
    sync::{Arc, OnceLock, Weak, atomic::AtomicBool},
    time::Duration,
};

use switchboard_api::{Actions, Actor, ActorKind, Timestamp, capability::Clock};
use switchboard_kernel::{Kernel, plugin_of, room_of};
use switchboard_manifest::PluginId;
use switchboard_store::{Room, Store};
use tokio::{sync::watch, time::Instant};

use crate::{
    Error, Options,
    gates::Gates,
    onlooker::Onlookers,
    prepare,
    tables::{has_outbox, has_tasks},
};

/// How long it is known at least that an event was handled.
const MARKS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// What the workers share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    pub(crate) kernel: OnceLock<Weak<Kernel>>,
    /// Until when what runs may go on, once the server is stopping.
    pub(crate) stopping: watch::Sender<Option<Instant>>,
    pub(crate) onlookers: Onlookers,
    pub(crate) gates: Arc<Gates>,
    /// Whether it is looked for events that are said on other servers.
    pub(crate) looks_elsewhere: AtomicBool,
}

impl Shared {
    pub(crate) fn kernel(&self) -> Option<Arc<Kernel>> {
        self.kernel.get()?.upgrade()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.borrow().is_some()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The moment that far from now.
    pub(crate) fn after(&self, wait: Duration) -> Timestamp {
        let now = self.now();
        jiff::SignedDuration::try_from(wait)
            .ok()
            .and_then(|wait| now.checked_add(wait).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// The moment before which what is done may be forgotten.
    pub(crate) fn keep_since(&self) -> Timestamp {
        self.before(self.options.keep)
    }

    /// The moment before which it may be forgotten that an event was handled: long after the event itself, which may come once more
    /// after a pause.
    pub(crate) fn marks_since(&self) -> Timestamp {
        self.before(self.options.keep.max(MARKS_KEPT))
    }

    /// The moment that long ago.
    fn before(&self, time: Duration) -> Timestamp {
        let time = jiff::SignedDuration::try_from(time).ok();
        time.and_then(|time| self.now().checked_sub(time).ok()).unwrap_or(Timestamp::MIN)
    }

    /// How long it is until then, by this machine's clock.
    pub(crate) fn until(&self, at: Timestamp) -> Duration {
        // A set clock may stand still; a machine must not spin then.
        let least = Duration::from_millis(1);
        Duration::try_from(at.duration_since(self.now())).unwrap_or_default().max(least)
    }

    /// The room of a plugin, with the tables that are needed in it.
    pub(crate) async fn room(&self, plugin: &PluginId) -> Result<Room, Error> {
        let room = self.store.room(&room_of(plugin)).await?;
        prepare(&room).await?;
        Ok(room)
    }

    /// The rooms in which events may be, by plugin, whether it serves or not: that of one, or of all.
    pub(crate) async fn rooms(&self, of: Option<&PluginId>) -> Result<Vec<(PluginId, Room)>, Error> {
        let mut rooms = Vec::new();
        for name in self.store.rooms().await? {
            let wanted = |plugin: &PluginId| of.is_none_or(|of| of == plugin);
            let Some(plugin) = plugin_of(&name).filter(wanted) else { continue };
            let room = self.store.room(&name).await?;
            if has_outbox(&room).await? {
                rooms.push((plugin, room));
            }
        }
        rooms.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(rooms)
    }

    /// Those of them that hold tasks and schedules as this version keeps them.
    pub(crate) async fn rooms_with_tasks(
        &self,
        of: Option<&PluginId>,
    ) -> Result<Vec<(PluginId, Room)>, Error> {
        let mut rooms = Vec::new();
        for (plugin, room) in self.rooms(of).await? {
            if has_tasks(&room).await? {
                rooms.push((plugin, room));
            }
        }
        Ok(rooms)
    }
}

/// A plugin on its own account: what it may do is decided by what it was granted, not by who set it off.
pub(crate) fn actor_of(plugin: &PluginId) -> Arc<Actor> {
    Arc::new(Actor::free(ActorKind::Plugin, plugin.as_str(), Actions::all()))
}

/// A moment as the tables hold it; one that cannot be is long past.
pub(crate) fn moment(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How often work broke off of late.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    count: u32,
    last: Option<Instant>,
}

impl Troubles {
    /// It did again; how long to wait before it goes on.
    pub(crate) fn one_more(&mut self, options: &Options) -> Duration {
        let of_late = options.longest_wait.saturating_mul(2);
        let is_another = self.last.is_some_and(|last| last.elapsed() < of_late);
        self.count = if is_another { self.count.saturating_add(1) } else { 1 };
        self.last = Some(Instant::now());
        options.wait_after(self.count)
    }
}
