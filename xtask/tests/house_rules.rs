//! The rules, held against this repository.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use xtask::{
    Arrows, Tree, broken_arrows, broken_links, incomplete_plugins, nameless_files, outside_addresses,
    overlong_files, unintroduced_crates, workspace_arrows,
};

fn repository() -> Tree {
    Tree::of_this_repository().expect("the repository can be read")
}

#[track_caller]
fn nothing_breaks(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n\n  {}\n", faults.join("\n  "));
}

#[test]
fn crates_know_only_what_the_architecture_page_says() {
    let tree = repository();
    let page = std::fs::read_to_string(tree.root().join("ARCHITECTURE.md"))
        .expect("ARCHITECTURE.md stands at the top of the repository");
    let table = Arrows::parse(&page).unwrap_or_else(|fault| panic!("{fault}"));
    let built = workspace_arrows(tree.root()).expect("cargo metadata answers");
    nothing_breaks(
        "the table of arrows in ARCHITECTURE.md is not what Cargo builds",
        &broken_arrows(&table, &built),
    );
}

#[test]
fn files_are_named_after_a_noun_of_the_domain() {
    nothing_breaks("files named after nothing", &nameless_files(&repository()));
}

#[test]
fn no_source_file_is_longer_than_it_can_be_read() {
    nothing_breaks("files too long", &overlong_files(&repository()).unwrap());
}

#[test]
fn every_crate_says_what_it_is_for() {
    nothing_breaks("crates without an introduction", &unintroduced_crates(&repository()).unwrap());
}

#[test]
fn every_plugin_folder_is_whole() {
    nothing_breaks("incomplete plugin folders", &incomplete_plugins(&repository()));
}

#[test]
fn links_between_pages_lead_somewhere() {
    nothing_breaks("broken links", &broken_links(&repository()).unwrap());
}

#[test]
fn pages_load_nothing_from_outside() {
    nothing_breaks("outside addresses", &outside_addresses(&repository()).unwrap());
}
