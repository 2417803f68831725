//! What is kept of a plugin that is to be removed with its data: its own events and tasks, and the events of others that wait for it.

use std::sync::atomic::Ordering;

use serde::Deserialize;
use switchboard_kernel::room_of;
use switchboard_manifest::PluginId;
use switchboard_store::Room;

use crate::{Delivery, Error, fan_out::REPLAYED, tables::has_outbox};

/// What is still to be done, of one plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Its tasks that wait or run.
    pub tasks: u64,
    /// Its events that not everyone has heard, and those of others that it has not heard; those that were given up too.
    pub events: u64,
}

impl Delivery {
    /// What is still to be done of a plugin.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn waiting(&self, plugin: &PluginId) -> Result<Waiting, Error> {
        #[derive(Deserialize)]
        struct Own {
            tasks: u64,
            events: u64,
        }
        let (rooms, own) = (self.shared.store.rooms().await?, room_of(plugin));
        let mut waiting = Waiting::default();
        if rooms.contains(&own) {
            let room = self.shared.store.room(&own).await?;
            if has_outbox(&room).await? {
                let sql = "select (select count(*) from _switchboard_task where state in ('queued', 'running')) as tasks,
                    (select count(*) from _switchboard_outbox o where o.seq > coalesce((select seq from _switchboard_cursor), -1)
                        or exists (select 1 from _switchboard_delivery d where d.seq = o.seq and d.state <> 'discarded')) as events";
                if let Some(Own { tasks, events }) = room.query(sql, vec![]).await?.to::<Own>()?.pop() {
                    waiting = Waiting { tasks, events };
                }
            }
        }
        for (_, room) in self.others(plugin).await? {
            let sql =
                "select count(*) from _switchboard_delivery where listener = $1 and state <> 'discarded'";
            let rows = room.query(sql, vec![plugin.as_str().into()]).await?;
            waiting.events += rows.to::<u64>()?.pop().unwrap_or_default();
        }
        Ok(waiting)
    }

    /// Ends all work of a plugin that does not serve, and forgets which events of others wait for it. What waits of its own is in its
    /// room, and goes with that.
    ///
    /// # Errors
    /// [`Error::Store`]; some of it may be done then, and is done when this is called again.
    pub async fn forget(&self, plugin: &PluginId) -> Result<(), Error> {
        for (source, room) in self.others(plugin).await? {
            let sql = "delete from _switchboard_delivery where listener = $1";
            if room.execute(sql, vec![plugin.as_str().into()]).await?.rows_affected == 0 {
                continue;
            }
            // Whoever delivers them has them in memory.
            match self.served(&source) {
                Ok(served) if !served.events.elsewhere.load(Ordering::Acquire) => {
                    served.events.reread.store(true, Ordering::Release);
                    served.events.signal.wake();
                }
                _ => self.shared.store.announce(REPLAYED, source.as_str()).await?,
            }
        }
        self.end(plugin).await;
        Ok(())
    }

    /// The rooms of all other plugins in which events may wait.
    async fn others(&self, plugin: &PluginId) -> Result<Vec<(PluginId, Room)>, Error> {
        let mut others = self.shared.rooms(None).await?;
        others.retain(|(other, _)| other != plugin);
        Ok(others)
    }
}
