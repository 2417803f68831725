//! How the secrets of a layer are sealed and opened.

use std::{collections::HashMap, convert::Infallible};

use serde_json::Value as Json;
use switchboard_manifest::PluginId;
use switchboard_vault::{Error as VaultError, KeyId, Place, Secret, Vault, key_of};

use super::{Config, Layer, marks, secrets};

/// Seals and opens the secrets of one layer of one plugin's configuration.
///
/// Each is sealed for its place, so that whoever can write to the database cannot have the secret of one organization
/// opened for another, nor one property's as another's.
#[derive(Clone, Copy)]
pub(crate) struct Sealer<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) plugin: &'a PluginId,
    pub(crate) layer: Layer,
}

/// A secret that does not open, and where it stands.
pub(crate) struct Shut {
    pub(crate) pointer: String,
    pub(crate) error: VaultError,
}

impl Sealer<'_> {
    /// Seals what is secret and is not sealed yet, and says how many that were. A secret that is the same as before keeps
    /// its sealed text.
    pub(crate) fn seal(
        &self,
        schema: Option<&Config>,
        before: &Config,
        config: &mut Config,
    ) -> Result<usize, VaultError> {
        let before = Json::Object(before.clone());
        let mut count = 0;
        secrets::for_each(schema, config, &mut |pointer, value| {
            if marks::is_sealed(value) {
                return Ok(());
            }
            let was = before.pointer(pointer).filter(|was| marks::is_sealed(was));
            let is_same = |was: &&Json| self.open_value(pointer, was).is_ok_and(|was| was == *value);
            *value = match was.filter(is_same) {
                Some(was) => was.clone(),
                None => {
                    count += 1;
                    let text = Secret::from(value.to_string());
                    marks::sealed(&self.vault.seal(&self.place(pointer), text.expose())?)
                }
            };
            Ok(())
        })?;
        Ok(count)
    }

    /// Opens whatever is sealed.
    pub(crate) fn open(&self, config: &mut Config) -> Result<(), Shut> {
        marks::for_each(config, &mut |pointer, value| {
            if marks::is_sealed(value) {
                *value = self.open_value(pointer, value)?;
            }
            Ok(())
        })
    }

    /// Seals whatever is sealed with the vault's first key. What does not open stays as it is, and is told.
    pub(crate) fn reseal(
        &self,
        config: &mut Config,
        mut tell: impl FnMut(Shut),
        known: &mut HashMap<String, String>,
    ) -> usize {
        let mut count = 0;
        let done: Result<(), Infallible> = marks::for_each(config, &mut |pointer, value| {
            let Some(sealed) = marks::sealed_text(value) else { return Ok(()) };
            // The same text stands in the history again and again; that it is the same secret is to be seen afterwards too.
            let resealed = match known.get(sealed) {
                Some(resealed) => Ok(Some(resealed.clone())),
                None => self.vault.reseal(&self.place(pointer), sealed),
            };
            match resealed {
                Ok(Some(resealed)) => {
                    known.insert(sealed.to_owned(), resealed.clone());
                    *value = marks::sealed(&resealed);
                    count += 1;
                }
                Ok(None) => {}
                Err(error) => tell(Shut { pointer: pointer.to_owned(), error }),
            }
            Ok(())
        });
        done.unwrap_or_else(|never| match never {});
        count
    }

    fn open_value(&self, pointer: &str, value: &Json) -> Result<Json, Shut> {
        let shut = |error| Shut { pointer: pointer.to_owned(), error };
        let sealed = marks::sealed_text(value).ok_or_else(|| shut(VaultError::NotSealed))?;
        let opened = self.vault.open(&self.place(pointer), sealed).map_err(shut)?;
        serde_json::from_slice(opened.expose()).map_err(|_| shut(VaultError::NotSealed))
    }

    fn place(&self, pointer: &str) -> Place {
        Place::new("configuration", &[self.plugin.as_str(), &self.layer.number().to_string(), pointer])
    }
}

/// The ids of the keys with which something in a configuration is sealed, once for each.
pub(crate) fn keys_in(config: &Config) -> Vec<KeyId> {
    let mut keys = Vec::new();
    let done: Result<(), Infallible> = marks::for_each(&mut config.clone(), &mut |_, value| {
        keys.extend(marks::sealed_text(value).and_then(|sealed| key_of(sealed).ok()));
        Ok(())
    });
    done.unwrap_or_else(|never| match never {});
    keys
}

/// Where in a configuration secrets are, as JSON Pointers.
pub(crate) fn sealed_in(config: &Config) -> Vec<String> {
    let mut pointers = Vec::new();
    let done: Result<(), Infallible> = marks::for_each(&mut config.clone(), &mut |pointer, value| {
        pointers.extend(marks::is_sealed(value).then(|| pointer.to_owned()));
        Ok(())
    });
    done.unwrap_or_else(|never| match never {});
    pointers
}
