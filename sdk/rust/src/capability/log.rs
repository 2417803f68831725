//! Writing to the log.

use switchboard_api::capability::Level;

use crate::Context;

/// Writing to the log; each line carries the plugin, the organization and the trace.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    pub(crate) context: &'a Context,
}

impl Log<'_> {
    /// For authors, while looking for a fault.
    pub fn debug(&self, message: &str) {
        self.write(Level::Debug, message);
    }

    /// What an operator may want to know.
    pub fn info(&self, message: &str) {
        self.write(Level::Info, message);
    }

    /// Something is not as it should be, and the work goes on.
    pub fn warn(&self, message: &str) {
        self.write(Level::Warn, message);
    }

    /// Something failed.
    pub fn error(&self, message: &str) {
        self.write(Level::Error, message);
    }

    fn write(&self, level: Level, message: &str) {
        self.context.host.log.write(&self.context.call, level, message);
    }
}
