//! When what recurs is due: cron expressions in a time zone, intervals, and single moments.
//!
//! Nothing here waits or knows a clock: [`Timetable::next_after`] is asked for a moment and gives the next one. The words of a
//! cron expression, and what becomes of it when clocks are put forward and back, are croner's, which follows Vixie's cron.

use std::time::Duration;

use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// When something is due.
///
/// ```
/// use jiff::Timestamp;
/// use switchboard_timetable::Timetable;
///
/// let early = Timetable::cron("30 4 * * *", "Europe/Berlin")?;
/// let summer: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
/// assert_eq!(early.next_after(summer), Some("2026-07-02T02:30:00Z".parse().unwrap()));
/// # Ok::<(), switchboard_timetable::Fault>(())
/// ```
#[derive(Debug, Clone)]
pub struct Timetable(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Cron(Box<Cron>, TimeZone),
    Every { period: SignedDuration, from: Timestamp },
    Once(Timestamp),
}

/// Why something is no timetable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The cron expression has a part that cannot be read.
    #[error("`{expression}` is not a cron expression: {why}")]
    Cron {
        /// What was written.
        expression: String,
        /// What is wrong with it.
        why: String,
    },
    /// No moment of the next hundred years fits the cron expression, such as one for the 30th of February.
    #[error("`{0}` never comes: no date fits it")]
    Never(String),
    /// No such time zone is known.
    #[error("`{0}` is no time zone; write one of the IANA database, such as `Europe/Berlin` or `UTC`")]
    Zone(String),
    /// The interval is not from one second to ten years.
    #[error("an interval is 1 second to 10 years long, and this is {0:?}")]
    Interval(Duration),
}

/// The longest interval: ten years.
const LONGEST: Duration = Duration::from_secs(315_360_000);

