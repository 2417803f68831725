//! `secrets`: what the plugin's configuration calls secret, by name.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use switchboard_api::{Context, Failure, Secret, capability::Secrets};
use switchboard_manifest::Manifest;

use crate::kernel_ref::KernelRef;

/// The secrets that the manifest names.
pub(crate) struct OwnSecrets {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) kernel: KernelRef,
}

impl Secrets for OwnSecrets {
    fn get(&self, context: &Context, name: &str) -> Result<Option<Secret>, Failure> {
        if !self.manifest.secrets().any(|named| named == name) {
            return Err(Failure::forbidden(format!(
                "plugin `{}` may not read a secret `{}`: its manifest must name it under `capabilities`, at `secrets`",
                self.manifest.id,
                name.escape_debug()
            )));
        }
        let config = self.kernel.get()?.config(&context.plugin, context.organization_id())?;
        Ok(taken(&mut config.to()?, name).map(|secret| match secret {
            Json::String(text) => Secret::new(text),
            other => Secret::new(other.to_string()),
        }))
    }
}

/// Takes what stands under a name such as `mail.password` out of a configuration; nothing when nothing is set there.
pub(crate) fn taken(config: &mut Map<String, Json>, name: &str) -> Option<Json> {
    match name.split_once('.') {
        Some((first, rest)) => taken(config.get_mut(first)?.as_object_mut()?, rest),
        None => config.remove(name).filter(|value| !value.is_null()),
    }
}
