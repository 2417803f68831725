//! What every plugin's folder holds, so that a reader knows one when they know another.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// What must stand in `plugins/<domain>/<id>/`, and what it is for.
const PARTS: [(&str, &str); 4] = [
    ("manifest.yaml", "what the plugin contributes and needs"),
    ("README.md", "what it does for its users"),
    ("src/lib.rs", "which handlers it binds"),
    ("tests", "how it is known to work"),
];

/// Plugin folders in which something is missing.
#[must_use]
pub fn incomplete_plugins(tree: &Tree) -> Vec<String> {
    let mut folders = BTreeSet::new();
    for file in tree.files() {
        let mut steps = file.path.split('/');
        if let (Some("plugins"), Some(domain), Some(id), Some(_)) =
            (steps.next(), steps.next(), steps.next(), steps.next())
        {
            folders.insert(format!("plugins/{domain}/{id}"));
        }
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
