//! What may stand in a package, and under which name.

use switchboard_manifest::Manifest;

use crate::{EntryName, Error};

/// The name of the manifest in a package.
pub const MANIFEST: &str = "manifest.yaml";
/// The name of the checksums in a package.
pub const CHECKSUMS: &str = "SHA256SUMS";
/// The name of the bill of materials in a package.
pub const BILL: &str = "sbom.cdx.json";

/// How the names of documents begin that may stand beside the manifest, whatever their case.
const DOCUMENTS: [&str; 8] =
    ["readme", "license", "licence", "copying", "notice", "authors", "changelog", "security"];

/// The entry point that a manifest names, as the name of a file in its package.
///
/// # Errors
/// When the plugin is compiled into the server, or the name is none.
pub(crate) fn entry_point(manifest: &Manifest) -> Result<EntryName, Error> {
    let named = manifest.entry_point.as_deref();
    match (manifest.kind, named) {
        (switchboard_manifest::Kind::External, Some(name)) => {
            EntryName::parse(name.strip_prefix("./").unwrap_or(name))
        }
        _ => Err(Error::NotExternal { id: manifest.id.to_string() }),
    }
}

/// Whether a file has a place in the package of a plugin with this entry point.
pub(crate) fn has_a_place(name: &EntryName, entry_point: &EntryName) -> bool {
    let name = name.as_str();
    name == entry_point.as_str()
        || [MANIFEST, CHECKSUMS, BILL].contains(&name)
        || is_written_by_the_author(name)
}

/// Whether a file belongs into a package because of its name alone: a migration, an asset, a document.
pub(crate) fn is_written_by_the_author(name: &str) -> bool {
    match name.split_once('/') {
        Some(("assets", _)) => true,
        Some(("migrations", file)) => is_migration(file),
        Some(_) => false,
        None => is_document(name),
    }
}

/// Whether this is the name of a migration in the folder `migrations`.
pub(crate) fn is_migration(file: &str) -> bool {
    !file.contains('/') && file.ends_with(".sql")
}

fn is_document(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    DOCUMENTS.iter().any(|document| {
        lower.strip_prefix(document).is_some_and(|rest| {
            rest.is_empty()
                || (rest.starts_with(['.', '-']) && !rest.ends_with(".rs") && !rest.ends_with(".wasm"))
        })
    })
}

/// The name that the file of a plugin's package has.
pub(crate) fn file_name(manifest: &Manifest) -> String {
    format!("{}-{}.{}", manifest.id, manifest.version, crate::EXTENSION)
}
