//! Packages that are installed, replaced, put back and removed while the server runs.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    installation::{Installation, send},
    notes::{Notes, keep_in, note, noted},
    own_database::OwnDatabase,
};

const GREETING: &str = "/api/org/default/hello/hello/Ada";

/// Builds a plugin in JavaScript and packs it.
fn packed(installation: &Installation, source: &Path, version: &str, asks: &str) -> String {
    let manifest = source.join("manifest.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let (head, rest) = text.split_once("version: ").unwrap();
    let (_, tail) = rest.split_once('\n').unwrap();
    let tail = tail.split("capabilities:").next().unwrap();
    fs::write(&manifest, format!("{head}version: {version}\n{tail}{asks}")).unwrap();
    let folder = source.to_str().unwrap();
    installation.json(&["plugin", "build", folder]);
    let built = source.join("target/plugin");
    installation.json(&["plugin", "pack", built.to_str().unwrap(), "--out", folder]);
    source.join(format!("hello-{version}.switchboard")).to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_package_is_installed_replaced_put_back_and_removed_while_the_server_runs() {
    let installation = Installation::unlimited();
    let server = installation.serve();
    let scratch = tempfile::tempdir().unwrap();
    let source = scratch.path().join("hello");
    installation.json(&["plugin", "new", "hello", "--lang", "javascript", source.to_str().unwrap()]);
    let first = packed(&installation, &source, "0.1.0", "");
    let second = packed(
        &installation,
        &source,
        "0.2.0",
        "capabilities:\n  - { name: kv, reason: To remember whom it greeted. }\n",
    );

    // Nobody can be asked here, so that somebody must have said yes beforehand.
    let refused = installation.run(&["plugin", "install", &first]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("--yes") && refused.err.contains("nobody whom you trust"),
        "{}",
        refused.err
    );
    assert_eq!(server.status(GREETING).await, 404);

    installation.json(&["plugin", "install", &first, "--yes"]);
    assert_eq!(server.get(GREETING).await, json!({"text": "Hello, Ada!"}));
    let path = "/api/admin/plugins/hello/config?organization=default";
    send(&server, reqwest::Method::PUT, path, json!({"greeting": "Ahoy"})).await;

    let refused = installation.run(&["plugin", "install", &second]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("kv: To remember whom it greeted."), "{}", refused.err);
    installation.json(&["plugin", "install", &second, "--yes"]);
    assert_eq!(server.get(GREETING).await, json!({"text": "Ahoy, Ada!"}));
    let shown = |version: &str| installation.run(&["plugin", "show", "hello"]).out.contains(version);
    assert!(shown("0.2.0"));

    installation.json(&["plugin", "rollback", "hello"]);
    assert!(shown("0.1.0"));
    let lock = fs::read_to_string(installation.data("plugins.lock")).unwrap();
    assert!(lock.contains("0.1.0") && lock.contains("0.2.0"), "{lock}");

    installation.json(&["plugin", "remove", "hello"]);
    assert_eq!(server.status(GREETING).await, 404);
    assert_eq!(installation.run(&["plugin", "rollback", "hello"]).code, 1);

    // Its configuration was not removed with it.
    installation.json(&["plugin", "install", &first, "--yes"]);
    assert_eq!(server.get(GREETING).await, json!({"text": "Ahoy, Ada!"}));
    server.stop();
}

#[tokio::test]
async fn a_package_that_does_not_load_leaves_what_was_there() {
    let installation = Installation::unlimited();
    let server = installation.serve();
    let scratch = tempfile::tempdir().unwrap();
    let source = scratch.path().join("hello");
    installation.json(&["plugin", "new", "hello", "--lang", "javascript", source.to_str().unwrap()]);
    let first = packed(&installation, &source, "0.1.0", "");
    installation.json(&["plugin", "install", &first, "--yes"]);
    // Declares a route that its code does not have.
    let manifest = source.join("manifest.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let route = "    - { method: GET, path: \"/hello/{name}\" }\n";
    fs::write(
        &manifest,
        text.replace(route, &format!("{route}    - {{ method: GET, path: \"/absent\" }}\n")),
    )
    .unwrap();
    let second = packed(&installation, &source, "0.2.0", "");
    let refused = installation.run(&["plugin", "install", &second, "--yes"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("GET /absent"), "{}", refused.err);
    assert_eq!(server.get(GREETING).await, json!({"text": "Hello, Ada!"}));
    assert!(installation.run(&["plugin", "show", "hello"]).out.contains("0.1.0"));
    assert!(!fs::read_to_string(installation.data("plugins.lock")).unwrap().contains("0.2.0"));
    server.stop();
}

/// Versions whose migrations fail on the notes that there are, and a third that goes in.
async fn a_migration_that_fails_on_a_copy_touches_nothing(installation: &Installation) {
    let notes = Notes::new();
    let good = "alter table note add column colour text;";
    let first = notes.package(installation, "1.0.0", &[]);
    let failing = notes.package(installation, "1.1.0", &[good, "create unique index once on note (text);"]);
    let mended = notes.package(installation, "1.1.1", &[good]);
    let server = installation.serve();
    installation.json(&["plugin", "install", &first, "--yes"]);
    for text in ["twice", "twice"] {
        note(&server, text).await;
    }
    let refused = installation.run(&["plugin", "install", &failing, "--yes"]);
    assert_eq!(refused.code, 1);
    for said in ["step_3", "on a copy of the data", "nothing was changed"] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    let (version, texts) = noted(&server).await;
    assert_eq!((version.as_str(), texts.len()), ("1.0.0", 2));
    installation.json(&["plugin", "install", &mended, "--yes"]);
    let (version, texts) = noted(&server).await;
    assert_eq!((version.as_str(), texts.len()), ("1.1.1", 2));
    server.stop();
}

#[tokio::test]
async fn a_migration_that_fails_on_a_copy_touches_nothing_on_sqlite() {
    let installation = Installation::unlimited();
    a_migration_that_fails_on_a_copy_touches_nothing(&installation).await;
    let left = fs::read_dir(installation.data("db"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| name.contains("copy") || name.contains("rehearsal")).collect();
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn a_migration_that_fails_on_a_copy_touches_nothing_on_postgres() {
    let Some(database) = OwnDatabase::new("rehearsing") else { return };
    let installation = Installation::unlimited();
    keep_in(&installation, &database.address());
    a_migration_that_fails_on_a_copy_touches_nothing(&installation).await;
    assert_eq!(database.ask("select count(*) from pg_namespace where nspname like '%_copy_%'"), "0");
}
