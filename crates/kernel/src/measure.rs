//! How often plugins are called, how long that takes, and how it ends.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use switchboard_api::{CallKind, Failure};

/// The upper bounds of the buckets of a duration, in seconds; a last one takes the rest.
pub const BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Counters of one plugin.
#[derive(Debug, Default)]
pub struct Measures {
    kinds: [OfKind; CallKind::ALL.len()],
}

/// Counters of one kind of call.
#[derive(Debug, Default)]
pub(crate) struct OfKind {
    ended: AtomicU64,
    failed: AtomicU64,
    broken: AtomicU64,
    timed_out: AtomicU64,
    nanoseconds: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len()],
}

/// What was counted for one kind of call.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// The kind.
    pub kind: CallKind,
    /// Calls that ended, well or not.
    pub calls: u64,
    /// Those that ended with a failure of any kind.
    pub failed: u64,
    /// Those of them that were the plugin's fault.
    pub broken: u64,
    /// Those of them that took too long.
    pub timed_out: u64,
    /// The time that all took together.
    pub total: Duration,
    /// How many took at most the time of each of [`BUCKETS`].
    pub buckets: [u64; BUCKETS.len()],
}

impl Measures {
    pub(crate) fn count(&self, kind: CallKind, took: Duration, failure: Option<&Failure>) {
        let Some(of) = self.kinds.get(kind as usize) else { return };
        of.ended.fetch_add(1, Ordering::Relaxed);
        of.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        if let Some(bucket) = BUCKETS.iter().position(|bound| seconds <= *bound) {
            of.buckets.get(bucket).map(|count| count.fetch_add(1, Ordering::Relaxed));
        }
        if let Some(failure) = failure {
            of.failed.fetch_add(1, Ordering::Relaxed);
            match failure {
                Failure::Broken { .. } => drop(of.broken.fetch_add(1, Ordering::Relaxed)),
                Failure::TimedOut { .. } => drop(of.timed_out.fetch_add(1, Ordering::Relaxed)),
                _ => {}
            }
        }
    }

    /// What was counted, for each kind of call that there was.
    pub fn counted(&self) -> Vec<Counted> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let kinds = CallKind::ALL.iter().zip(&self.kinds).filter(|(_, of)| read(&of.ended) > 0);
        kinds
            .map(|(kind, of)| {
                let mut below = 0;
                Counted {
                    kind: *kind,
                    calls: read(&of.ended),
                    failed: read(&of.failed),
                    broken: read(&of.broken),
                    timed_out: read(&of.timed_out),
                    total: Duration::from_nanos(read(&of.nanoseconds)),
                    buckets: of.buckets.each_ref().map(|bucket| {
                        below += read(bucket);
                        below
                    }),
                }
            })
            .collect()
    }
}
