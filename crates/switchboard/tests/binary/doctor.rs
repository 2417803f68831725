//! `switchboard doctor`: what is wrong is found and named, and nothing is changed.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use serde_json::Value as Json;

use crate::installation::Installation;

fn finding<'a>(report: &'a Json, subject: &str) -> &'a Json {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .find(|finding| finding["subject"] == subject)
        .unwrap_or_else(|| panic!("{subject}: {report:#}"))
}

#[tokio::test]
async fn a_good_installation_is_well_with_a_server_and_without_one() {
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("Ace").await;
    let report = installation.json(&["doctor"]);
    assert_eq!(report["ok"], true, "{report:#}");
    assert!(finding(&report, "server")["says"].as_str().unwrap().contains(&server.id().to_string()));
    server.stop();
    let report = installation.json(&["doctor"]);
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!(finding(&report, "db plugin_clips")["verdict"], "ok");
}

#[test]
fn a_missing_folder_is_wanting() {
    let said = Installation::new().run(&["doctor"]);
    assert_eq!(said.code, 3);
    assert!(said.out.contains("switchboard serve"), "{}", said.out);
}

#[tokio::test]
async fn a_damaged_database_is_named_with_what_to_do() {
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("Ace").await;
    server.stop();
    let file = installation.data("db/plugin_clips.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xA5);
    fs::write(&file, bytes).unwrap();
    let said = installation.run(&["doctor", "--json"]);
    assert_eq!(said.code, 3);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    let found = finding(&report, "db plugin_clips");
    assert_eq!(found["verdict"], "wanting", "{report:#}");
    assert!(found["try"].as_str().unwrap().contains("restore"));
}

#[test]
fn a_folder_that_others_may_look_into_and_wrong_settings_are_found() {
    let installation = Installation::new();
    installation.serve().stop();
    fs::set_permissions(installation.data(""), Permissions::from_mode(0o755)).unwrap();
    fs::write(installation.data("switchboard.toml"), "listen = 8080\n").unwrap();
    let said = installation.run(&["doctor", "--json"]);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, 3);
    assert_eq!(finding(&report, "folder")["verdict"], "warning");
    assert_eq!(finding(&report, "settings")["verdict"], "wanting");
}

#[test]
fn what_a_killed_server_left_is_no_fault() {
    let installation = Installation::new();
    installation.serve().kill();
    assert!(installation.data("control.sock").exists());
    let report = installation.json(&["doctor"]);
    assert_eq!(finding(&report, "server")["verdict"], "ok");
    installation.serve().stop();
}

#[tokio::test]
async fn examining_changes_nothing() {
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("Ace").await;
    server.stop();
    let everything = || {
        let folders = ["", "db"].map(|name| fs::read_dir(installation.data(name)).unwrap().flatten());
        let files = folders.into_iter().flatten().map(|entry| entry.path()).filter(|path| path.is_file());
        let mut files: Vec<_> = files.filter(|path| !path.ends_with("lock")).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    let before = everything();
    assert_eq!(installation.run(&["doctor"]).code, 0);
    assert!(everything() == before);
}

#[test]
fn a_mail_server_that_cannot_be_used_is_found() {
    let installation = Installation::new();
    installation.serve().stop();
    let report = installation.json(&["doctor"]);
    assert_eq!(finding(&report, "mail")["verdict"], "ok", "without one, there is the folder");
    for (settings, part) in [
        ("smtp = 'smtp://127.0.0.1:1?tls=none'", "127.0.0.1:1"),
        ("smtp = 'smtps://me@localhost'\npassword_file = 'no-such-file'", "no-such-file"),
    ] {
        let settings = format!("[mail]\nfrom = 'switchboard@example.com'\n{settings}\n");
        fs::write(installation.data("switchboard.toml"), settings).unwrap();
        let said = installation.run(&["doctor", "--json"]);
        let report: Json = serde_json::from_str(&said.out).unwrap();
        assert_eq!(said.code, 3, "{report:#}");
        let found = finding(&report, "mail");
        assert_eq!(found["verdict"], "wanting", "{found:#}");
        assert!(found["says"].as_str().unwrap().contains(part), "{found:#}");
    }
}
