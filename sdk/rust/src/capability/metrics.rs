//! Numbers of the plugin's own.

use switchboard_api::capability::Reading;

use crate::Context;

/// Numbers of the plugin's own, which the server shows at `/metrics`.
///
/// Nothing here fails: what breaks a rule, and what is beyond the 200 series that a plugin may have, is left out, counted, and said once
/// in the log. A name is of `a-z`, `0-9` and `_`, a letter first, and ends in none of `_total`, `_bucket`, `_sum` and `_count`; a metric
/// has four labels at most. Names and what labels say have 64 characters at most.
///
/// ```no_run
/// # use switchboard_sdk::prelude::*;
/// # fn example(ctx: Context) {
/// ctx.metrics().count("seeds_made", 1, &[("preset", "standard")]);
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Metrics<'a> {
    pub(crate) context: &'a Context,
}

impl Metrics<'_> {
    /// So many more of a counter, which only grows.
    pub fn count(&self, name: &str, more: u64, labels: &[(&str, &str)]) {
        self.note(name, labels, Reading::More(more));
    }

    /// What a gauge is now.
    pub fn set(&self, name: &str, now: f64, labels: &[(&str, &str)]) {
        self.note(name, labels, Reading::Now(now));
    }

    /// One value of a histogram, such as how many seconds something took. Its buckets end at 1 and 5 of each power of ten, from 0.001 to
    /// 1,000.
    pub fn observe(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.note(name, labels, Reading::Value(value));
    }

    fn note(&self, name: &str, labels: &[(&str, &str)], reading: Reading) {
        self.context.host.metrics.note(&self.context.call, name, labels, reading);
    }
}
