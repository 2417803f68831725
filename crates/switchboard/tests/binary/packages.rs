//! Packages made, signed, looked into and pushed at the terminal.

use std::{fs, path::Path, sync::OnceLock};

use serde_json::Value as Json;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use crate::installation::Installation;

const MANIFEST: &str = "id: hello\nname: Hello\nversion: 1.0.0\ncategory: utility\nauthor: Ada\nlicense: MIT\n\
    description: Says hello.\nentry_point: plugin.wasm\ncapabilities:\n  - { name: db, reason: It keeps what was said. }\n  \
    - { name: http, reason: It asks the weather., hosts: [api.example.com] }\n";

/// A component of the contract in this repository, which imports `db` and `http`.
fn component() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let world = "package it:it;\nworld it {\n  import switchboard:plugin/db@0.1.0;\n  import switchboard:plugin/http@0.1.0;\n  \
                     export switchboard:plugin/description@0.1.0;\n}\n";
        let mut resolve = Resolve::default();
        resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
        let package = resolve.push_str("it.wit", world).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    })
}

/// An installation beside which the folder `hello` holds a plugin that was built.
fn beside_a_plugin() -> Installation {
    let installation = Installation::new();
    let folder = installation.beside("hello");
    fs::create_dir_all(folder.join("migrations")).unwrap();
    fs::write(folder.join("manifest.yaml"), MANIFEST).unwrap();
    fs::write(folder.join("plugin.wasm"), component()).unwrap();
    fs::write(folder.join("migrations/001_initial.sql"), "create table said (what text not null);\n")
        .unwrap();
    installation
}

#[test]
fn a_plugin_is_packed_signed_trusted_and_looked_into() {
    let installation = beside_a_plugin();
    let packed = installation.json(&["plugin", "pack", "hello"]);
    let file = packed["file"].as_str().unwrap();
    assert_eq!(file, "hello-1.0.0.switchboard");
    let again = installation.json(&["plugin", "pack", "hello", "--out", "dist"]);
    assert_eq!(again["digest"], packed["digest"]);
    assert_eq!(again["file"], "dist/hello-1.0.0.switchboard");

    assert_eq!(installation.run(&["plugin", "verify", file]).code, 3);
    let key = installation.json(&["plugin", "key", "new", "ada", "--no-password"]);
    installation.json(&["plugin", "sign", file, "--key", "ada.key"]);
    assert_eq!(installation.run(&["plugin", "verify", file, "--key", "ada.pub"]).code, 0);
    assert_eq!(installation.run(&["plugin", "verify", file, "--key", key["key"].as_str().unwrap()]).code, 0);

    let stranger = installation.run(&["plugin", "verify", file]);
    assert_eq!(stranger.code, 3);
    assert!(stranger.out.contains("not trusted"), "{}", stranger.out);
    assert_eq!(installation.json(&["plugin", "inspect", file])["signature"]["trusted"], false);
    installation.json(&["plugin", "trust", "add", "ada", "ada.pub"]);
    assert_eq!(installation.json(&["plugin", "trust", "list"])[0]["id"], key["id"]);
    assert_eq!(installation.run(&["plugin", "verify", file]).code, 0);

    let found = installation.json(&["plugin", "inspect", file]);
    assert_eq!(
        (&found["id"], &found["version"], &found["digest"]),
        (&"hello".into(), &"1.0.0".into(), &packed["digest"])
    );
    assert_eq!(found["signature"]["name"], "ada");
    assert_eq!(found["capabilities"][1]["hosts"][0], "api.example.com");
    assert_eq!(found["migrations"][0], "001_initial.sql");
    let shown = installation.run(&["plugin", "inspect", file]);
    for part in [
        "It asks the weather.",
        "api.example.com",
        "switchboard:plugin/db@0.1.0",
        "`db`, which is asked for",
        "by `ada`",
    ] {
        assert!(shown.out.contains(part), "{part}:\n{}", shown.out);
    }

    installation.json(&["plugin", "trust", "remove", "ada"]);
    assert_eq!(installation.run(&["plugin", "verify", file]).code, 3);
}

