//! `config`: what the kernel knows of the plugin's configuration.

use switchboard_api::{Context, Failure, Payload, capability::Config};

use crate::kernel_ref::KernelRef;

/// The kernel's settings, all layers merged.
pub(crate) struct Settings {
    pub(crate) kernel: KernelRef,
}

impl Config for Settings {
    fn read(&self, context: &Context) -> Result<Payload, Failure> {
        let organization = context.organization_id();
        self.kernel.get()?.config(&context.plugin, organization)
    }
}
