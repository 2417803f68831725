//! `config`: the configuration of the plugin for the organization of the call.

use crate::{Context, Failure, Payload};

/// The configuration.
pub trait Config: Send + Sync {
    /// All layers merged, highest first: organization, installation, the manifest's defaults.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when it cannot be read.
    fn read(&self, context: &Context) -> Result<Payload, Failure>;
}
