//! Libraries of a JavaScript plugin: those in `package-lock.json` that are not for development alone.

use std::{collections::BTreeMap, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{Library, cargo::read, hexadecimal, in_purl};
use crate::Error;

/// The file's name.
pub(super) const LOCK: &str = "package-lock.json";
/// Where npm puts what it installs.
const INSTALLED: &str = "node_modules/";

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, Locked>,
}

#[derive(Deserialize)]
struct Locked {
    version: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    link: bool,
}

/// What the project in this folder needs. None where none is locked.
pub(super) fn libraries(folder: &Path) -> Result<Option<Vec<Library>>, Error> {
    let path = folder.join(LOCK);
    let Some(text) = read(&path)? else { return Ok(None) };
    let lock: Lock = serde_json::from_str(&text)
        .map_err(|error| Error::LockFile { path: path.clone(), why: error.to_string() })?;
    let needed = lock.packages.into_iter().filter(|(_, locked)| !locked.dev && !locked.link);
    let library = |(place, locked): (String, Locked)| {
        // The innermost: `node_modules/a/node_modules/@b/c` is `@b/c`.
        let (_, name) = place.rsplit_once(INSTALLED)?;
        let version = locked.version?;
        let in_address = name.split('/').map(in_purl).collect::<Vec<_>>().join("/");
        Some(Library {
            purl: Some(format!("pkg:npm/{in_address}@{}", in_purl(&version))),
            hash: locked.integrity.as_deref().and_then(hash),
            name: name.to_owned(),
            version: Some(version),
        })
    };
    Ok(Some(needed.filter_map(library).collect()))
}

fn hash(integrity: &str) -> Option<(&'static str, String)> {
    let (algorithm, content) = integrity.split(' ').next()?.split_once('-')?;
    let algorithm = match algorithm {
        "sha512" => "SHA-512",
        "sha384" => "SHA-384",
        "sha256" => "SHA-256",
        _ => return None,
    };
    Some((algorithm, hexadecimal(&STANDARD.decode(content).ok()?)))
}
