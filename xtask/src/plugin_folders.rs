//! What every plugin's folder holds, so that a reader knows one when they know another.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// What must stand in the folder of a plugin in any language, and what it is for.
const PARTS: [(&str, &str); 3] = [
    ("manifest.yaml", "what the plugin contributes and needs"),
    ("README.md", "what it does for its users"),
    ("src", "which handlers it binds"),
];

/// What stands there besides when the plugin is in Rust. The others are held to the tests of the one in Rust, by links.
const PARTS_IN_RUST: [(&str, &str); 2] =
    [("src/lib.rs", "which handlers it binds"), ("tests", "how it is known to work")];

/// Folders of plugins, `plugins/<domain>/<id>/` and `examples/<id>/`, in which something is missing.
#[must_use]
pub fn incomplete_plugins(tree: &Tree) -> Vec<String> {
    let mut folders = BTreeSet::new();
    for file in tree.files() {
        let steps: Vec<&str> = file.path.split('/').collect();
        match steps.as_slice() {
            ["plugins", domain, id, _, ..] => folders.insert(format!("plugins/{domain}/{id}")),
            ["examples", id, _, ..] => folders.insert(format!("examples/{id}")),
            _ => continue,
        };
    }
    let mut faults = Vec::new();
    for folder in folders {
        let in_another_language =
            folder.starts_with("examples/") && !tree.has(&format!("{folder}/Cargo.toml"));
        let in_rust = if in_another_language { &[][..] } else { &PARTS_IN_RUST[..] };
        for (part, purpose) in PARTS.iter().chain(in_rust) {
            if !tree.has(&format!("{folder}/{part}")) {
                faults.push(format!("{folder}: `{part}` is missing, which says {purpose}"));
            }
        }
    }
    faults
}
