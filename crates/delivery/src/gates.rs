//! How many events a plugin handles at a time, whoever said them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use switchboard_manifest::PluginId;
use tokio::sync::watch;

/// How many events each plugin handles that handles only so many at a time.
#[derive(Default)]
pub(crate) struct Gates {
    inside: Mutex<HashMap<PluginId, u32>>,
    /// How often somebody has left.
    left: watch::Sender<u64>,
}

/// A plugin handles an event until this is dropped.
pub(crate) struct Pass {
    gates: Arc<Gates>,
    listener: PluginId,
}

impl Gates {
    fn inside(&self) -> MutexGuard<'_, HashMap<PluginId, u32>> {
        // Nothing panics while it is held.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more event in to a plugin that handles so many at a time; none while it does.
    pub(crate) fn enter(self: &Arc<Self>, listener: &PluginId, most: u32) -> Option<Pass> {
        let mut inside = self.inside();
        let count = inside.entry(listener.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Pass { gates: Arc::clone(self), listener: listener.clone() })
    }

    /// How many more are let in now.
    pub(crate) fn room(&self, listener: &PluginId, most: u32) -> u32 {
        most.saturating_sub(self.inside().get(listener).copied().unwrap_or_default())
    }

    /// Tells when somebody has left.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.left.subscribe()
    }

    /// How often somebody has left.
    pub(crate) fn left(&self) -> u64 {
        *self.left.borrow()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gates.inside();
        if let Some(count) = inside.get_mut(&self.listener) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.listener);
            }
        }
        drop(inside);
        self.gates.left.send_modify(|left| *left += 1);
    }
}
