//! What plugins write to the log, a plugin at a time.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use switchboard_api::{OrganizationId, Timestamp, capability::Level};
use switchboard_manifest::PluginId;

use crate::kernel::Kernel;

/// Of a plugin so many bytes are kept, of the newest lines.
const MOST_BYTES: usize = 256 << 10;

/// What a line costs beside its message, roughly.
const LINE: usize = 128;

/// A line that a plugin wrote, or that was written of a call of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLine {
    /// Its number among the plugin's lines since the server started.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// For which organization the plugin was called.
    pub organization: Option<OrganizationId>,
    /// The id that joins what belongs together in logs and traces.
    pub trace: Arc<str>,
    /// What it says.
    pub message: Box<str>,
}

/// The newest lines of each plugin, in memory.
#[derive(Default)]
pub(crate) struct PluginLog(RwLock<HashMap<PluginId, Arc<Mutex<Lines>>>>);

#[derive(Default)]
struct Lines {
    lines: VecDeque<PluginLine>,
    bytes: usize,
    last: u64,
}

/// Which lines of a plugin are wanted. Each part that is absent lets all through.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineFilter {
    /// Those that matter at least so much.
    pub level: Option<Level>,
    /// Those of calls for this organization.
    pub organization: Option<OrganizationId>,
    /// Those after the line of this number.
    pub after: Option<u64>,
}

impl LineFilter {
    fn lets_through(&self, line: &PluginLine) -> bool {
        self.level.is_none_or(|least| line.level >= least)
            && self.organization.is_none_or(|organization| line.organization == Some(organization))
            && self.after.is_none_or(|after| line.number > after)
    }
}

impl PluginLog {
    /// Keeps a line, whose number is given to it here.
    pub(crate) fn write(&self, plugin: &PluginId, mut line: PluginLine) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned();
        let lines = known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(plugin.clone()).or_default())
        });
        let mut kept = lines.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last += 1;
        line.number = kept.last;
        kept.bytes += LINE + line.message.len();
        kept.lines.push_back(line);
        while kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= LINE + oldest.message.len();
        }
    }

    fn read(&self, plugin: &str, filter: LineFilter, most: usize) -> Vec<PluginLine> {
        let Some(lines) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned() else {
            return Vec::new();
        };
        let kept = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = kept.lines.iter().filter(|line| filter.lets_through(line));
        let mut wanted: Vec<_> = match filter.after {
            Some(_) => return wanted.take(most).cloned().collect(),
            None => wanted.rev().take(most).cloned().collect(),
        };
        wanted.reverse();
        wanted
    }
}

impl Kernel {
    /// Keeps a line that a plugin writes, for those who look at what this plugin wrote. Secrets are no longer in it.
    pub fn note_plugin_line(&self, context: &switchboard_api::Context, level: Level, message: &str) {
        let organization = context.organization_id();
        let (trace, message) = (Arc::clone(&context.trace), message.into());
        let line = PluginLine { number: 0, at: self.now(), level, organization, trace, message };
        self.watch.log.write(&context.plugin, line);
    }

    /// The newest lines that a plugin wrote since the server started, at most so many, the oldest first; or, after a number, those
    /// that follow it. Some hundred kilobytes of a plugin's lines are kept.
    pub fn plugin_lines(&self, plugin: &str, filter: LineFilter, most: usize) -> Vec<PluginLine> {
        self.watch.log.read(plugin, filter, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: Level, message: &str) -> PluginLine {
        let at = Timestamp::UNIX_EPOCH;
        PluginLine {
            number: 0,
            at,
            level,
            organization: None,
            trace: "trace".into(),
            message: message.into(),
        }
    }

    #[test]
    fn a_plugin_that_floods_the_log_keeps_its_newest_lines_and_those_of_others() {
        let (log, quiet, loud) = (PluginLog::default(), "quiet".parse().unwrap(), "loud".parse().unwrap());
        log.write(&quiet, line(Level::Info, "hello"));
        for number in 0..10_000 {
            log.write(&loud, line(Level::Debug, &format!("{number}: {}", "x".repeat(1_000))));
        }
        let kept = log.read("loud", LineFilter::default(), usize::MAX);
        assert!(kept.len() < 300 && kept.last().is_some_and(|last| last.message.starts_with("9999:")));
        assert_eq!(log.read("quiet", LineFilter::default(), 10).len(), 1);
    }

    #[test]
    fn lines_are_read_by_how_much_they_matter_and_from_where_one_left_off() {
        let (log, id) = (PluginLog::default(), "clips".parse().unwrap());
        for (level, message) in
            [(Level::Info, "a"), (Level::Error, "b"), (Level::Debug, "c"), (Level::Warn, "d")]
        {
            log.write(&id, line(level, message));
        }
        let said = |filter, most| {
            log.read("clips", filter, most).iter().map(|line| line.message.to_string()).collect::<String>()
        };
        assert_eq!(said(LineFilter::default(), 3), "bcd", "the newest, the oldest of them first");
        assert_eq!(said(LineFilter { level: Some(Level::Warn), ..LineFilter::default() }, 10), "bd");
        assert_eq!(said(LineFilter { after: Some(1), ..LineFilter::default() }, 2), "bc");
    }
}
