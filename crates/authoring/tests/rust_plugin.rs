//! Plugins in Rust as components, built as an author builds them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use switchboard_authoring::{BuildError, Built, Effort, Source, build};
use tempfile::TempDir;
use wit_parser::decoding::{DecodedWasm, decode};

/// What is handed out unasked, or is nothing that can be asked for.
const UNASKED: [&str; 11] = [
    "types",
    "bodies",
    "call",
    "log",
    "metrics",
    "clock",
    "random",
    "config",
    "schemas",
    "audit",
    "filter-points",
];

fn at_the_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The plugin of a folder, built; `None` where the compiler lacks the target, which the build machine sees to.
fn built(path: &str, into: &TempDir) -> Option<Built> {
    let source = Source::open(&at_the_root(path)).unwrap_or_else(|error| panic!("{error}"));
    match build(&source, &into.path().join("plugin"), Effort::Full) {
        Ok(built) => Some(built),
        Err(error @ BuildError::NoTarget { .. }) => {
            eprintln!("SKIPPED: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The interfaces that a component imports and exports, by their names.
fn interfaces(component: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let DecodedWasm::Component(resolve, world) = decode(&fs::read(component).unwrap()).unwrap() else {
        panic!("{} is no component", component.display())
    };
    let world = &resolve.worlds[world];
    let names = |items: &mut dyn Iterator<Item = &wit_parser::WorldKey>| {
        let name = |key: &wit_parser::WorldKey| {
            let whole = resolve.name_world_key(key);
            let name = whole.strip_prefix("switchboard:plugin/").and_then(|name| name.strip_suffix("@0.1.0"));
            name.unwrap_or(&whole).to_owned()
        };
        items.map(name).collect()
    };
    (names(&mut world.imports.keys()), names(&mut world.exports.keys()))
}

#[test]
fn a_component_imports_no_capability_that_its_manifest_does_not_ask_for() {
    for (path, most) in [
        ("examples/guestbook", 600 << 10),
        ("plugins/media/clips", 2 << 20),
        ("plugins/media/highlight_detector", 2 << 20),
    ] {
        let into = TempDir::new().unwrap();
        let Some(built) = built(path, &into) else { return };
        let source = Source::open(&built.folder).unwrap();
        let (imports, exports) = interfaces(&built.component);
        for import in imports.iter().filter(|import| !UNASKED.contains(&import.as_str())) {
            let is_asked_for =
                source.manifest().capabilities.iter().any(|asked| asked.name.as_str() == import);
            assert!(is_asked_for, "{path} imports `{import}` and does not ask for it: {imports:?}");
        }
        assert!(exports.contains("description") && exports.contains("routes"), "{exports:?}");
        assert!(built.size < most, "{path} has {} bytes", built.size);
    }
}

#[test]
fn what_is_built_is_a_folder_that_a_server_loads() {
    let into = TempDir::new().unwrap();
    let Some(built) = built("examples/guestbook", &into) else { return };
    let manifest = fs::read_to_string(built.folder.join("manifest.yaml")).unwrap();
    assert!(manifest.contains("\nentry_point: plugin.wasm\ntype: external\n"), "{manifest}");
    assert!(built.folder.join("migrations/001_initial.sql").is_file());
    assert!(built.component.ends_with("plugin/plugin.wasm"));
    let module = fs::read(&built.component).unwrap();
    let has = |words: &str| module.windows(words.len()).any(|window| window == words.as_bytes());
    assert!(has("guestbook::entry::sign"), "its functions are known by name, for backtraces");
    assert!(!has("create table"), "the migrations are the host's, and stand beside it");
}

#[test]
fn a_folder_of_something_else_is_not_replaced() {
    let into = TempDir::new().unwrap();
    let output = into.path().join("plugin");
    fs::create_dir(&output).unwrap();
    fs::write(output.join("letter.txt"), "dear").unwrap();
    let source = Source::open(&at_the_root("examples/guestbook")).unwrap();
    let error = build(&source, &output, Effort::Full).unwrap_err();
    if let BuildError::NoTarget { .. } = error {
        eprintln!("SKIPPED: {error}");
        return;
    }
    let error = error.to_string();
    assert!(error.contains("it holds something that is no plugin"), "{error}");
    assert!(output.join("letter.txt").is_file());
}

#[test]
fn a_folder_without_source_says_what_is_looked_for() {
    let folder = TempDir::new().unwrap();
    let manifest = "id: a\nname: A\nversion: 1.0.0\ntype: builtin\ncategory: media\n";
    fs::write(folder.path().join("manifest.yaml"), manifest).unwrap();
    let source = Source::open(folder.path()).unwrap();
    let error = build(&source, &folder.path().join("out"), Effort::Full).unwrap_err();
    assert!(matches!(error, BuildError::UnknownLanguage { .. }), "{error}");
    assert!(error.to_string().contains("`Cargo.toml` (Rust)"), "{error}");
}
