//! A package that was read: everything in it is what it says.

use std::path::Path;

use bytes::Bytes;
use serde_json::Value as Json;
use switchboard_manifest::Manifest;

use crate::{
    BILL, Bounds, Component, Digest, EntryName, Error, MANIFEST,
    archive::{self, Files},
    checksums, layout, unpacking,
};

/// A plugin as one file, read and found right: its form, its names, its checksums, its manifest, its component.
///
/// ```no_run
/// use switchboard_packages::{Bounds, Package};
///
/// let package = Package::read(&std::fs::read("hello-1.0.0.switchboard")?, &Bounds::default())?;
/// println!("{} {}, {}", package.manifest().id, package.manifest().version, package.digest());
/// package.unpack("data/plugins/hello".as_ref())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Package {
    manifest: Manifest,
    component: Component,
    entry_point: EntryName,
    files: Files,
    digest: Digest,
    size: u64,
}

impl Package {
    /// Reads a package, which may come from anybody.
    ///
    /// # Errors
    /// The first thing that is wrong with it. Nothing was written anywhere.
    pub fn read(package: &[u8], bounds: &Bounds) -> Result<Self, Error> {
        let files = archive::read(package, bounds)?;
        checksums::check(&files)?;
        let manifest = manifest(&files)?;
        let entry_point = layout::entry_point(&manifest)?;
        if let Some(name) = files.keys().find(|name| !layout::has_a_place(name, &entry_point)) {
            return Err(Error::Unexpected { name: name.to_string() });
        }
        let Some(code) = files.get(&entry_point) else {
            return Err(Error::Missing { name: entry_point.to_string() });
        };
        let component = Component::read(code)
            .map_err(|why| Error::NotAComponent { name: entry_point.to_string(), why })?;
        check_bill(&files, &manifest)?;
        Ok(Self {
            manifest,
            component,
            entry_point,
            files,
            digest: Digest::of(package),
            size: package.len() as u64,
        })
    }

    /// What the plugin declares.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What its code imports and exports.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// The name of its code.
    pub fn entry_point(&self) -> &EntryName {
        &self.entry_point
    }

    /// The bytes of its code.
    pub fn code(&self) -> &[u8] {
        self.file(self.entry_point.as_str()).map_or(&[], |code| code)
    }

    /// The digest of the package itself.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The size of the package itself, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Every file in it, by name.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&EntryName, &Bytes)> {
        self.files.iter()
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> Option<&Bytes> {
        self.files.get(name)
    }

    /// The names of its migrations, in order.
    pub fn migrations(&self) -> impl Iterator<Item = &str> {
        self.files.keys().filter_map(|name| name.as_str().strip_prefix("migrations/"))
    }

    /// The name that the file of such a package has: `<id>-<version>.switchboard`.
    pub fn file_name(&self) -> String {
        layout::file_name(&self.manifest)
    }

    /// Puts its files into a folder that is not there yet. All of them are on the disk when it is, whatever happens.
    ///
    /// # Errors
    /// [`Error::AlreadyThere`], or what the operating system says. Nothing is there then.
    pub fn unpack(&self, into: &Path) -> Result<(), Error> {
        unpacking::unpack(&self.files, into)
    }
}

/// The manifest in a package.
fn manifest(files: &Files) -> Result<Manifest, Error> {
    let Some(text) = files.get(MANIFEST) else { return Err(Error::Missing { name: MANIFEST.to_owned() }) };
    let text = std::str::from_utf8(text).map_err(|_| Error::ManifestEncoding)?;
    Manifest::read(text).map_err(|faults| Error::Manifest(Box::new(faults)))
}

/// Whether the bill of materials is one, and of this plugin.
fn check_bill(files: &Files, manifest: &Manifest) -> Result<(), Error> {
    let Some(text) = files.get(BILL) else { return Err(Error::Missing { name: BILL.to_owned() }) };
    let bill: Json = serde_json::from_slice(text).map_err(|_| Error::Bill { why: "it is no JSON" })?;
    let at = |pointer| bill.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    if at("/bomFormat") != "CycloneDX" || !["1.5", "1.6"].contains(&at("/specVersion")) {
        return Err(Error::Bill { why: "it is not of CycloneDX 1.5 or 1.6" });
    }
    let version = manifest.version.to_string();
    if at("/metadata/component/name") != manifest.id.as_str() || at("/metadata/component/version") != version
    {
        return Err(Error::Bill { why: "it is of another plugin, or of another version" });
    }
    Ok(())
}
