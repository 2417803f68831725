//! Work apart from a call.

use serde::Serialize;
use switchboard_api::{
    Failure, Payload,
    capability::{Plan, Progress, Scheduled},
};

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

    /// Keeps what came of the running task, for whoever looks at its runs: at most 64 KiB of JSON. The last one stays.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it is larger, or no task of this call runs.
    pub fn output(&self, value: &impl Serialize) -> Result<(), Failure> {
        let output = Payload::of(value)?;
        self.context.host.schedule(&self.context.call)?.output(&self.context.call, output)
    }

    /// Keeps a plan for the organization of this call, in place of the plugin's plan of that name if there is one. A name is 1 to 100
    /// characters of `a-z`, `0-9`, `_`, `-` and `.`, and begins with a letter or digit.
    ///
    /// ```
    /// use switchboard_sdk::{Plan, prelude::*};
    ///
    /// async fn remind(ctx: Context, Path(id): Path<i64>) -> Result<NoContent> {
    ///     let at = "2026-05-01T12:00:00Z".parse().map_err(|_| invalid!("no moment"))?;
    ///     ctx.schedule().set(&format!("match-{id}"), Plan::once("remind", at).with(&id)?).await?;
    ///     Ok(NoContent)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a plan that cannot be, with its faults; [`Failure::Conflict`] when a person or the manifest has one of
    /// that name; [`Failure::Broken`] when the manifest declares no such task.
    pub async fn set(&self, name: &str, plan: Plan) -> Result<(), Failure> {
        self.context.host.schedule(&self.context.call)?.set(&self.context.call, name, plan).await
    }

    /// Gives up a plan; false when there was none. What is under way goes on.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when a person or the manifest has it.
    pub async fn remove(&self, name: &str) -> Result<bool, Failure> {
        self.context.host.schedule(&self.context.call)?.remove(&self.context.call, name).await
    }

    /// The plugin's plans for the organization of this call, by name, without those of the manifest.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when they cannot be read.
    pub async fn list(&self) -> Result<Vec<Scheduled>, Failure> {
        self.context.host.schedule(&self.context.call)?.list(&self.context.call).await
    }
}
