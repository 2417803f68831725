//! What is handed out unasked.

use serde_json::Value as Json;
use switchboard_api::{
    Failure, Fault, Payload, Timestamp,
    capability::{AuditEntry, Level, Reading, Work},
};

use super::super::{
    Calling,
    bindings::switchboard::plugin::{
        audit, call, clock, config, filter_points, log, metrics, random, schemas,
    },
};

#[derive(Clone, Copy)]
pub(crate) struct Audit;
#[derive(Clone, Copy)]
pub(crate) struct Authority;
#[derive(Clone, Copy)]
pub(crate) struct Log;
#[derive(Clone, Copy)]
pub(crate) struct Clock;
#[derive(Clone, Copy)]
pub(crate) struct Random;
#[derive(Clone, Copy)]
pub(crate) struct Config;
#[derive(Clone, Copy)]
pub(crate) struct Schemas;
#[derive(Clone, Copy)]
pub(crate) struct Compute;
#[derive(Clone, Copy)]
pub(crate) struct Filters;
#[derive(Clone, Copy)]
pub(crate) struct Metrics;

impl Audit {
    pub(crate) async fn record(self, _: &Calling, entry: AuditEntry) -> Result<(), Failure> {
        let AuditEntry { action, subject, before, after } = entry;
        let (before, after) = (before.into_text().into(), after.into_text().into());
        Ok(audit::record_entry(&audit::Entry { action, subject, before, after })?)
    }
}

impl Authority {
    pub(crate) fn require(self, _: &Calling, action: &str, thing: Option<&str>) -> Result<(), Failure> {
        Ok(call::require(action, thing)?)
    }
}

impl Log {
    pub(crate) fn write(self, _: &Calling, level: Level, message: &str) {
        let level = match level {
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        log::write(level, message);
    }
}

impl Clock {
    pub(crate) fn now(self) -> Timestamp {
        super::moment(clock::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Random {
    pub(crate) fn fill(self, bytes: &mut [u8]) {
        /// How many the host gives at once.
        const MOST: usize = 64 << 10;
        for part in bytes.chunks_mut(MOST) {
            let given = random::get_bytes(u32::try_from(part.len()).unwrap_or(u32::MAX));
            part.copy_from_slice(&given);
        }
    }
}

impl Config {
    pub(crate) fn read(self, _: &Calling) -> Result<Payload, Failure> {
        Ok(Payload::from_checked_text(config::read()?))
    }
}

impl Schemas {
    pub(crate) fn check(self, schema: &Json, value: &Json, root: &[&str]) -> Vec<Fault> {
        let words: Vec<String> = root.iter().map(|word| (*word).to_owned()).collect();
        match schemas::check(&schema.to_string(), &value.to_string(), &words) {
            Ok(faults) => faults.into_iter().map(Into::into).collect(),
            Err(failure) => {
                vec![Fault::new("not_checked", root.iter().copied(), failure.message, value.clone())]
            }
        }
    }
}

impl Compute {
    /// Does the work where it is: the host runs every call of a component apart from what serves requests.
    pub(crate) async fn run(self, _: &Calling, work: Work) -> Result<(), Failure> {
        work();
        Ok(())
    }
}

impl Filters {
    pub(crate) async fn apply(self, _: &Calling, point: &str, payload: Payload) -> Result<Payload, Failure> {
        Ok(Payload::from_checked_text(filter_points::apply(point, payload.as_str())?))
    }
}

impl Metrics {
    pub(crate) fn note(self, _: &Calling, name: &str, labels: &[(&str, &str)], reading: Reading) {
        let labels: Vec<_> =
            labels.iter().map(|(name, says)| ((*name).to_owned(), (*says).to_owned())).collect();
        match reading {
            Reading::More(more) => metrics::count(name, more, &labels),
            Reading::Now(now) => metrics::set(name, now, &labels),
            Reading::Value(value) => metrics::observe(name, value, &labels),
        }
    }
}
