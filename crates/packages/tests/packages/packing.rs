//! What an author packs, and what comes out again.

use std::{fs, process::Command};

use cyclonedx_bom::{models::bom::SpecVersion, prelude::Bom, validation::Validate};
use switchboard_manifest::Capability;
use switchboard_packages::{Agreement, Bounds, Component, Error, Need, pack, remove_unfinished};

use crate::stage::{Built, MANIFEST, component};

#[test]
fn a_folder_packed_twice_gives_the_same_bytes() {
    let (one, other) = (Built::new(), Built::new());
    other.write("src/plugin.py", b"print('not packed')");
    other.write(".git/config", b"");
    other.write("assets/.DS_Store", b"");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let file = fs::File::options().write(true).open(other.path().join("README.md")).unwrap();
    file.set_modified(old).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(other.path().join("plugin.wasm"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let (one, other) = (one.pack(), other.pack());
    assert!(one.bytes == other.bytes);
    assert_eq!(one.package.file_name(), "hello-1.0.0.switchboard");
    let names: Vec<&str> = one.package.files().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "LICENSE-MIT",
            "README.md",
            "SHA256SUMS",
            "assets/style.css",
            "manifest.yaml",
            "migrations/001_initial.down.sql",
            "migrations/001_initial.sql",
            "plugin.wasm",
            "sbom.cdx.json",
        ]
    );
}

#[test]
fn what_is_unpacked_is_whole_and_packs_to_the_same_package() {
    let packed = Built::new().pack();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("plugins/hello");
    packed.package.unpack(&into).unwrap();
    for (name, content) in packed.package.files() {
        assert!(fs::read(name.below(&into)).unwrap() == content[..], "{name}");
    }
    assert!(pack(&into, &Bounds::default()).unwrap().bytes == packed.bytes);
    assert!(matches!(packed.package.unpack(&into), Err(Error::AlreadyThere { .. })));
    // The tool that everybody has agrees with the checksums.
    if let Ok(said) =
        Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&into).output()
    {
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}

#[test]
fn an_unpacking_that_fails_leaves_nothing_and_one_that_was_broken_off_is_cleared_away() {
    let packed = Built::new().pack();
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    fs::write(&plugins, "a file where a folder should be").unwrap();
    assert!(packed.package.unpack(&plugins.join("hello")).is_err());
    fs::remove_file(&plugins).unwrap();
    fs::create_dir_all(plugins.join(".unpacking-abc/assets")).unwrap();
    fs::create_dir_all(plugins.join("other")).unwrap();
    remove_unfinished(&plugins).unwrap();
    let left: Vec<_> = fs::read_dir(&plugins).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["other"]);
}

#[test]
fn a_component_says_what_it_imports_and_the_manifest_must_agree() {
    let packed = Built::new().pack();
    let component = packed.package.component();
    let imports: Vec<&str> = component.imports.iter().map(|it| it.as_str()).collect();
    for import in
        ["switchboard:plugin/log@0.1.0", "switchboard:plugin/db@0.1.0", "switchboard:plugin/http@0.1.0"]
    {
        assert!(imports.contains(&import), "{imports:?}");
    }
    let exports: Vec<&str> = component.exports.iter().map(|it| it.as_str()).collect();
    assert_eq!(exports, ["switchboard:plugin/description@0.1.0"]);
    assert!(component.producers.iter().any(|it| it.name == "wit-component"), "{:?}", component.producers);
    let agreement = Agreement::of(packed.package.manifest(), component);
    assert_eq!((agreement.refused().count(), agreement.unused.len()), (0, 0), "{agreement:?}");

    let built = Built::new();
    let without = MANIFEST.split("  - { name: http").next().unwrap();
    built.write("manifest.yaml", without.as_bytes());
    let packed = built.pack();
    let agreement = Agreement::of(packed.package.manifest(), packed.package.component());
    let refused: Vec<Need> = agreement.refused().map(|import| import.need).collect();
    assert_eq!(refused, [Need::NotAsked(Capability::Http)]);
}

