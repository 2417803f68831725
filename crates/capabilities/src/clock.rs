//! `clock`: the time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, TimestampRound, Unit};
use switchboard_api::capability::Clock;

/// The time of the machine, to the microsecond.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        let round = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
        now.round(round).unwrap_or(now)
    }
}

/// A clock that stands until a test moves it. It begins at 2026-01-02T03:04:05Z.
#[derive(Debug)]
pub struct SetClock(Mutex<Timestamp>);

impl Default for SetClock {
    fn default() -> Self {
        Self(Mutex::new(Timestamp::constant(1_767_323_045, 0)))
    }
}

impl SetClock {
    /// Sets the time.
    pub fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Moves the time on; where there is no such time, to the last that there is.
    pub fn advance(&self, by: Duration) {
        let mut time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *time = time.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
