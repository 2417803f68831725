//! What the actor of a call may do: what the kernel says.

use switchboard_api::{Context, Failure, capability::Authority};

use crate::kernel_ref::KernelRef;

/// The roles and statements that hold now.
pub(crate) struct KernelAuthority {
    pub(crate) kernel: KernelRef,
}

impl Authority for KernelAuthority {
    fn require(&self, context: &Context, action: &str, resource: Option<&str>) -> Result<(), Failure> {
        let snapshot = self.kernel.get()?.snapshot();
        snapshot.require(&context.actor, context.organization.as_deref(), action, resource)
    }
}
