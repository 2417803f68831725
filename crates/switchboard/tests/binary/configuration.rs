//! Plugins set at the terminal, their secrets, and the keys.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use crate::installation::Installation;

const LAMP: &str = "id: lamp
name: Lamp
version: 1.0.0
type: external
category: utility
entry_point: lamp.wasm
config_schema:
  type: object
  properties:
    warmth: { type: number }
    colour: { type: string }
    key: { type: string, secret: true }
config_defaults: { warmth: 0.7 }
";

fn installed() -> Installation {
    let installation = Installation::new();
    installation.install("lamp", LAMP);
    installation
}

fn piped(installation: &Installation, args: &[&str], input: &str) -> Output {
    let mut command = installation.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn properties_are_set_shown_and_taken_back() {
    let installation = installed();
    let set = installation.json(&["plugin", "config", "set", "lamp", "warmth=0.5", "colour=7"]);
    assert_eq!((&set["set"]["warmth"], &set["set"]["colour"]), (&0.5.into(), &"7".into()));
    let shown = installation.run(&["plugin", "config", "show", "lamp"]);
    assert!(shown.out.contains("installation"), "{}", shown.out);
    installation.json(&["plugin", "config", "unset", "lamp", "colour"]);
    let history = installation.json(&["plugin", "config", "history", "lamp"]);
    assert_eq!((&history["total"], &history["entries"][0]["changed"][0]), (&2.into(), &"colour".into()));
    let back = installation.json(&["plugin", "config", "undo", "lamp"]);
    assert_eq!(back["set"]["colour"], "7");
    let wrong = installation.run(&["plugin", "config", "set", "lamp", "warmth=hot"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("config.warmth: Input should be a valid number"), "{}", wrong.err);
}

#[test]
fn a_secret_is_read_from_standard_input_and_never_from_the_arguments() {
    let installation = installed();
    let refused = installation.run(&["plugin", "config", "set", "lamp", "key=hush"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("--secret key"), "{}", refused.err);
    let set = piped(&installation, &["plugin", "config", "set", "lamp", "--secret", "key"], "hush\n");
    let said = String::from_utf8(set.stdout).unwrap();
    assert!(set.status.success() && said.contains("•••") && !said.contains("hush"), "{said}");
    let database = fs::read(installation.data("db/kernel.sqlite")).unwrap();
    assert!(!database.windows(4).any(|window| window == b"hush"));
    let exported = installation.json(&["plugin", "config", "export"]);
    assert_eq!(exported["plugins"]["lamp"]["secrets"][0], "key");
    let again = piped(&installation, &["plugin", "config", "import", "-", "--json"], &exported.to_string());
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let shown = installation.run(&["plugin", "config", "show", "lamp"]);
    assert!(shown.out.contains("•••"), "{}", shown.out);
}

#[test]
fn the_keys_are_the_owners_alone_are_rotated_and_stay_when_a_backup_comes_back() {
    let installation = installed();
    let set = piped(&installation, &["plugin", "config", "set", "lamp", "--secret", "key"], "hush\n");
    assert!(set.status.success());
    let keys = installation.data("keys");
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    let old = installation.json(&["secrets", "status"])["keys"][0]["key"].clone();
    let rotated = installation.json(&["secrets", "rotate"]);
    assert_eq!(rotated["dropped"][0], old);

    let file = installation.beside("backup.tar.zst");
    let backup = installation.run(&["backup", file.to_str().unwrap()]);
    assert!(backup.err.contains("keys that secrets are sealed with are not in it"), "{}", backup.err);
    installation.json(&["restore", file.to_str().unwrap(), "--replace"]);
    assert_eq!(installation.run(&["secrets", "status"]).code, 0);
    let elsewhere = Installation::new();
    elsewhere.json(&["restore", file.to_str().unwrap()]);
    let missing = elsewhere.run(&["secrets", "status"]);
    assert_eq!(missing.code, 3);
    assert!(missing.out.contains("MISSING"), "{}", missing.out);
    fs::copy(&keys, elsewhere.data("keys")).unwrap();
    assert_eq!(elsewhere.run(&["secrets", "status"]).code, 0);

    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = installation.run(&["plugin", "list"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
}

#[test]
fn the_key_file_may_stand_elsewhere() {
    let installation = installed();
    let elsewhere = installation.beside("elsewhere");
    let mut command = installation.command(&["secrets", "status", "--json"]);
    // A data folder is made by the first command that serves or makes a token.
    installation.json(&["token", "create", "first"]);
    fs::remove_file(installation.data("keys")).unwrap();
    assert!(command.env("SWITCHBOARD_KEY_FILE", &elsewhere).output().unwrap().status.success());
    assert!(elsewhere.is_file() && !installation.data("keys").exists());
}
