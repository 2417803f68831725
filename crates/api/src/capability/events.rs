//! `events`: saying what happened.

use crate::{BoxFuture, Context, Failure, NewEvent};

/// Saying what happened.
pub trait Events: Send + Sync {
    /// Says it, apart from any change: when this returns, the event will be delivered whatever crashes.
    ///
    /// An event that reports a change belongs in the change's transaction:
    /// [`Transaction::emit`](super::Transaction::emit).
    ///
    /// # Errors
    /// [`Failure::Broken`] when the manifest declares no such event, or the data breaks its schema.
    fn emit<'a>(&'a self, context: &'a Context, event: NewEvent) -> BoxFuture<'a, Result<(), Failure>>;
}
