//! What a component imports, held against what its manifest asks for.

use switchboard_manifest::{Manifest, Need};
use wasmtime::{Engine, component::Component};

use crate::Error;

/// Refuses a component that imports what its manifest does not ask for.
pub(crate) fn check(engine: &Engine, component: &Component, manifest: &Manifest) -> Result<(), Error> {
    let component = component.component_type();
    component.imports(engine).try_for_each(|(import, _)| match manifest.need_of(import) {
        Need::Nothing | Need::Asked(_) | Need::Wasi => Ok(()),
        Need::NotAsked(capability) => {
            Err(Error::NotAskedFor { import: import.to_owned(), capability: capability.to_string() })
        }
        Need::Unknown => Err(Error::Unknown(import.to_owned())),
    })
}
