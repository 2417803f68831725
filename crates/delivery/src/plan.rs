//! A plan as a timetable, or what is wrong with it.

use std::time::Duration;

use serde_json::Value as Json;
use switchboard_api::{Failure, Fault, Timestamp, capability::Plan};
use switchboard_timetable::{Fault as NoTimetable, Timetable};

/// The longest that a run may be put off at random, in seconds.
const LONGEST_JITTER: u32 = 86_400;

/// When a plan is due; an interval is counted from a moment.
pub(crate) fn timetable(plan: &Plan, from: Timestamp) -> Result<Timetable, Failure> {
    if plan.jitter_seconds > LONGEST_JITTER {
        let message = format!("a run is put off by {LONGEST_JITTER} seconds at most");
        return Err(fault("jitter_seconds", message, plan.jitter_seconds.into()));
    }
    if let Some(zone) = plan.time_zone.as_deref().filter(|_| plan.cron.is_none()) {
        return Err(fault(
            "time_zone",
            "a time zone is for reading `cron`, and there is none".into(),
            zone.into(),
        ));
    }
    match (plan.cron.as_deref(), plan.every_seconds, plan.at) {
        (Some(cron), None, None) => {
            let zone = plan.time_zone.as_deref().unwrap_or("UTC");
            Timetable::cron(cron, zone).map_err(|why| match why {
                NoTimetable::Zone(_) => fault("time_zone", why.to_string(), zone.into()),
                _ => fault("cron", why.to_string(), cron.into()),
            })
        }
        (None, Some(seconds), None) => {
            let period = Duration::from_secs(seconds);
            let from = from.checked_add(period).unwrap_or(Timestamp::MAX);
            Timetable::every(period, from)
                .map_err(|why| fault("every_seconds", why.to_string(), seconds.into()))
        }
        (None, None, Some(at)) => Ok(Timetable::once(at)),
        (None, None, None) => {
            Err(fault("cron", "say when: by `cron`, `every_seconds` or `at`".to_owned(), Json::Null))
        }
        _ => Err(fault("cron", "say when by one of `cron`, `every_seconds` and `at`".to_owned(), Json::Null)),
    }
}

/// A fault of one field.
pub(crate) fn fault(field: &str, message: String, input: Json) -> Failure {
    Failure::faults(vec![Fault::new("invalid", [field], message, input)])
}
