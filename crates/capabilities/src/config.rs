//! `config`: what the kernel knows of the plugin's configuration.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use switchboard_api::{Context, Failure, Payload, capability::Config};
use switchboard_manifest::Manifest;

use crate::{kernel_ref::KernelRef, secrets::taken};

/// The kernel's settings, all layers merged, without what the plugin asks for under `secrets`.
pub(crate) struct Settings {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) kernel: KernelRef,
}

impl Config for Settings {
    fn read(&self, context: &Context) -> Result<Payload, Failure> {
        let config = self.kernel.get()?.config(&context.plugin, context.organization_id())?;
        let mut secrets = self.manifest.secrets().peekable();
        if secrets.peek().is_none() {
            return Ok(config);
        }
        let mut config: Map<String, Json> = config.to()?;
        for secret in secrets {
            taken(&mut config, secret);
        }
        Payload::of(&config)
    }
}
