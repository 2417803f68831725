//! The way from a plugin that is part of the server to the kernel that holds it.

use std::sync::{Arc, OnceLock, Weak};

use switchboard_kernel::{By, Kernel};
use switchboard_sdk::{Context, Failure, Result};

/// Leads to the kernel without keeping it alive: the kernel holds the plugins, so the plugin cannot hold the kernel.
#[derive(Clone, Default)]
pub struct KernelHandle(Arc<OnceLock<Weak<Kernel>>>);

impl KernelHandle {
    /// Says which kernel it leads to; the first call counts.
    pub fn set(&self, kernel: &Arc<Kernel>) {
        // A second kernel would be one that this plugin is not part of.
        let _ = self.0.set(Arc::downgrade(kernel));
    }

    pub(crate) fn kernel(&self) -> Result<Arc<Kernel>> {
        self.0
            .get()
            .and_then(Weak::upgrade)
            .ok_or_else(|| Failure::unavailable("the server is starting or stopping"))
    }

    /// Does a change on behalf of whoever is behind the call, to its end, even when nobody waits for it any more: half a change
    /// is none of the kernel's states.
    pub(crate) async fn change<T, E, F, Fut>(&self, ctx: &Context, change: F) -> Result<T>
    where
        T: Send + 'static,
        E: Into<Failure> + Send + 'static,
        F: FnOnce(Arc<Kernel>, By) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.change_by(By::of(ctx.call()), change).await
    }

    /// The same on behalf of somebody of whom it has just become known who they are.
    pub(crate) async fn change_by<T, E, F, Fut>(&self, by: By, change: F) -> Result<T>
    where
        T: Send + 'static,
        E: Into<Failure> + Send + 'static,
        F: FnOnce(Arc<Kernel>, By) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        match tokio::spawn(change(self.kernel()?, by)).await {
            Ok(done) => done.map_err(Into::into),
            Err(panic) => Err(Failure::broken(format!("a change ended without a result: {panic}"))),
        }
    }
}
