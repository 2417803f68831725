//! `schedule`: work to be done apart from a request.

use serde::{Deserialize, Serialize};

use crate::{BoxFuture, Context, Failure, Payload};

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is done, from 0 to 1.
    pub share: f64,
    /// What it is doing, for people.
    pub message: String,
}

/// Work to be done later.
pub trait Schedule: Send + Sync {
    /// Has one of the plugin's tasks done soon, for the organization of this call; gives the run's name.
    ///
    /// When this returns, the task will be done whatever crashes: at least once, tried again when it fails.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the manifest declares no such task.
    fn run<'a>(
        &'a self,
        context: &'a Context,
        task: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<String, Failure>>;

    /// Says how far the running task is. Does nothing outside of a task.
    fn progress(&self, context: &Context, progress: Progress);
}
