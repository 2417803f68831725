//! `clock`: the time.

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
