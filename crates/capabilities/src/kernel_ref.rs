//! The kernel, which owns the hosts that refer to it.

use std::sync::{Arc, OnceLock, Weak};

use switchboard_api::Failure;
use switchboard_kernel::Kernel;

/// The kernel, which owns the hosts that refer to it.
#[derive(Clone, Default)]
pub(crate) struct KernelRef(Arc<OnceLock<Weak<Kernel>>>);

impl KernelRef {
    pub(crate) fn set(&self, kernel: &Arc<Kernel>) {
        // A second kernel would be a mistake of whoever composes; the first stays.
        let _ = self.0.set(Arc::downgrade(kernel));
    }

    pub(crate) fn get(&self) -> Result<Arc<Kernel>, Failure> {
        let kernel = self.0.get().and_then(Weak::upgrade);
        kernel.ok_or_else(|| Failure::unavailable("the server is starting or stopping"))
    }
}
