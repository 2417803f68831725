//! Packing: from a plugin's folder to its package.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use switchboard_manifest::Manifest;

use crate::{
    BILL, Bounds, CHECKSUMS, Component, EntryName, Error, MANIFEST, Package,
    archive::{self, Files},
    bill, checksums, layout,
};

/// The names that a manifest may have in a plugin's folder, in the order in which they are looked for.
const MANIFEST_NAMES: [&str; 3] = [MANIFEST, "manifest.yml", "manifest.json"];

/// A package that was just made.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The package, as whoever reads it finds it.
    pub package: Package,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Packs a built plugin: its manifest, its component, `migrations/*.sql`, `assets/`, and what is called README, LICENSE and the
/// like. What else is in the folder stays there. The same files give the same bytes on every machine and day.
///
/// The bill of materials is made from `Cargo.lock`, `package-lock.json` and `requirements.txt`, as far as they are there; a file
/// `sbom.cdx.json` that is there already is taken as it is.
///
/// # Errors
/// What is wrong with the folder, or with what a package of it would hold.
pub fn pack(folder: &Path, bounds: &Bounds) -> Result<Packed, Error> {
    let source = MANIFEST_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let Some(source) = source else { return Err(Error::NoManifest { folder: folder.to_owned() }) };
    let mut files = Files::new();
    let text = read(&source, bounds)?;
    let manifest = Manifest::read(std::str::from_utf8(&text).map_err(|_| Error::ManifestEncoding)?)
        .map_err(|faults| Error::Manifest(Box::new(faults)))?;
    files.insert(EntryName::parse(MANIFEST)?, text);

    let entry_point = layout::entry_point(&manifest)?;
    let code = entry_point.below(folder);
    if !code.exists() {
        return Err(Error::NotBuilt { path: code });
    }
    let code = read(&code, bounds)?;
    let not_a_component = |why| Error::NotAComponent { name: entry_point.to_string(), why };
    Component::validate(&code).map_err(not_a_component)?;
    let component = Component::read(&code).map_err(not_a_component)?;
    files.insert(entry_point, code);

    for (name, path) in written_by_the_author(folder)? {
        let name = EntryName::parse(&name)?;
        if files.len() > bounds.files {
            return Err(Error::TooManyFiles { most: bounds.files });
        }
        files.insert(name, read(&path, bounds)?);
    }
    let own_bill = folder.join(BILL);
    let bill = if own_bill.is_file() {
        read(&own_bill, bounds)?
    } else {
        bill::write(&manifest, &component, &bill::libraries(folder)?).into()
    };
    files.insert(EntryName::parse(BILL)?, bill);
    files.insert(EntryName::parse(CHECKSUMS)?, checksums::write(&files).into());

    let bytes = archive::write(&files, bounds)?;
    // As strictly as whoever installs it: what they would refuse is told now.
    let package = Package::read(&bytes, bounds)?;
    Ok(Packed { package, bytes })
}

/// The migrations, assets and documents in a folder, by the names that they have in a package.
fn written_by_the_author(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = open.pop() {
        let unreadable = || Error::file("looked into", &folder);
        for entry in fs::read_dir(&folder).map_err(unreadable())? {
            let entry = entry.map_err(unreadable())?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else { return Err(Error::NameEncoding { path }) };
            let kind = entry.file_type().map_err(unreadable())?;
            let name = format!("{prefix}{name}");
            let has_files = name.starts_with("assets/") || ["assets", "migrations"].contains(&name.as_str());
            let is_wanted = layout::is_written_by_the_author(&name);
            // What begins with a dot was put there by a program.
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            } else if kind.is_symlink() && (has_files || is_wanted) {
                return Err(Error::Link { path });
            } else if kind.is_dir() && has_files {
                open.push((format!("{name}/"), path));
            } else if kind.is_file() && is_wanted {
                found.insert(name, path);
            }
        }
    }
    Ok(found)
}

/// The bytes of a file, which is none too large to be packed.
fn read(path: &Path, bounds: &Bounds) -> Result<Bytes, Error> {
    let about = fs::symlink_metadata(path).map_err(Error::file("looked at", path))?;
    if about.is_symlink() {
        return Err(Error::Link { path: path.to_owned() });
    }
    if about.len() > bounds.file {
        return Err(Error::FileTooLarge { name: path.display().to_string(), most: bounds.file });
    }
    if !about.is_file() {
        return Err(Error::file("read", path)(io::Error::other("it is no file")));
    }
    fs::read(path).map(Bytes::from).map_err(Error::file("read", path))
}
