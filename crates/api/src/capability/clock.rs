//! `clock`: the time, which a test can set.

use crate::Timestamp;

/// The time.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond.
    fn now(&self) -> Timestamp;
}
