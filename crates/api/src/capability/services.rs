//! `services`: calling a plugin that the manifest requires.

use crate::{BoxFuture, Context, Failure, Payload};

/// Calling other plugins.
pub trait Services: Send + Sync {
    /// Calls a service, such as `presets.get`, for the organization of this call.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when the manifest does not require the plugin; [`Failure::Unavailable`] when it is not
    /// loaded, or not enabled for the organization; and whatever the service fails with.
    fn call<'a>(
        &'a self,
        context: &'a Context,
        service: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<Payload, Failure>>;
}
