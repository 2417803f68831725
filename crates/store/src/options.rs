//! How a store is run.

use std::time::Duration;

/// The largest value, and the largest row, in bytes.
pub(crate) const VALUE_BYTES: i32 = 16 << 20;

/// How a store is run. The defaults suit a server that must not lose what it acknowledged.
#[derive(Debug, Clone)]
pub struct Options {
    /// When an acknowledged write has reached the disk. [`Synchronous::Full`] unless said otherwise. Of SQLite alone:
    /// PostgreSQL has a setting of its own.
    pub synchronous: Synchronous,
    /// How long one statement may run. Five seconds unless said otherwise.
    pub statement_time: Duration,
    /// How long an interactive transaction may hold its room's writer. Five seconds unless said otherwise.
    pub transaction_time: Duration,
    /// How many statements may read a room at once, at least one. Two unless said otherwise; each costs a
    /// connection, opened when first needed. Of SQLite alone.
    pub readers: usize,
    /// How many connections to PostgreSQL may be open for all rooms together, at least two. Twenty-four unless said otherwise;
    /// two more are for notices and locks.
    pub connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            statement_time: Duration::from_secs(5),
            transaction_time: Duration::from_secs(5),
            readers: 2,
            connections: 24,
        }
    }
}

/// When an acknowledged write has reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Before it is acknowledged: it survives a power cut.
    #[default]
    Full,
    /// Some time later: a power cut may take the last writes, but never leaves half of one. For tests.
    Normal,
}

impl Synchronous {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
        }
    }
}
