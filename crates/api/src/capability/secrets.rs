//! `secrets`: secrets by name, for the organization of the call.

use crate::{Context, Failure, Secret};

/// Secrets by name: the settings that the plugin's schema calls secret, and that its manifest names where it asks for this.
pub trait Secrets: Send + Sync {
    /// The secret of that name, such as `api_key` or `mail.password`; none when it is not set. What is no text is given as JSON.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when the manifest does not name it; [`Failure::Unavailable`] when it does not open.
    fn get(&self, context: &Context, name: &str) -> Result<Option<Secret>, Failure>;
}
