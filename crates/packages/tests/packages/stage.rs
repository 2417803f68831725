//! A plugin's folder, with a real component in it, and archives that no packer writes.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use switchboard_packages::{Bounds, Package, Packed, pack};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// What a plugin of these tests imports and exports.
const WORLD: &str = "package it:it;\nworld it {\n  import switchboard:plugin/log@0.1.0;\n  import switchboard:plugin/db@0.1.0;\n  \
                     import switchboard:plugin/http@0.1.0;\n  export switchboard:plugin/description@0.1.0;\n}\n";

/// The manifest that goes with it.
pub(crate) const MANIFEST: &str = "id: hello\nname: Hello\nversion: 1.0.0\ncategory: utility\nauthor: Ada\nlicense: MIT OR Apache-2.0\n\
    description: Says hello.\nentry_point: plugin.wasm\ncapabilities:\n  - { name: db, reason: It keeps what was said. }\n  \
    - { name: http, reason: It asks the weather., hosts: [api.example.com] }\n";

/// A component of the contract in this repository, whose functions all trap.
pub(crate) fn component() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut resolve = Resolve::default();
        resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
        let package = resolve.push_str("it.wit", WORLD).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
    })
}

/// The folder of a plugin that was built.
pub(crate) struct Built(TempDir);

impl Built {
    pub(crate) fn new() -> Self {
        let built = Self(tempfile::tempdir().unwrap());
        built.write("manifest.yaml", MANIFEST.as_bytes());
        built.write("plugin.wasm", component());
        built.write("migrations/001_initial.sql", b"create table said (what text not null);\n");
        built.write("migrations/001_initial.down.sql", b"drop table said;\n");
        built.write("assets/style.css", b"p { color: red }\n");
        built.write("README.md", b"# Hello\n");
        built.write("LICENSE-MIT", b"MIT\n");
        built
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn pack(&self) -> Packed {
        pack(self.path(), &Bounds::default()).unwrap()
    }
}

/// The files of a package, by name.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// The files of a right package, to be changed before they are written again.
pub(crate) fn right_files() -> Files {
    let packed = Built::new().pack();
    packed.package.files().map(|(name, content)| (name.to_string(), content.to_vec())).collect()
}

/// A header of tar, as a packer writes it.
pub(crate) fn header(name: &[u8], size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    header
}

/// Appends an entry under any header.
pub(crate) fn append(tape: &mut Vec<u8>, header: &tar::Header, content: &[u8]) {
    tape.extend_from_slice(header.as_bytes());
    tape.extend_from_slice(content);
    tape.resize(tape.len().next_multiple_of(512), 0);
}

/// A tape with these files, ended as it should be.
pub(crate) fn tape(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tape = Vec::new();
    for (name, content) in files {
        append(&mut tape, &header(name.as_bytes(), content.len() as u64), content);
    }
    tape.resize(tape.len() + 1024, 0);
    tape
}

/// Compresses a tape as a packer does.
pub(crate) fn compressed(tape: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(tape).unwrap();
    encoder.finish().unwrap()
}

/// Reads a package of these files, with checksums that fit them.
pub(crate) fn read_with_sums(files: &[(String, Vec<u8>)]) -> Result<Package, switchboard_packages::Error> {
    let mut files: Vec<_> = files.iter().filter(|(name, _)| name != "SHA256SUMS").cloned().collect();
    files.sort();
    let sums: String = files
        .iter()
        .map(|(name, content)| {
            let digest = switchboard_packages::Digest::of(content).hexadecimal();
            format!("{digest}  {name}\n")
        })
        .collect();
    files.push(("SHA256SUMS".to_owned(), sums.into_bytes()));
    files.sort();
    Package::read(&compressed(&tape(&files)), &Bounds::default())
}
