//! What is seen of plugins while they run.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use switchboard_api::capability::Clock;

use crate::{
    calls::{Calls, RunningCall},
    invocation::{Ended, Invocation, Outcome},
    plugin_log::PluginLog,
    plugin_metrics::AllMetrics,
};

/// What is seen of plugins while they run: the calls that run now, those that ended, what they write to the log, and what they measure.
pub(crate) struct Watch {
    pub(crate) calls: Calls,
    pub(crate) ended: Ended,
    pub(crate) log: PluginLog,
    pub(crate) metrics: AllMetrics,
    pub(crate) clock: Arc<dyn Clock>,
    start: Instant,
}

impl Watch {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let (calls, ended) = (Calls::default(), Ended::default());
        let (log, metrics) = (PluginLog::default(), AllMetrics::default());
        Self { calls, ended, log, metrics, clock, start: Instant::now() }
    }

    /// Keeps a record of a call that ended: always where it did not end well by the plugin's fault or was stopped, and otherwise of the
    /// first of the plugin's calls of its kind in a second.
    pub(crate) fn note(
        &self,
        call: &RunningCall,
        took: Duration,
        outcome: &Outcome<'_>,
        bytes_out: Option<u64>,
    ) {
        if !outcome.is_trouble() && !self.is_first_of_its_second(call) {
            return;
        }
        self.ended.push(Invocation::of(call, call.began(self.clock.now()), took, outcome, bytes_out));
    }

    fn is_first_of_its_second(&self, call: &RunningCall) -> bool {
        // Counted from 1: that none was recorded yet is 0.
        let second = call.second_since(self.start) + 1;
        let last = call.plugin().recorded.get(call.kind() as usize);
        last.is_some_and(|last| {
            last.load(Ordering::Relaxed) != second && last.swap(second, Ordering::Relaxed) != second
        })
    }
}
