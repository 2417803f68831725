//! What authors are told of manifests that are wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot read its files has failed")]

use std::{fs, path::Path};

use switchboard_manifest::{Faults, Manifest};

fn bad_manifests() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut manifests: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    manifests.sort();
    manifests
}

fn faults_of(name: &str) -> Faults {
    let (_, text) = bad_manifests().into_iter().find(|(found, _)| found == name).unwrap();
    Manifest::read(&text).unwrap_err()
}

#[test]
fn every_bad_manifest_is_told_what_is_wrong_with_it() {
    for (name, text) in bad_manifests() {
        let faults = Manifest::read(&text).expect_err(&name);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, faults.to_string());
        });
    }
}

#[test]
fn ten_faults_and_more_are_told_at_once() {
    assert!(faults_of("ten_at_once").len() >= 10);
}

#[test]
fn every_fault_says_what_to_write_instead() {
    for (name, text) in bad_manifests() {
        let faults = Manifest::read(&text).unwrap_err();
        for fault in faults.iter() {
            assert!(fault.instead.is_some(), "{name}, {}: {}", fault.path, fault.message);
        }
    }
}

#[test]
fn faults_come_in_the_order_of_the_file() {
    for (name, text) in bad_manifests() {
        let faults = Manifest::read(&text).unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
        assert!(places.is_sorted(), "{name}: {places:?}");
    }
}

#[test]
fn a_report_names_the_file_and_a_program_can_read_the_faults() {
    let faults = faults_of("external_without_entry_point");
    insta::assert_snapshot!(faults.report("clips/manifest.yaml"), @r"
    error: an external plugin needs an `entry_point`, the file that it is started from
     --> clips/manifest.yaml:1:1, entry_point
      |
    1 | id: clips
      | ^^^^^^^^^
      = write: a field `entry_point`, such as `plugin.wasm`; or `type: builtin` for one that is compiled into the server

    1 fault in the manifest
    ");
    insta::assert_json_snapshot!(faults, @r#"
    [
      {
        "line": 1,
        "column": 1,
        "path": "entry_point",
        "message": "an external plugin needs an `entry_point`, the file that it is started from",
        "instead": "a field `entry_point`, such as `plugin.wasm`; or `type: builtin` for one that is compiled into the server"
      }
    ]
    "#);
}

#[test]
fn columns_count_characters_whatever_ends_the_lines_or_begins_the_file() {
    let text = "# ä\n{ id: clips, name: \"äöü😀\", 'type': builtin, version: 1.0,\ncategory: meida,\n\
                provides: {   models: 7 } }\n";
    for written in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let faults = Manifest::read(&written).unwrap_err();
        let places: Vec<_> =
            faults.iter().map(|fault| (fault.line, fault.column, fault.path.as_str())).collect();
        assert_eq!(
            places,
            [(2, 54, "version"), (3, 11, "category"), (4, 23, "provides.models")],
            "{written:?}"
        );
    }
}
