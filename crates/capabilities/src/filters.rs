//! Filter points: the plugins that take part in what this one does.

use std::sync::Arc;

use switchboard_api::{BoxFuture, Context, Failure, Payload, capability::Filters};
use switchboard_kernel::apply_filters;
use switchboard_manifest::Manifest;

use crate::kernel_ref::KernelRef;

/// The plugin's own filter points.
pub(crate) struct OwnPoints {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) kernel: KernelRef,
}

impl Filters for OwnPoints {
    fn apply<'a>(
        &'a self,
        context: &'a Context,
        point: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<Payload, Failure>> {
        Box::pin(async move {
            if !self.manifest.provides.filter_points.iter().any(|own| own.name == point) {
                return Err(Failure::broken(format!(
                    "plugin `{}` declares no filter point `{point}` under `provides.filter_points`",
                    self.manifest.id
                )));
            }
            let snapshot = self.kernel.get()?.snapshot();
            if snapshot.plugin(self.manifest.id.as_str()).is_none() {
                return Err(Failure::unavailable(format!(
                    "nobody can be asked at `{point}`: plugin `{}` is being loaded or unloaded",
                    self.manifest.id
                )));
            }
            apply_filters(&snapshot, context, point, payload).await
        })
    }
}
