//! `audit`: lines in the audit log of the installation.

use crate::{BoxFuture, Context, Failure, Payload};

/// What a plugin has done on somebody's behalf, for the audit log. Secrets are never in it.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// What was done: `exported`, `match.cancelled`; the log has it behind the plugin's id.
    pub action: String,
    /// To what, as kind and name: `clip:7`.
    pub subject: String,
    /// What was there before; `null` for nothing.
    pub before: Payload,
    /// What is there now; `null` for nothing.
    pub after: Payload,
}

/// Writing to the audit log.
pub trait Audit: Send + Sync {
    /// Writes a line: who is behind the call did this. When this returns, it is written.
    ///
    /// It is written apart from the plugin's own tables, and so neither with a transaction of theirs nor undone with one.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an action or a subject that is none; [`Failure::TooLarge`]; [`Failure::RateLimited`] when the
    /// plugin writes too many lines; [`Failure::Unavailable`] when it cannot be written.
    fn record<'a>(&'a self, context: &'a Context, entry: AuditEntry) -> BoxFuture<'a, Result<(), Failure>>;
}
