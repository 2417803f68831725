//! `services`: calls of other plugins, through the kernel's one dispatcher.

use std::sync::Arc;

use switchboard_api::{BoxFuture, Call, Context, Failure, Payload, Reply, ServiceCall, capability::Services};
use switchboard_kernel::{Caller, Terms, dispatch};
use switchboard_manifest::Manifest;

use crate::kernel_ref::KernelRef;

/// The services of the plugins that one requires or uses.
pub(crate) struct Others {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) kernel: KernelRef,
}

impl Others {
    /// The plugin that a service's name begins with, if the manifest names it.
    fn provider<'a>(&self, service: &'a str) -> Result<&'a str, Failure> {
        let provider = service.split('.').next().unwrap_or_default();
        let named = self.manifest.requires.iter().chain(&self.manifest.optional);
        if named.into_iter().any(|dependency| dependency.plugin_id.as_str() == provider) {
            return Ok(provider);
        }
        Err(Failure::forbidden(format!(
            "plugin `{}` may not call `{service}`: its manifest must name `{provider}` under `requires` or `optional`",
            self.manifest.id
        )))
    }
}

impl Services for Others {
    fn call<'a>(
        &'a self,
        context: &'a Context,
        service: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<Payload, Failure>> {
        Box::pin(async move {
            let provider = self.provider(service)?;
            let snapshot = self.kernel.get()?.snapshot();
            let plugin = snapshot.plugin(provider).ok_or_else(|| {
                Failure::unavailable(format!("`{service}` is not there: plugin `{provider}` is not loaded"))
            })?;
            if let Some(organization) = &context.organization
                && !snapshot.is_enabled(plugin, organization.id)
            {
                return Err(Failure::unavailable(format!(
                    "`{service}` is not there: plugin `{provider}` is not switched on for `{}`",
                    organization.slug
                )));
            }
            if !plugin.manifest().provides.services.iter().any(|it| it.name == service) {
                return Err(Failure::broken(format!("plugin `{provider}` has no service `{service}`")));
            }
            let call = Call::Service(ServiceCall { name: service.to_owned(), payload });
            let _waiting = context.deadline.stand_still();
            match dispatch(&snapshot, plugin, Caller::within(context), Terms::default(), call).await? {
                Reply::Payload(payload) => Ok(payload),
                _ => Err(Failure::broken(format!("service `{service}` gave no payload"))),
            }
        })
    }
}
