//! What a call uses.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use switchboard_manifest::Capability;

/// What a call has used so far, counted while it runs.
#[derive(Debug, Default)]
pub struct Usage {
    asked: [AtomicU32; Capability::ALL.len()],
    memory: AtomicU64,
}

impl Usage {
    /// Notes that the plugin has asked the host for something of this capability. A transaction counts once.
    pub fn ask(&self, capability: Capability) {
        if let Some(asked) = self.asked.get(capability as usize) {
            asked.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often it has asked, by capability; those that it has not asked for are left out.
    ///
    /// ```
    /// use switchboard_api::Usage;
    /// use switchboard_manifest::Capability;
    /// let usage = Usage::default();
    /// usage.ask(Capability::Kv);
    /// usage.ask(Capability::Kv);
    /// assert_eq!(usage.asked().collect::<Vec<_>>(), [(Capability::Kv, 2)]);
    /// ```
    pub fn asked(&self) -> impl Iterator<Item = (Capability, u32)> {
        let counts = self.asked.iter().map(|asked| asked.load(Ordering::Relaxed));
        Capability::ALL.into_iter().zip(counts).filter(|(_, asked)| *asked > 0)
    }

    /// Notes how many bytes of memory the instance that serves the call has.
    pub fn note_memory(&self, bytes: u64) {
        self.memory.store(bytes, Ordering::Relaxed);
    }

    /// The bytes of memory of the instance that served the call; none for a plugin that is part of the server, which shares the server's.
    pub fn memory(&self) -> Option<u64> {
        Some(self.memory.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_is_counted_for_itself() {
        for capability in Capability::ALL {
            let usage = Usage::default();
            usage.ask(capability);
            assert_eq!(usage.asked().collect::<Vec<_>>(), [(capability, 1)]);
        }
    }
}