#[test]
fn a_package_that_was_changed_is_found_out() {
    let installation = beside_a_plugin();
    installation.json(&["plugin", "pack", "hello"]);
    let file = "hello-1.0.0.switchboard";
    installation.json(&["plugin", "key", "new", "ada", "--no-password"]);
    installation.json(&["plugin", "sign", file, "--key", "ada.key"]);
    installation.json(&["plugin", "trust", "add", "ada", "ada.pub"]);
    // Another package of the same name and version, with the signature of the first.
    fs::write(installation.beside("hello/README.md"), "# Another\n").unwrap();
    installation.json(&["plugin", "pack", "hello"]);
    let said = installation.run(&["plugin", "verify", file, "--json"]);
    assert_eq!(said.code, 3);
    assert_eq!(serde_json::from_str::<Json>(&said.out).unwrap()["ok"], false);
    let said = installation.run(&["plugin", "inspect", file]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("changed after it was signed"), "{}", said.err);

    let path = installation.beside(file);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let said = installation.run(&["plugin", "inspect", file]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("ends before its end"), "{}", said.err);
    assert_eq!(installation.run(&["plugin", "sign", file, "--key", "ada.key"]).code, 1);
}

#[test]
fn what_a_server_would_refuse_is_told_when_it_is_packed() {
    let installation = beside_a_plugin();
    let without = MANIFEST.split("  - { name: http").next().unwrap();
    fs::write(installation.beside("hello/manifest.yaml"), without).unwrap();
    for command in [["plugin", "pack", "hello"], ["plugin", "inspect", "hello"]] {
        let said = installation.run(&command);
        assert_eq!(said.code, 3, "{}", said.err);
        assert!(said.out.contains("does not ask for the capability `http`"), "{}", said.out);
    }
    let json = installation.run(&["plugin", "inspect", "hello", "--json"]);
    let json: Json = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["wanting"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_is_protected_by_its_password_and_never_written_over() {
    let installation = beside_a_plugin();
    installation.json(&["plugin", "pack", "hello"]);
    let with = |args: &[&str], input: &str| {
        use std::io::Write;
        let mut command = installation.command(args);
        let pipe = std::process::Stdio::piped;
        let mut child = command.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = with(&["plugin", "key", "new", "ada"], "\n");
    assert_eq!(code, 1);
    assert!(said.contains("--no-password") && !installation.beside("ada.key").exists(), "{said}");
    assert_eq!(with(&["plugin", "key", "new", "ada"], "open sesame\n").0, 0);
    assert_eq!(with(&["plugin", "key", "new", "ada"], "open sesame\n").0, 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(installation.beside("ada.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let sign = ["plugin", "sign", "hello-1.0.0.switchboard", "--key", "ada.key"];
    let (code, said) = with(&sign, "close sesame\n");
    assert_eq!(code, 1);
    assert!(said.contains("password"), "{said}");
    assert_eq!(with(&sign, "open sesame\n").0, 0);
    assert_eq!(
        installation.run(&["plugin", "verify", "hello-1.0.0.switchboard", "--key", "ada.pub"]).code,
        0
    );
}

#[test]
fn what_is_no_place_for_a_package_is_refused() {
    let installation = beside_a_plugin();
    installation.json(&["plugin", "pack", "hello"]);
    for (args, part) in [
        (&["plugin", "inspect", "http://example.com/x"][..], "not encrypted"),
        (&["plugin", "inspect", "nowhere"], "nowhere"),
        (&["plugin", "push", "hello-1.0.0.switchboard", "https://example.com/x"], "oci://"),
        (&["plugin", "push", "hello-1.0.0.switchboard", "oci://127.0.0.1:1/hello:1"], "cannot be reached"),
        (&["plugin", "pack", "data"], "no manifest"),
        (&["plugin", "trust", "add", "Ada", "nowhere.pub"], "nowhere.pub"),
        (&["plugin", "trust", "remove", "ada"], "trust list"),
    ] {
        let said = installation.run(args);
        assert_eq!(said.code, 1, "{args:?}: {}", said.out);
        assert!(said.err.contains(part), "{args:?}: {}", said.err);
    }
}

#[test]
fn what_an_author_writes_does_nothing_to_the_terminal() {
    let installation = beside_a_plugin();
    let loud = MANIFEST.replace("It keeps what was said.", r#""\e[2J\e]0;owned\a""#);
    fs::write(installation.beside("hello/manifest.yaml"), loud).unwrap();
    let said = installation.run(&["plugin", "inspect", "hello"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'), "{:?} {:?}", said.out, said.err);
}
