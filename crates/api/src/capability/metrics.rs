//! `metrics`: numbers of the plugin's own, for whoever watches the server.

use crate::Context;

/// What is noted of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// So many more: of a counter, which only grows.
    More(u64),
    /// What it is now: of a gauge.
    Now(f64),
    /// One value of many, such as how many seconds something took: of a histogram.
    Value(f64),
}

/// Numbers of the plugin's own.
pub trait Metrics: Send + Sync {
    /// Notes a reading of a metric; labels tell its series apart. It never fails: what breaks a rule, and what is beyond the number
    /// of series that a plugin may have, is left out, counted, and said once in the log.
    ///
    /// A name is 1 to 64 characters of `a-z`, `0-9` and `_`, a letter first, and so is a label's; a metric has four labels at most,
    /// each of 64 characters at most.
    fn note(&self, context: &Context, name: &str, labels: &[(&str, &str)], reading: Reading);
}
