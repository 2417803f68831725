//! The manifests that ship with the server are ones that it accepts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its files has failed")]

mod yaml;

use std::{fs, path::Path};

use switchboard_manifest::{Manifest, schema};

const FIRST_PARTY: [&str; 3] = [
    "../../plugins/media/clips/manifest.yaml",
    "../../plugins/media/highlight_detector/manifest.yaml",
    "../server/src/administration/manifest.yaml",
];

fn text_of(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

#[test]
fn the_manifests_that_ship_read_without_faults() {
    for file in FIRST_PARTY {
        if let Err(faults) = Manifest::read(&text_of(file)) {
            panic!("{}", faults.report(file));
        }
    }
}

#[test]
fn the_json_schema_accepts_the_manifests_that_ship() {
    let rules = jsonschema::draft202012::new(&schema()).unwrap();
    for file in FIRST_PARTY {
        let manifest = yaml::to_json(&text_of(file));
        let errors: Vec<String> = rules
            .iter_errors(&manifest)
            .map(|error| format!("{file}{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn the_json_schema_is_one_by_its_own_draft_and_refuses_what_is_no_manifest() {
    let schema = schema();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let rules = jsonschema::draft202012::new(&schema).unwrap();
    let mut manifest = yaml::to_json(&text_of(FIRST_PARTY[0]));
    manifest["categry"] = manifest["category"].take();
    assert!(!rules.is_valid(&manifest));
}
