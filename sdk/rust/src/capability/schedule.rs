//! Work apart from a call.

use serde::Serialize;
use switchboard_api::{Failure, Payload, capability::Progress};

use crate::Context;

/// Work to be done apart from this call.
#[derive(Clone, Copy)]
pub struct Schedule<'a> {
    pub(crate) context: &'a Context,
}

impl Schedule<'_> {
    /// Has one of the plugin's tasks done soon, at least once; gives the run's name.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the manifest declares no such task.
    pub async fn run(&self, task: &str, value: &(impl Serialize + Sync)) -> Result<String, Failure> {
        let payload = Payload::of(value)?;
        self.context.host.schedule(&self.context.call)?.run(&self.context.call, task, payload).await
    }

    /// Says how far the running task is: `share` from 0 to 1.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when `schedule` is not granted.
    pub fn progress(&self, share: f64, message: impl Into<String>) -> Result<(), Failure> {
        let progress = Progress { share: share.clamp(0.0, 1.0), message: message.into() };
        self.context.host.schedule(&self.context.call)?.progress(&self.context.call, progress);
        Ok(())
    }
}