#[test]
fn a_folder_that_is_no_built_plugin_is_refused_with_what_to_do() {
    let refused = |change: &dyn Fn(&Built)| {
        let built = Built::new();
        change(&built);
        pack(built.path(), &Bounds::default()).unwrap_err()
    };
    let write = |name: &'static str, content: &'static [u8]| {
        move |built: &Built| {
            built.write(name, content);
        }
    };
    assert!(matches!(
        refused(&|it| fs::remove_file(it.path().join("manifest.yaml")).unwrap()),
        Error::NoManifest { .. }
    ));
    assert!(matches!(
        refused(&|it| fs::remove_file(it.path().join("plugin.wasm")).unwrap()),
        Error::NotBuilt { .. }
    ));
    assert!(matches!(refused(&write("manifest.yaml", b"id: Hello\n")), Error::Manifest(_)));
    assert!(matches!(refused(&write("manifest.yaml", b"\xff")), Error::ManifestEncoding));
    let builtin =
        write("manifest.yaml", b"id: it\nname: It\nversion: 1.0.0\ncategory: utility\ntype: builtin\n");
    assert!(matches!(refused(&builtin), Error::NotExternal { .. }));
    assert!(matches!(refused(&write("plugin.wasm", b"MZ")), Error::NotAComponent { .. }));
    let core = refused(&write("plugin.wasm", b"\0asm\x01\0\0\0"));
    assert!(core.to_string().contains("core module"), "{core}");
    assert!(matches!(refused(&write("assets/a b.png", b"")), Error::BadName { .. }));
    assert!(matches!(refused(&write("sbom.cdx.json", b"{}")), Error::Bill { .. }));
    #[cfg(unix)]
    {
        let link =
            |it: &Built| std::os::unix::fs::symlink("/etc/passwd", it.path().join("assets/passwd")).unwrap();
        assert!(matches!(refused(&link), Error::Link { .. }));
        let code = |it: &Built| {
            fs::rename(it.path().join("plugin.wasm"), it.path().join("other.wasm")).unwrap();
            std::os::unix::fs::symlink("other.wasm", it.path().join("plugin.wasm")).unwrap();
        };
        assert!(matches!(refused(&code), Error::Link { .. }));
    }
}

#[test]
fn what_an_engine_would_refuse_is_refused_when_it_is_packed() {
    let mut broken = component().to_vec();
    // A byte in the midst of the code of its module.
    let middle = broken.len() / 2;
    broken[middle..middle + 16].fill(0xff);
    assert!(Component::validate(&broken).is_err());
    let built = Built::new();
    built.write("plugin.wasm", &broken);
    assert!(matches!(pack(built.path(), &Bounds::default()), Err(Error::NotAComponent { .. })));
}

/// The bill of a plugin, read and found right by CycloneDX's own library.
fn bill(built: &Built) -> serde_json::Value {
    let packed = built.pack();
    let text = packed.package.file("sbom.cdx.json").unwrap();
    let read = Bom::parse_from_json_v1_5(&text[..]).unwrap();
    let valid = read.validate_version(SpecVersion::V1_5);
    assert!(valid.passed(), "{valid:?}");
    serde_json::from_slice(text).unwrap()
}

fn purls(bill: &serde_json::Value) -> Vec<&str> {
    bill["components"].as_array().unwrap().iter().filter_map(|it| it["purl"].as_str()).collect()
}

#[test]
fn the_bill_names_what_a_component_says_it_was_made_with() {
    let bill = bill(&Built::new());
    assert_eq!(bill["metadata"]["component"]["name"], "hello");
    assert_eq!(bill["metadata"]["component"]["licenses"][0]["expression"], "MIT OR Apache-2.0");
    let names: Vec<_> = bill["components"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(names.iter().any(|name| *name == "wit-component"), "{bill:#}");
}

#[test]
fn the_bill_names_the_libraries_of_lock_files() {
    let built = Built::new();
    built.write("Cargo.toml", b"[package]\nname = \"hello\"\nversion = \"1.0.0\"\n");
    let lock = "version = 4\n\
        [[package]]\nname = \"hello\"\nversion = \"1.0.0\"\ndependencies = [\"serde 1.0.1\", \"ours\"]\n\
        [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\
        [[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+https://example.com\"\n\
        checksum = \"2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d\"\ndependencies = [\"itoa\"]\n\
        [[package]]\nname = \"serde\"\nversion = \"0.9.0\"\nsource = \"registry+https://example.com\"\n\
        [[package]]\nname = \"itoa\"\nversion = \"1.0.0\"\nsource = \"registry+https://example.com\"\n\
        [[package]]\nname = \"of_another_member\"\nversion = \"1.0.0\"\nsource = \"registry+https://example.com\"\n";
    built.write("Cargo.lock", lock.as_bytes());
    let npm = r#"{"lockfileVersion": 3, "packages": {"": {"name": "it"},
        "node_modules/@scope/a": {"version": "1.2.3", "integrity": "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},
        "node_modules/a/node_modules/b": {"version": "2.0.0"},
        "node_modules/tool": {"version": "1.0.0", "dev": true}}}"#;
    built.write("package-lock.json", npm.as_bytes());
    built.write("requirements.txt", b"jinja2==3.1.6\nsix\n");
    let bill = bill(&built);
    let mut found = purls(&bill);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "pkg:cargo/itoa@1.0.0",
            "pkg:cargo/serde@1.0.1",
            "pkg:npm/%40scope/a@1.2.3",
            "pkg:npm/b@2.0.0",
            "pkg:pypi/jinja2@3.1.6",
            "pkg:pypi/six",
        ]
    );
    let from = &bill["metadata"]["properties"][0]["value"];
    assert_eq!(from, "Cargo.lock, package-lock.json, requirements.txt");
    built.write("package-lock.json", b"{");
    assert!(matches!(pack(built.path(), &Bounds::default()), Err(Error::LockFile { .. })));
}
