//! Rules about files: what they are called, how long they get, how a crate introduces itself.

use std::io;

use crate::tree::Tree;

/// Names that say how code is stored and not what it is about.
const NAMELESS: [&str; 8] =
    ["utils", "util", "helpers", "manager", "types", "common", "misc", "shared_types"];

/// Where source files of this repository stand.
const PLACES: [&str; 6] = ["crates/", "sdk/", "plugins/", "examples/", "benches/", "xtask/"];

/// The longest that a source file may be, in lines.
const LONGEST: usize = 800;

/// Source files and modules named after nothing in the domain.
#[must_use]
pub fn nameless_files(tree: &Tree) -> Vec<String> {
    let sources = tree.written("rs").filter(|file| PLACES.iter().any(|place| file.path.starts_with(place)));
    let mut faults = Vec::new();
    for file in sources {
        let stem = match file.name() {
            "mod.rs" => file.folder().rsplit('/').next().unwrap_or_default(),
            name => name.trim_end_matches(".rs"),
        };
        if NAMELESS.contains(&stem) {
            faults.push(format!(
                "{}: `{stem}` names no noun of the domain; name the file after what its code is about, or move \
                 each part to the file whose noun it serves",
                file.path
            ));
        }
    }
    faults
}

/// Source files of more than 800 lines.
///
/// # Errors
/// When a file cannot be read.
pub fn overlong_files(tree: &Tree) -> io::Result<Vec<String>> {
    let mut faults = Vec::new();
    for extension in ["rs", "css", "js", "sql", "wit"] {
        for file in tree.written(extension) {
            let lines = file.text()?.lines().count();
            if lines > LONGEST {
                faults.push(format!(
                    "{}: {lines} lines, and {LONGEST} is the most; it is about more than one noun, so give each \
                     its own file",
                    file.path
                ));
            }
        }
    }
    Ok(faults)
}

/// Crates whose first lines do not say what they are for.
///
/// The first doc comment of a crate is its invariant: what it is for, what it must never know, what to read first.
///
/// # Errors
/// When a file cannot be read.
pub fn unintroduced_crates(tree: &Tree) -> io::Result<Vec<String>> {
    let mut faults = Vec::new();
    for manifest in
        tree.written("toml").filter(|file| file.name() == "Cargo.toml" && !file.folder().is_empty())
    {
        let Some(root) = ["src/lib.rs", "src/main.rs"]
            .iter()
            .map(|root| format!("{}/{root}", manifest.folder()))
            .find_map(|path| tree.files().iter().find(|file| file.path == path))
        else {
            continue;
        };
        let text = root.text()?;
        let introduction = text.lines().take_while(|line| line.starts_with("//!"));
        let sentences = introduction.filter(|line| line.len() > "//!".len()).count();
        if sentences < 2 {
            faults.push(format!(
                "{}: begins with {sentences} lines of `//!`; say in at least two what the crate is for, what it \
                 must never know, and which types to read first",
                root.path
            ));
        }
    }
    Ok(faults)
}
