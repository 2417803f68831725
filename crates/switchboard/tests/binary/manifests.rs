//! `switchboard manifest`, and the codes with which commands end.

use std::{fs, path::Path};

use crate::installation::Installation;

#[test]
fn the_manifests_of_this_repository_are_right() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let said = Installation::new().run(&["manifest", "check", plugins.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("clips") && said.out.contains("highlight_detector"), "{}", said.out);
}

#[test]
fn every_fault_of_a_manifest_is_told_with_its_line_and_the_code_is_three() {
    let installation = Installation::new();
    fs::create_dir_all(installation.beside("plugin")).unwrap();
    let manifest = "id: My Plugin\nname: Mine\nversion: one\ncategory: media\n";
    fs::write(installation.beside("plugin/manifest.yaml"), manifest).unwrap();
    let said = installation.run(&["manifest", "check", "plugin", "--json"]);
    assert_eq!(said.code, 3);
    let checked: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let mut lines: Vec<u64> = checked[0]["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    assert!(lines.contains(&1) && lines.contains(&3), "{checked:#}");
}

#[test]
fn a_path_without_a_manifest_is_an_error() {
    let installation = Installation::new();
    let said = installation.run(&["manifest", "check", "nowhere"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("nowhere"), "{}", said.err);
}

#[test]
fn the_schema_is_json() {
    let schema = Installation::new().run(&["manifest", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.out).unwrap();
    assert!(schema["properties"]["id"].is_object());
}

#[test]
fn wrong_usage_ends_with_two() {
    let installation = Installation::new();
    for args in [&["serv"][..], &["serve", "--listen", "here"], &["token", "revoke", "x"], &["restore"], &[]]
    {
        assert_eq!(installation.run(args).code, 2, "{args:?}");
    }
}

#[test]
fn an_error_is_json_where_that_is_asked_for() {
    let said = Installation::new().run(&["plugin", "list", "--json"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert!(
        error["error"].as_str().unwrap().contains("no data folder") && error["try"].is_string(),
        "{error}"
    );
}
