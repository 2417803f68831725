//! What a room has done since it was opened.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a room has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Statements that only read, outside transactions.
    pub reads: u64,
    /// Writing statements of their own, and interactive transactions, that were acknowledged.
    pub writes: u64,
    /// Times that SQLite committed; each may have carried many writes.
    pub commits: u64,
    /// Times that something was undone: a failed statement, a dropped or expired transaction, a failed commit.
    pub undone: u64,
    /// Statements and transactions that took too long.
    pub timeouts: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) undone: AtomicU64,
    pub(crate) timeouts: AtomicU64,
}

impl Counters {
    pub(crate) fn one_more(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            reads: of(&self.reads),
            writes: of(&self.writes),
            commits: of(&self.commits),
            undone: of(&self.undone),
            timeouts: of(&self.timeouts),
        }
    }
}
