//! Filter points: asking the plugins that take part whether and how to go on.

use crate::{BoxFuture, Context, Failure, Payload};

/// Asking others at the plugin's own filter points.
pub trait Filters: Send + Sync {
    /// Passes the payload through every plugin that takes part and is enabled for the organization, in order of
    /// priority, then of plugin id, and gives what comes out.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when one vetoes. What one that fails does is said by the point's `on_failure`: it is
    /// skipped, or its failure is this one's. [`Failure::Broken`] when the manifest declares no such point.
    fn apply<'a>(
        &'a self,
        context: &'a Context,
        point: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<Payload, Failure>>;
}
