//! `metrics`: numbers of the plugin's own, kept by the kernel.

use std::sync::Arc;

use switchboard_api::{
    Context,
    capability::{Level, Log, Metrics, Reading},
};

use crate::kernel_ref::KernelRef;

/// What the plugin measures.
pub(crate) struct OwnMetrics {
    pub(crate) kernel: KernelRef,
    pub(crate) log: Arc<dyn Log>,
}

impl Metrics for OwnMetrics {
    fn note(&self, context: &Context, name: &str, labels: &[(&str, &str)], reading: Reading) {
        // With the server gone there is nobody to look at it.
        let Ok(kernel) = self.kernel.get() else { return };
        if let Some(why) = kernel.note_metric(&context.plugin, name, labels, reading) {
            self.log.write(context, Level::Warn, &why);
        }
    }
}
