//! `log`: lines in the host's log, marked with the plugin, the organization and the trace.

use serde::{Deserialize, Serialize};

use crate::Context;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Writing to the log.
pub trait Log: Send + Sync {
    /// Writes a line. Line breaks and control characters in it are made harmless.
    fn write(&self, context: &Context, level: Level, message: &str);
}
