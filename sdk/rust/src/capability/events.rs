//! Saying what happened.

use switchboard_api::{Failure, NewEvent};

use crate::Context;

/// Saying what happened, apart from any change.
#[derive(Clone, Copy)]
pub struct Events<'a> {
    pub(crate) context: &'a Context,
}

impl Events<'_> {
    /// Says it. An event that reports a change belongs in the change's
    /// [`Transaction`](super::Transaction::emit) instead.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the manifest declares no such event.
    pub async fn emit(&self, event: NewEvent) -> Result<(), Failure> {
        self.context.host.events(&self.context.call)?.emit(&self.context.call, event).await
    }
}
