//! Each rule, held against a small tree that breaks it: a rule that finds nothing anywhere is no rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use tempfile::TempDir;
use xtask::{
    Arrows, TableFault, Tree, broken_arrows, broken_links, incomplete_plugins, nameless_files,
    outside_addresses, overlong_files, unintroduced_crates,
};

/// A repository with these files; the folder lives as long as the first value.
fn repository(files: &[(&str, &str)]) -> (TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let location = folder.path().join(path);
        std::fs::create_dir_all(location.parent().unwrap()).unwrap();
        std::fs::write(location, text).unwrap();
    }
    let tree = Tree::read(folder.path()).unwrap();
    (folder, tree)
}

fn page(block: &str) -> String {
    format!("# House\n\n## Arrows\n\nProse.\n\n```text\n{block}\n```\n\n## Next\n")
}

#[test]
fn an_arrow_that_only_cargo_has_and_one_that_only_the_table_has_are_both_named() {
    let table = Arrows::parse(&page("sql ->\nstore -> sql\nkernel -> store, sql")).unwrap();
    let built =
        Arrows::default().with("sql", &[]).with("store", &["sql", "kernel"]).with("kernel", &["store"]);
    let faults = broken_arrows(&table, &built);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("extra arrow `store -> kernel`"), "{faults:?}");
    assert!(faults[1].starts_with("missing arrow `kernel -> sql`"), "{faults:?}");
}

#[test]
fn a_crate_that_the_table_does_not_list_is_named_with_the_line_to_add() {
    let table = Arrows::parse(&page("sql ->")).unwrap();
    let built = Arrows::default().with("sql", &[]).with("html", &["api", "sql"]);
    assert_eq!(
        broken_arrows(&table, &built),
        ["crate `html` is missing from the table; add the line `html -> api, sql`"]
    );
}

#[test]
fn a_line_for_a_crate_that_is_gone_is_named() {
    let table = Arrows::parse(&page("sql ->\nghost -> sql\nphantom -> everything it composes")).unwrap();
    let faults = broken_arrows(&table, &Arrows::default().with("sql", &[]));
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("`ghost`") && faults[1].contains("`phantom`"), "{faults:?}");
}

#[test]
fn the_crate_that_composes_may_know_every_other() {
    let table = Arrows::parse(&page("sql ->\nswitchboard -> everything it composes")).unwrap();
    let built = Arrows::default().with("sql", &[]).with("switchboard", &["sql"]);
    assert_eq!(broken_arrows(&table, &built), [""; 0]);
}

#[test]
fn a_page_without_a_table_is_told_what_to_write() {
    assert_eq!(Arrows::parse("# House\n"), Err(TableFault::NoHeading));
    assert_eq!(
        Arrows::parse("## Arrows\n\nNo block.\n\n## Next\n\n```\nsql ->\n```\n"),
        Err(TableFault::NoBlock)
    );
    assert_eq!(Arrows::parse("## Arrows\n```\nsql ->\n"), Err(TableFault::NoBlock));
    assert!(TableFault::NoHeading.to_string().contains("`## Arrows`"));
}

#[test]
fn a_line_that_is_no_arrow_is_quoted() {
    let fault = Arrows::parse(&page("kernel: store")).unwrap_err();
    assert_eq!(fault, TableFault::Line { line: "kernel: store".to_owned() });
    assert_eq!(Arrows::parse(&page("sql ->\nsql ->")), Err(TableFault::Twice { name: "sql".to_owned() }));
    assert!(matches!(Arrows::parse(&page("kernel -> the store")), Err(TableFault::Line { .. })));
}

#[test]
fn a_file_called_helpers_is_found_as_file_and_as_folder() {
    let (_folder, tree) = repository(&[
        ("crates/kernel/src/helpers.rs", ""),
        ("plugins/media/clips/src/common/mod.rs", ""),
        ("examples/guestbook/src/utils.rs", ""),
        ("crates/kernel/src/registry.rs", ""),
        ("crates/kernel/vendor/utils.rs", ""),
    ]);
    let faults = nameless_files(&tree);
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("crates/kernel/src/helpers.rs"));
    assert!(faults[1].starts_with("examples/guestbook/src/utils.rs"));
    assert!(faults[2].starts_with("plugins/media/clips/src/common/mod.rs"));
}

