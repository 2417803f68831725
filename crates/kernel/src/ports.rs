//! What the kernel needs from above, as one-method ports.

use std::{path::Path, sync::Arc};

use switchboard_api::{BoxFuture, Failure, Host, Plugin};
use switchboard_manifest::{Capability, Manifest, PluginId};

use crate::belongings::Kept;

/// Makes a plugin of what stands in a folder: a component, for example.
pub trait Loader: Send + Sync {
    /// The plugin in the folder whose manifest this is.
    ///
    /// # Errors
    /// One sentence: why it cannot be made.
    fn load<'a>(
        &'a self,
        folder: &'a Path,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, Result<Arc<dyn Plugin>, String>>;
}

/// Opens the door out for a plugin.
pub trait Hosts: Send + Sync {
    /// The capabilities that this server has; a plugin that asks for another does not load.
    fn offered(&self) -> &[Capability];

    /// The host of a plugin with the capabilities it was granted.
    ///
    /// # Errors
    /// A [`Failure`] when one cannot be set up.
    fn open(&self, manifest: &Arc<Manifest>, granted: &[Capability]) -> Result<Arc<Host>, Failure>;

    /// What a plugin keeps, whether it serves or not.
    ///
    /// # Errors
    /// A [`Failure`] when it cannot be read.
    fn kept<'a>(&'a self, plugin: &'a PluginId) -> BoxFuture<'a, Result<Kept, Failure>>;

    /// Removes for good all that a plugin keeps, which does not serve any more.
    ///
    /// # Errors
    /// A [`Failure`] when some of it cannot be removed; doing it again removes the rest.
    fn remove<'a>(&'a self, plugin: &'a PluginId) -> BoxFuture<'a, Result<(), Failure>>;
}
