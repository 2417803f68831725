//! The contract of sandboxed plugins, held against its rules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use xtask::Contract;

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

fn contract() -> Contract {
    Contract::read(&wit()).unwrap_or_else(|fault| panic!("{fault}"))
}

/// The contract with a change of its text.
fn changed(file: &str, from: &str, to: &str) -> Contract {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(wit()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "wit") {
            std::fs::copy(&entry, folder.path().join(entry.file_name().unwrap())).unwrap();
        }
    }
    let path = folder.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {file}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    Contract::read(folder.path()).unwrap_or_else(|fault| panic!("{fault}"))
}

#[test]
fn every_item_of_the_contract_is_documented() {
    let faults = contract().undocumented();
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

#[test]
fn what_was_published_is_still_promised() {
    for entry in std::fs::read_dir(wit().join("published")).unwrap() {
        let path = entry.unwrap().path();
        let published = Contract::read(&path).unwrap_or_else(|fault| panic!("{fault}"));
        let faults = contract().breaks(&published).unwrap();
        assert!(faults.is_empty(), "{} is broken:\n  {}\n", path.display(), faults.join("\n  "));
    }
}

#[test]
fn an_imported_interface_may_grow() {
    let clock = "now: func() -> moment;";
    let grown = changed(
        "capabilities.wit",
        clock,
        &format!("{clock}\n    /// Since the start.\n    uptime: func() -> u64;"),
    );
    assert_eq!(grown.breaks(&contract()).unwrap(), [""; 0]);
}

#[test]
fn nothing_else_may_change() {
    for (file, from, to) in [
        // A function that is gone, another parameter, another field, another case.
        ("capabilities.wit", "now: func() -> moment;", "today: func() -> moment;"),
        (
            "capabilities.wit",
            "delete: func(key: string) -> result<bool, failure>;",
            "delete: func(key: string, all: bool) -> result<bool, failure>;",
        ),
        ("types.wit", "limit: option<u64>,", "limit: option<u64>,\n        /// More.\n        more: string,"),
        (
            "capabilities.wit",
            "bytes(list<u8>),",
            "bytes(list<u8>),\n        /// A moment.\n        moment(s64),",
        ),
        // What plugins export does not grow.
        (
            "exports.wit",
            "describe: func() -> json;",
            "describe: func() -> json;\n    /// Again.\n    again: func();",
        ),
    ] {
        let faults = changed(file, from, to).breaks(&contract()).unwrap();
        assert!(!faults.is_empty(), "{from} became {to}");
    }
}

#[test]
fn an_item_without_documentation_is_found() {
    let faults = changed("capabilities.wit", "    /// Now.\n", "").undocumented();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("`clock.now`"));
}
