//! What a component imports, held against what its manifest asks for.

use switchboard_manifest::{Capability, Manifest};
use wasmtime::{Engine, component::Component};

use crate::Error;

/// Packages of WASI of which the runtimes of languages expect something. They find clocks, random bytes and an output; no file, no
/// environment, no network.
const WASI: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Refuses a component that imports what its manifest does not ask for.
pub(crate) fn check(engine: &Engine, component: &Component, manifest: &Manifest) -> Result<(), Error> {
    let component = component.component_type();
    component.imports(engine).try_for_each(|(import, _)| allow(import, manifest))
}

fn allow(import: &str, manifest: &Manifest) -> Result<(), Error> {
    if WASI.iter().any(|package| import.starts_with(package)) {
        return Ok(());
    }
    let unknown = || Error::Unknown(import.to_owned());
    let (interface, _) =
        import.strip_prefix("switchboard:plugin/").and_then(|it| it.split_once('@')).ok_or_else(unknown)?;
    if Capability::UNASKED.contains(&interface) {
        return Ok(());
    }
    let capability = Capability::named(interface).ok_or_else(unknown)?;
    if manifest.capabilities.iter().any(|request| request.name == capability) {
        return Ok(());
    }
    Err(Error::NotAskedFor { import: import.to_owned(), capability: capability.to_string() })
}
