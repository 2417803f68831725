//! Changes come one at a time, among all processes on one database, and each begins from what the others have changed.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use switchboard_api::Hook;
use switchboard_manifest::PluginId;
use switchboard_store::{Alone, Notice, Room};
use tokio::sync::MutexGuard;

use crate::{error::Error, kernel::Kernel, lifecycle::PluginRow, settings::Settings, state::State};

/// What a process says to the others on the same database when it has changed something.
pub(crate) const CHANGED: &str = "kernel";

/// When it is tried again to read what others have changed.
const AGAIN: Duration = Duration::from_millis(200);

/// While this lives, nobody else changes anything, in this process or another.
pub(crate) struct Changing<'a> {
    // Given back first, so that whoever waits here finds it free.
    _everywhere: Alone,
    _here: MutexGuard<'a, ()>,
}

impl Kernel {
    /// Waits until nobody else changes anything, and takes note of what others have changed.
    pub(crate) async fn changing(&self) -> Result<Changing<'_>, Error> {
        let here = self.one_change.lock().await;
        let everywhere = self.room.alone("changes").await?;
        self.catch_up().await?;
        Ok(Changing { _everywhere: everywhere, _here: here })
    }

    /// Takes note of what other processes on the same database change, as they say it, until it is dropped. On SQLite, where
    /// there is no other, nothing ever comes.
    pub async fn follow_others(&self) -> std::convert::Infallible {
        let mut changes = self.store.changes();
        loop {
            match changes.next().await {
                Notice::Said { topic, .. } if topic != CHANGED => continue,
                Notice::Said { .. } | Notice::Lost => {}
            }
            while let Err(error) = self.catch_up_between_changes().await {
                tracing::error!(
                    "what other servers have changed could not be read, and is tried again: {error}"
                );
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    async fn catch_up_between_changes(&self) -> Result<(), Error> {
        let _here = self.one_change.lock().await;
        self.catch_up().await
    }

    /// Reads everything anew if somebody else has changed something since it was last read.
    async fn catch_up(&self) -> Result<(), Error> {
        // Each change has its line in the audit log, so that the last line's number says whether there was one.
        let last = last_line(&self.room).await?;
        if self.seen.load(Ordering::Acquire) == last {
            return Ok(());
        }
        self.members.forget();
        self.read_directory().await?;
        self.settings.store(Arc::new(Settings::read(&self.room).await?));
        self.read_roles().await?;
        self.read_pauses().await?;
        self.read_where_plugins_are().await?;
        self.follow_switches().await?;
        self.read_versions(None).await?;
        self.seen.store(last, Ordering::Release);
        Ok(())
    }

    /// Unloads the plugins that another process has switched off for the installation, and loads those it has switched on.
    async fn follow_switches(&self) -> Result<(), Error> {
        let recorded: HashMap<PluginId, PluginRow> = self.recorded().await?;
        let (resolution, snapshot, catalog) = (self.resolve(&recorded), self.snapshot(), self.catalog());
        let serves = |id: &PluginId| resolution.order.contains(id);
        let (rest, gone): (Vec<_>, Vec<_>) =
            snapshot.plugins().iter().cloned().partition(|plugin| serves(plugin.id()));
        let is_back = resolution
            .order
            .iter()
            .filter_map(|id| catalog.entry(id.as_str()))
            .any(|entry| matches!(entry.state, State::Disabled { .. }));
        if gone.is_empty() && !is_back {
            return Ok(());
        }
        for plugin in gone.iter().rev() {
            if let Err(error) = self.hook(plugin, None, Hook::Unload).await {
                tracing::warn!(plugin = %plugin.id(), "{error}");
            }
        }
        self.swap(rest);
        self.bring_up_all(&resolution, &recorded).await
    }
}

/// The number of the audit log's last line.
pub(crate) async fn last_line(room: &Room) -> Result<i64, Error> {
    let last = room.query("select last_id from audit_chain", vec![]).await?.to::<i64>()?.pop();
    last.ok_or_else(|| Error::Data("the audit log has no end".to_owned()))
}
