//! The door in.

use std::{pin::Pin, sync::Arc};

use switchboard_manifest::Manifest;

use crate::{Call, Context, Description, Failure, Host, Reply};

/// A future on the heap that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A plugin, native or sandboxed.
///
/// Only the kernel's dispatcher calls one; whoever wants something of a plugin builds a [`Call`] and hands it to
/// the dispatcher, which decides whether the plugin may be called now.
pub trait Plugin: Send + Sync {
    /// What it declares.
    fn manifest(&self) -> &Arc<Manifest>;

    /// What its code binds: compared with the manifest at load, and the source of the OpenAPI document.
    fn description(&self) -> &Description;

    /// Its migration files by name, such as `001_initial.sql`, with their text.
    fn migrations(&self) -> &[(String, String)];

    /// Does what is called for.
    ///
    /// # Errors
    /// A [`Failure`] that its caller knows how to show.
    fn call<'a>(
        &'a self,
        host: &'a Arc<Host>,
        context: &'a Context,
        call: Call,
    ) -> BoxFuture<'a, Result<Reply, Failure>>;
}
