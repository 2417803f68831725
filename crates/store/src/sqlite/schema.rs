//! Whether a room's tables are still as they were when they were last looked at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::tables::Tables;

/// What all connections to a room know of its tables, and a count of how often these changed.
///
/// The one connection that writes says so before it changes them, and again when that is committed or undone. Whoever reads
/// asks before and after: what was read while they changed is not given to a tenant.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// Odd while they change.
    count: AtomicU64,
    known: Mutex<Option<(Turn, Arc<Tables>)>>,
}

/// A time during which the tables did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn(u64);

impl Schema {
    /// The tables are about to change.
    pub(crate) fn changes(&self) {
        self.count.fetch_or(1, Ordering::SeqCst);
    }

    /// What was changed is committed or undone.
    pub(crate) fn settles(&self) {
        let settled = |count: u64| (!count.is_multiple_of(2)).then(|| count.wrapping_add(1));
        let _ = self.count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, settled);
    }

    /// Nothing while they change.
    pub(crate) fn turn(&self) -> Option<Turn> {
        let count = self.count.load(Ordering::SeqCst);
        count.is_multiple_of(2).then_some(Turn(count))
    }

    /// What somebody found the tables to be in that time.
    pub(crate) fn known_in(&self, turn: Turn) -> Option<Arc<Tables>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(of, _)| *of == turn).map(|(_, tables)| Arc::clone(tables))
    }

    pub(crate) fn learn(&self, turn: Turn, tables: &Arc<Tables>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((turn, Arc::clone(tables)));
    }
}
