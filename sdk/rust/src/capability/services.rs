//! Calling other plugins.

use serde::{Serialize, de::DeserializeOwned};
use switchboard_api::{Failure, Payload};

use crate::Context;

/// Calling plugins that the manifest requires.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    pub(crate) context: &'a Context,
}

impl Services<'_> {
    /// Calls a service, such as `presets.get`.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when the manifest does not require the plugin; [`Failure::Unavailable`] when it is not
    /// there for this organization; and whatever the service fails with.
    pub async fn call<T: DeserializeOwned>(
        &self,
        service: &str,
        value: &(impl Serialize + Sync),
    ) -> Result<T, Failure> {
        let payload = Payload::of(value)?;
        self.context.host.services(&self.context.call)?.call(&self.context.call, service, payload).await?.to()
    }
}
