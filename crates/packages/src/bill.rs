//! The bill of materials: a CycloneDX document of what a plugin is made of, as far as that can be known.
//!
//! It says no time and has no serial number, so that the same plugin has the same bill.

mod cargo;
mod npm;
mod python;

use std::path::Path;

use serde_json::{Value as Json, json};
use switchboard_manifest::Manifest;

use crate::{Component, Error, component::Producer};

/// The version of CycloneDX that is written.
const SPECIFICATION: &str = "1.5";

/// Something that a plugin is made of, as a lock file names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Library {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// Where it is published, as a package URL; none for what is published nowhere.
    pub(crate) purl: Option<String>,
    /// The name of a hash as CycloneDX writes it, and its hexadecimal digits.
    pub(crate) hash: Option<(&'static str, String)>,
}

/// What is known of a plugin's libraries, and from where.
#[derive(Debug, Default)]
pub(crate) struct Libraries {
    pub(crate) all: Vec<Library>,
    pub(crate) sources: Vec<&'static str>,
}

/// Looks into the lock files of a plugin's folder.
///
/// # Errors
/// When one is there and cannot be read.
pub(crate) fn libraries(folder: &Path) -> Result<Libraries, Error> {
    let mut libraries = Libraries::default();
    let found = [
        (cargo::LOCK, cargo::libraries(folder)?),
        (npm::LOCK, npm::libraries(folder)?),
        (python::REQUIREMENTS, python::libraries(folder)?),
    ];
    for (source, found) in found {
        if let Some(found) = found {
            libraries.sources.push(source);
            libraries.all.extend(found);
        }
    }
    libraries.all.sort();
    libraries.all.dedup();
    Ok(libraries)
}

/// Writes the bill of a plugin.
pub(crate) fn write(manifest: &Manifest, component: &Component, libraries: &Libraries) -> String {
    let source = if libraries.sources.is_empty() {
        "the component's own producers section".to_owned()
    } else {
        libraries.sources.join(", ")
    };
    let components = libraries.all.iter().map(library).chain(component.producers.iter().map(producer));
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {
            "component": plugin(manifest),
            "properties": [{ "name": "switchboard:components-from", "value": source }],
        },
        "components": components.collect::<Vec<_>>(),
    });
    format!("{bill:#}\n")
}

fn plugin(manifest: &Manifest) -> Json {
    let mut plugin = json!({
        "type": "application",
        "bom-ref": format!("{}@{}", manifest.id, manifest.version),
        "name": manifest.id,
        "version": manifest.version,
    });
    if let Some(fields) = plugin.as_object_mut() {
        if !manifest.description.is_empty() {
            fields.insert("description".to_owned(), json!(manifest.description));
        }
        if let Some(author) = &manifest.author {
            fields.insert("author".to_owned(), json!(author));
        }
        if let Some(license) = &manifest.license {
            fields.insert("licenses".to_owned(), json!([{ "expression": license }]));
        }
    }
    plugin
}

fn library(library: &Library) -> Json {
    let known = library.purl.clone();
    let version = library.version.as_deref().unwrap_or_default();
    let mut described = json!({
        "type": "library",
        "bom-ref": known.clone().unwrap_or_else(|| format!("{}@{version}", library.name)),
        "name": library.name,
    });
    if let Some(fields) = described.as_object_mut() {
        if !version.is_empty() {
            fields.insert("version".to_owned(), json!(version));
        }
        if let Some(purl) = known {
            fields.insert("purl".to_owned(), json!(purl));
        }
        if let Some((algorithm, content)) = &library.hash {
            fields.insert("hashes".to_owned(), json!([{ "alg": algorithm, "content": content }]));
        }
    }
    described
}

/// What a component was made with is no part of it, save what a language or a kit puts in.
fn producer(producer: &Producer) -> Json {
    let Producer { role, name, version } = producer;
    let kind = match role.as_str() {
        "language" => "platform",
        "sdk" => "framework",
        _ => "application",
    };
    let scope = if kind == "application" { "excluded" } else { "required" };
    let mut described = json!({
        "type": kind,
        "bom-ref": format!("{role}:{name}@{version}"),
        "name": name,
        "scope": scope,
    });
    if let Some(fields) = described.as_object_mut()
        && !version.is_empty()
    {
        fields.insert("version".to_owned(), json!(version));
    }
    described
}

/// A text as a part of a package URL.
fn in_purl(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