#[test]
fn a_file_of_eight_hundred_lines_passes_and_one_more_is_too_many() {
    let (_folder, tree) = repository(&[
        ("crates/a/src/fits.rs", &"\n".repeat(800)),
        ("crates/a/src/overflows.rs", &"\n".repeat(801)),
    ]);
    let faults = overlong_files(&tree).unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("crates/a/src/overflows.rs: 801 lines"));
}

#[test]
fn a_crate_with_one_line_of_introduction_is_asked_for_more() {
    let (_folder, tree) = repository(&[
        ("crates/a/Cargo.toml", ""),
        ("crates/a/src/lib.rs", "//! switchboard-a\n//!\n"),
        ("crates/b/Cargo.toml", ""),
        ("crates/b/src/main.rs", "//! The binary.\n//!\n//! It composes.\n"),
    ]);
    let faults = unintroduced_crates(&tree).unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("crates/a/src/lib.rs: begins with 1 lines"), "{faults:?}");
}

#[test]
fn a_plugin_without_its_manifest_and_tests_is_named_with_both() {
    let (_folder, tree) = repository(&[
        ("plugins/media/clips/README.md", ""),
        ("plugins/media/clips/src/lib.rs", ""),
        ("plugins/README.md", ""),
        ("examples/guestbook/manifest.yaml", ""),
        ("examples/guestbook/src/lib.rs", ""),
        ("examples/guestbook/tests/guestbook.rs", ""),
        ("examples/README.md", ""),
    ]);
    let faults = incomplete_plugins(&tree);
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("examples/guestbook: `README.md` is missing"), "{faults:?}");
    assert!(faults[1].contains("`manifest.yaml` is missing") && faults[2].contains("`tests` is missing"));
}

#[test]
fn an_example_in_another_language_needs_no_crate_and_the_rest_all_the_same() {
    let (_folder, tree) = repository(&[
        ("examples/guestbook-python/manifest.yaml", ""),
        ("examples/guestbook-python/src/plugin.py", ""),
        ("plugins/media/clips/manifest.yaml", ""),
        ("plugins/media/clips/README.md", ""),
        ("plugins/media/clips/src/plugin.py", ""),
    ]);
    let faults = incomplete_plugins(&tree);
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("examples/guestbook-python: `README.md` is missing"), "{faults:?}");
    assert!(faults[1].starts_with("plugins/media/clips: `src/lib.rs` is missing"), "{faults:?}");
}

#[test]
fn a_link_to_a_missing_page_is_named_with_its_line() {
    let (_folder, tree) = repository(&[
        (
            "docs/a.md",
            "# A\n\n[gone](../b.md#part) [here](a.md) [top](/c.md) [out](https://example.com/x.md) [s](#a)\n",
        ),
        ("c.md", "[folder](docs/) `[not a link](nowhere.md)`\n"),
    ]);
    let faults = broken_links(&tree).unwrap();
    assert_eq!(
        faults,
        ["docs/a.md:3: the link to `../b.md#part` leads nowhere; there is no `b.md` in the repository"]
    );
}

#[test]
fn a_stylesheet_that_fetches_a_font_from_elsewhere_is_found() {
    let (_folder, tree) = repository(&[
        (
            "crates/server/assets/a.css",
            "/* see https://example.com */\n@import \"https://fonts.example/a.css\";\n",
        ),
        ("crates/server/assets/b.css", "body { background: url(\"/assets/b.svg\") }\n"),
    ]);
    let faults = outside_addresses(&tree).unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("crates/server/assets/a.css:2"), "{faults:?}");
}

#[test]
fn what_git_ignores_is_not_held_to_any_rule() {
    let (_folder, tree) =
        repository(&[(".gitignore", "/target\n"), ("target/crates/utils.rs", ""), ("a.md", "")]);
    assert!(!tree.has("target"));
    assert!(tree.has("a.md") && tree.has(".gitignore"));
}