impl Timetable {
    /// By a cron expression of five fields (minute, hour, day of the month, month, day of the week), or of six with the second in
    /// front, read on the clocks of an IANA time zone.
    ///
    /// A time of day that is left out when clocks are put forward is due right after the gap; one that comes twice when they are put back is due
    /// once, unless the expression repeats through the hour, such as `*/15 * * * *`.
    ///
    /// # Errors
    /// [`Fault::Cron`], [`Fault::Never`], [`Fault::Zone`].
    pub fn cron(expression: &str, time_zone: &str) -> Result<Self, Fault> {
        let zone = TimeZone::get(time_zone).map_err(|_| Fault::Zone(time_zone.to_owned()))?;
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(expression).map_err(|error| {
            let why = match error {
                CronError::InvalidPattern(why)
                | CronError::IllegalCharacters(why)
                | CronError::ComponentError(why) => why,
                other => other.to_string(),
            };
            Fault::Cron { expression: expression.to_owned(), why }
        })?;
        let timetable = Self(Kind::Cron(Box::new(cron), zone));
        match timetable.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(timetable),
            None => Err(Fault::Never(expression.to_owned())),
        }
    }

    /// Every so long, counted from a moment: what is late once does not make the next late.
    ///
    /// # Errors
    /// [`Fault::Interval`] when it is not one second to ten years.
    pub fn every(period: Duration, from: Timestamp) -> Result<Self, Fault> {
        let fault = Fault::Interval(period);
        if period < Duration::from_secs(1) || period > LONGEST {
            return Err(fault);
        }
        let period = SignedDuration::try_from(period).map_err(|_| fault)?;
        Ok(Self(Kind::Every { period, from }))
    }

    /// At one moment, and never again.
    pub fn once(at: Timestamp) -> Self {
        Self(Kind::Once(at))
    }

    /// The first moment behind the given one at which it is due; none when there is none.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::Once(at) => Some(*at).filter(|at| *at > moment),
            Kind::Every { period, from } => {
                if moment < *from {
                    return Some(*from);
                }
                let past = moment.duration_since(*from).as_micros();
                let steps = past / period.as_micros() + 1;
                let ahead = i64::try_from(steps * period.as_micros()).ok()?;
                from.checked_add(SignedDuration::from_micros(ahead)).ok()
            }
            Kind::Cron(cron, zone) => {
                let local = moment.to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&local, false).ok()?.timestamp();
                // Of an hour that comes twice, a time may be found again that has been.
                (next > moment).then_some(next)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn after(timetable: &Timetable, from: &str, count: usize) -> Vec<String> {
        let mut at = moment(from);
        let mut moments = Vec::new();
        while let Some(next) = timetable.next_after(at).filter(|_| moments.len() < count) {
            moments.push(next.to_string());
            at = next;
        }
        moments
    }

    #[test]
    fn a_time_of_day_follows_the_clocks_of_its_zone() {
        let early = Timetable::cron("30 4 * * *", "Europe/Berlin").unwrap();
        assert_eq!(
            after(&early, "2026-03-27T12:00:00Z", 3),
            ["2026-03-28T03:30:00Z", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_is_left_out_is_due_after_the_gap() {
        let left_out = Timetable::cron("30 2 * * *", "Europe/Berlin").unwrap();
        assert_eq!(
            after(&left_out, "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_comes_twice_is_due_once_and_what_repeats_goes_on() {
        let twice = Timetable::cron("30 2 * * *", "Europe/Berlin").unwrap();
        assert_eq!(
            after(&twice, "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        let repeated = Timetable::cron("*/30 * * * *", "Europe/Berlin").unwrap();
        let moments = after(&repeated, "2026-10-24T23:59:00Z", 7);
        assert_eq!(moments.first().unwrap(), "2026-10-25T00:00:00Z");
        assert_eq!(
            moments.last().unwrap(),
            "2026-10-25T03:00:00Z",
            "each half hour that passes: {moments:?}"
        );
    }

    #[test]
    fn seconds_and_the_last_day_are_understood() {
        let seconds = Timetable::cron("*/20 * * * * *", "UTC").unwrap();
        assert_eq!(
            after(&seconds, "2026-01-01T00:00:00Z", 3),
            ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z"]
        );
        let last = Timetable::cron("0 0 L * *", "UTC").unwrap();
        assert_eq!(after(&last, "2028-02-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    }

    #[test]
    fn an_interval_keeps_its_beat_however_late_it_is_asked() {
        let beat = Timetable::every(Duration::from_secs(300), moment("2026-01-01T00:02:00Z")).unwrap();
        assert_eq!(after(&beat, "2025-01-01T00:00:00Z", 1), ["2026-01-01T00:02:00Z"]);
        assert_eq!(after(&beat, "2026-01-01T00:02:00Z", 1), ["2026-01-01T00:07:00Z"]);
        assert_eq!(after(&beat, "2026-05-01T11:13:14Z", 1), ["2026-05-01T11:17:00Z"]);
    }

    #[test]
    fn a_single_moment_comes_once() {
        let once = Timetable::once(moment("2026-01-01T00:00:00Z"));
        assert_eq!(after(&once, "2025-01-01T00:00:00Z", 5), ["2026-01-01T00:00:00Z"]);
    }

    #[test]
    fn what_is_no_timetable_says_why() {
        let why = |expression: &str| Timetable::cron(expression, "UTC").unwrap_err().to_string();
        assert_eq!(why("0 0 30 2 *"), "`0 0 30 2 *` never comes: no date fits it");
        for bad in ["", "* * * *", "61 * * * *", "whenever", "* * * * * * *"] {
            assert!(why(bad).contains("is not a cron expression"), "{bad}: {}", why(bad));
        }
        let zone = Timetable::cron("* * * * *", "Europe/Atlantis").unwrap_err();
        assert_eq!(zone, Fault::Zone("Europe/Atlantis".to_owned()));
        let now = Timestamp::UNIX_EPOCH;
        assert!(Timetable::every(Duration::ZERO, now).is_err());
        assert!(Timetable::every(LONGEST * 2, now).is_err());
        assert!(Timetable::every(LONGEST, now).is_ok());
    }
}
