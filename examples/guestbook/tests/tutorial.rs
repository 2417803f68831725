//! The tutorial says what the example does: `docs/writing-a-plugin.md` quotes these files, and quotes them rightly.
//!
//! A block of code whose fence names a file, as in ```` ```rust src/lib.rs ````, is a piece of that file.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeMap, fs, path::Path};

/// The files of which the tutorial shows every line, so that whoever types them off has the whole plugin.
const SHOWN_WHOLE: [&str; 11] = [
    "Cargo.toml",
    "manifest.yaml",
    "migrations/001_initial.sql",
    "migrations/001_initial.postgres.sql",
    "migrations/001_initial.down.sql",
    "src/count.rs",
    "src/entry.rs",
    "src/lib.rs",
    "src/signatures.rs",
    "src/signing.rs",
    "src/tidy.rs",
];

fn example() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// The blocks of code that name a file, in order, by that file.
fn quoted() -> BTreeMap<String, Vec<String>> {
    let page = read(&example().join("../../docs/writing-a-plugin.md"));
    let mut quoted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        if let Some((_, file)) = info.split_once(' ') {
            quoted.entry(file.to_owned()).or_default().push(block);
        }
    }
    quoted
}

#[test]
fn every_block_of_the_tutorial_stands_in_the_file_that_it_names() {
    for (file, blocks) in quoted() {
        let text = read(&example().join(&file));
        for block in blocks {
            assert!(
                text.contains(&block),
                "docs/writing-a-plugin.md shows what is not in {file}:\n\n{block}"
            );
        }
    }
}

#[test]
fn the_tutorial_shows_every_line_of_the_plugin() {
    let quoted = quoted();
    for file in SHOWN_WHOLE {
        let shown = quoted.get(file).map(|blocks| blocks.join("\n")).unwrap_or_default();
        let text = read(&example().join(file));
        assert_eq!(shown, text, "docs/writing-a-plugin.md does not show all of {file} in its order");
    }
}

#[test]
fn no_file_of_the_plugin_is_left_out_of_the_tutorial() {
    for folder in ["src", "migrations"] {
        for entry in fs::read_dir(example().join(folder)).unwrap() {
            let file = format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy());
            assert!(SHOWN_WHOLE.contains(&file.as_str()), "{file} is not among the files shown whole");
        }
    }
}
