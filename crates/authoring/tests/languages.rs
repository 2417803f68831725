//! Plugins in Python, JavaScript and C as components, built as their authors build them.
//!
//! Their tools are installed into the user's cache by the first test that needs them.
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
    "clock",
    "random",
    "config",
    "schemas",
    "audit",
    "filter-points",
    "metrics",
];

fn at_the_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn built(folder: &Path, into: &TempDir) -> Result<Built, BuildError> {
    build(&Source::open(folder)?, &into.path().join("plugin"), Effort::Full)
}

fn imports(component: &Path) -> BTreeSet<String> {
    let DecodedWasm::Component(resolve, world) = decode(&fs::read(component).unwrap()).unwrap() else {
        panic!("{} is no component", component.display())
    };
    resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect()
}

/// The guestbook in a language imports of the contract what its manifest asks for at most, and of the rest WASI alone.
fn guestbook(language: &str, most: u64) {
    let into = TempDir::new().unwrap();
    let built = built(&at_the_root(&format!("examples/guestbook-{language}")), &into)
        .unwrap_or_else(|error| panic!("{error}"));
    let imports = imports(&built.component);
    eprintln!("guestbook-{language}: {} bytes, {imports:?}", built.size);
    for import in &imports {
        let own = import.strip_prefix("switchboard:plugin/").and_then(|name| name.strip_suffix("@0.1.0"));
        let is_fine = match own {
            Some(name) => UNASKED.contains(&name) || ["db", "events", "schedule"].contains(&name),
            None => import.starts_with("wasi:") && language != "c",
        };
        assert!(is_fine, "the guestbook in {language} imports `{import}`");
    }
    assert!(imports.contains("switchboard:plugin/db@0.1.0"), "{imports:?}");
    assert!(built.size < most, "the guestbook in {language} has {} bytes", built.size);
    assert!(built.folder.join("migrations/001_initial.sql").is_file());
}

#[test]
fn the_guestbook_in_python_imports_no_more_than_it_asks_for() {
    guestbook("python", 24_000_000);
}

#[test]
fn the_guestbook_in_typescript_imports_no_more_than_it_asks_for() {
    guestbook("javascript", 3_000_000);
}

#[test]
fn the_guestbook_in_c_imports_no_more_than_it_asks_for() {
    guestbook("c", 300_000);
}

/// The files that a page shows whole: a fence with a language and a file's name.
fn files_of(page: &str, folder: &Path) {
    let text = fs::read_to_string(at_the_root(page)).unwrap();
    let mut lines = text.lines();
    let mut found = 0;
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        if let Some((_, name)) = info.split_once(' ') {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, block).unwrap();
            found += 1;
        }
    }
    assert!(found >= 2, "{page} shows {found} files");
}

#[test]
fn the_first_plugin_of_each_page_is_built_as_it_stands_there() {
    for language in ["python", "js", "c"] {
        let folder = TempDir::new().unwrap();
        files_of(&format!("sdk/{language}/README.md"), folder.path());
        let into = TempDir::new().unwrap();
        let built = built(folder.path(), &into).unwrap_or_else(|error| panic!("sdk/{language}: {error}"));
        assert!(!imports(&built.component).contains("switchboard:plugin/db@0.1.0"), "sdk/{language}");
    }
}

#[test]
fn a_plugin_that_is_wrong_is_no_component() {
    let wrong = [
        ("python", "src/plugin.py", "from switchboard import Plugin\nplugin = Plugin(\n"),
        ("js", "src/plugin.ts", "export default 7;\n"),
        ("c", "src/plugin.c", "#include \"switchboard.h\"\nconst sb_plugin switchboard_plugin = {1};\n"),
    ];
    for (language, name, text) in wrong {
        let folder = TempDir::new().unwrap();
        files_of(&format!("sdk/{language}/README.md"), folder.path());
        fs::write(folder.path().join(name), text).unwrap();
        let into = TempDir::new().unwrap();
        let error = built(folder.path(), &into).unwrap_err();
        assert!(matches!(error, BuildError::ToolFailed { .. }), "sdk/{language}: {error}");
        assert!(!into.path().join("plugin").exists(), "sdk/{language}");
    }
}
