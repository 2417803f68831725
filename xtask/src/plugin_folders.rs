//! What every plugin's folder holds, so that a reader knows one when they know another.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// What must stand in the folder of a plugin, and what it is for.
const PARTS: [(&str, &str); 4] = [
    ("manifest.yaml", "what the plugin contributes and needs"),
    ("README.md", "what it does for its users"),
    ("src/lib.rs", "which handlers it binds"),
    ("tests", "how it is known to work"),
];

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
        for (part, purpose) in PARTS {
            if !tree.has(&format!("{folder}/{part}")) {
                faults.push(format!("{folder}: `{part}` is missing, which says {purpose}"));
            }
        }
    }
    faults
}
