//! The contract as tools read it: the WIT package of `wit/`, and a world for one plugin.

use std::{fs, path::Path};

use include_dir::Dir;
use switchboard_manifest::Capability;
use tempfile::TempDir;

use crate::{BuildError, Source};

/// The files of the package, as this build of Switchboard speaks it.
const FILES: [(&str, &str); 5] = [
    ("call.wit", include_str!("../../../wit/call.wit")),
    ("capabilities.wit", include_str!("../../../wit/capabilities.wit")),
    ("exports.wit", include_str!("../../../wit/exports.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("world.wit", include_str!("../../../wit/world.wit")),
];

/// What a plugin may import whose manifest asks for it.
const ASKED: [&str; 9] = ["db", "kv", "blobs", "events", "services", "schedule", "secrets", "http", "mail"];

/// What a plugin exports. Its description says which of it has a handler.
pub(crate) const EXPORTS: [&str; 8] =
    ["description", "lifecycle", "routes", "filters", "listeners", "tasks", "offered-services", "commands"];

/// The name of the world that [`write()`] adds.
pub(crate) const WORLD: &str = "built";

/// The interfaces that a plugin may import: a component that imports another is refused by the host.
///
/// Compilers drop the imports that nothing uses; interpreters import all of the world that they are given.
pub(crate) fn imports(source: &Source) -> Vec<&'static str> {
    let asked = &source.manifest().capabilities;
    let is_asked_for = |name: &&&str| asked.iter().any(|capability| capability.name.as_str() == **name);
    // Types are used by the others, and imported with them.
    let unasked = Capability::UNASKED.iter().filter(|name| **name != "types");
    unasked.chain(ASKED.iter().filter(is_asked_for)).copied().collect()
}

/// A folder to build in, which goes when it is dropped: the contract in `wit`, and a language's SDK in `sdk`.
pub(crate) fn scratch(source: &Source, sdk: &Dir<'_>) -> Result<TempDir, BuildError> {
    let scratch = TempDir::new().map_err(|error| BuildError::file("made", &std::env::temp_dir(), error))?;
    write(&scratch.path().join("wit"), source)?;
    let folder = scratch.path().join("sdk");
    fs::create_dir(&folder).map_err(|error| BuildError::file("made", &folder, error))?;
    sdk.extract(&folder).map_err(|error| BuildError::file("written", &folder, error))?;
    Ok(scratch)
}

/// Writes the package into a folder, with a world of what the plugin may import and all that it may export.
fn write(folder: &Path, source: &Source) -> Result<(), BuildError> {
    let imports = imports(source).into_iter().map(|name| format!("    import {name};\n"));
    let exports = EXPORTS.iter().map(|name| format!("    export {name};\n"));
    let items: String = imports.chain(exports).collect();
    let world = format!("package switchboard:plugin@0.1.0;\n\nworld {WORLD} {{\n{items}}}\n");
    fs::create_dir_all(folder).map_err(|error| BuildError::file("made", folder, error))?;
    for (name, text) in FILES.into_iter().chain([("built.wit", world.as_str())]) {
        let file = folder.join(name);
        fs::write(&file, text).map_err(|error| BuildError::file("written", &file, error))?;
    }
    Ok(())
}
