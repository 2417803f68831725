//! Plugins that go for good, and what is written of them before.

use std::fs;

use reqwest::Method;
use serde_json::json;

use crate::{
    installation::{Installation, Server, send},
    notes::{NOTES, Notes, keep_in, note, noted},
    own_database::OwnDatabase,
};

const DATA: &str = "/api/admin/plugins/notes/data";

/// Installs a version, and keeps something of every kind.
async fn filled(installation: &Installation, package: &str) -> Server {
    let server = installation.serve();
    installation.json(&["plugin", "install", package, "--yes"]);
    for text in ["one", "two"] {
        note(&server, text).await;
    }
    send(
        &server,
        Method::PUT,
        "/api/admin/plugins/notes/config?organization=default",
        json!({"colour": "red"}),
    )
    .await;
    server
}

async fn a_plugin_goes_with_all_that_it_keeps(installation: &Installation) {
    let notes = Notes::new();
    let [package, next] = ["1.0.0", "1.0.1"].map(|version| notes.package(installation, version, &[]));
    let server = filled(installation, &package).await;
    installation.json(&["plugin", "install", &next, "--yes"]);

    // Nobody can be asked here, so that somebody must have said yes beforehand.
    let refused = installation.run(&["plugin", "remove", "notes", "--purge"]);
    assert_eq!(refused.code, 1);
    for said in [
        "the table note: 2 rows",
        "1 small value",
        "1 blob, 3 B",
        "configuration for 1 organization",
        "--yes",
    ] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    assert_eq!(noted(&server).await, ("1.0.1".to_owned(), vec!["one".to_owned(), "two".to_owned()]));
    // Over HTTP neither, as long as it is installed.
    assert_eq!(server.ask(Method::DELETE, DATA).send().await.unwrap().status(), 409);

    let gone = installation.json(&["plugin", "remove", "notes", "--purge", "--yes"]);
    assert_eq!(gone["outcome"], "purged");
    assert_eq!(gone["data"]["tables"], json!([{"name": "note", "rows": 2}]));
    assert_eq!((server.status(NOTES).await, server.status(DATA).await), (404, 404));
    let log = fs::read_to_string(installation.beside("server.log")).unwrap();
    assert!(log.contains("notes are uninstalled"), "{log}");
    for left in ["plugins/notes", "plugins/.before/notes", "blobs/notes", "db/plugin_notes.sqlite"] {
        assert!(!installation.data(left).exists(), "{left}");
    }
    assert!(!fs::read_to_string(installation.data("plugins.lock")).unwrap().contains("notes"));
    let audit = server.get("/api/admin/audit?subject=plugin:notes&limit=2").await.to_string();
    assert!(audit.contains("plugin.purged") && audit.contains("plugin.removed"), "{audit}");
    let again = installation.run(&["plugin", "remove", "notes", "--purge", "--yes"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("there is no plugin `notes`"), "{}", again.err);

    // Installed once more, it begins from nothing, also where it was being delivered from.
    installation.json(&["plugin", "install", &package, "--yes"]);
    assert_eq!(noted(&server).await, ("1.0.0".to_owned(), vec![]));
    note(&server, "three").await;

    // A removal that was broken off before the server heard of it goes on when it is asked for again.
    fs::rename(installation.data("plugins/notes"), installation.data("plugins/.removing-notes")).unwrap();
    assert_eq!(noted(&server).await.0, "1.0.0");
    let gone = installation.json(&["plugin", "remove", "notes", "--purge", "--yes"]);
    assert_eq!(gone["data"]["tables"][0]["rows"], 1);
    assert!(!installation.data("plugins/.removing-notes").exists());
    assert_eq!(server.status(DATA).await, 404);
    installation.json(&["plugin", "install", &package, "--yes"]);
    note(&server, "four").await;

    // What is left of one that was removed before goes also without a server.
    installation.json(&["plugin", "remove", "notes", "--keep-data"]);
    server.stop();
    let gone = installation.json(&["plugin", "remove", "notes", "--purge", "--yes"]);
    assert_eq!((&gone["data"]["version"], &gone["data"]["blobs"]), (&json!(null), &json!(1)));
    assert_eq!(installation.run(&["plugin", "remove", "notes", "--purge", "--yes"]).code, 1);
}

#[tokio::test]
async fn a_plugin_goes_with_all_that_it_keeps_on_sqlite() {
    a_plugin_goes_with_all_that_it_keeps(&Installation::unlimited()).await;
}

#[tokio::test]
async fn a_plugin_goes_with_all_that_it_keeps_on_postgres() {
    let Some(database) = OwnDatabase::new("removing") else { return };
    let installation = Installation::unlimited();
    keep_in(&installation, &database.address());
    a_plugin_goes_with_all_that_it_keeps(&installation).await;
    assert_eq!(
        database.ask("select count(*) from pg_namespace where nspname like 'switchboard_plugin_notes%'"),
        "0"
    );
}

#[tokio::test]
async fn an_installed_plugin_is_exported_as_the_package_that_it_was() {
    let installation = Installation::unlimited();
    let notes = Notes::new();
    let package = notes.package(&installation, "1.0.0", &["create table tag (name text not null);"]);
    let server = filled(&installation, &package).await;
    let out = installation.beside("out");
    let said =
        installation.json(&["plugin", "export", "notes", "--output", out.to_str().unwrap(), "--with-data"]);
    assert_eq!(said["as_installed"], true, "{said}");
    let (was, is) = (fs::read(&package).unwrap(), fs::read(out.join("notes-1.0.0.switchboard")).unwrap());
    assert_eq!(was, is);
    let tables = fs::read(said["data"].as_str().unwrap()).unwrap();
    assert!(tables.starts_with(b"SQLite format 3\0") && tables.windows(3).any(|bytes| bytes == b"two"));

    fs::write(installation.data("plugins/notes/README.md"), "changed by hand").unwrap();
    let said = installation.run(&["plugin", "export", "notes", "--output", out.to_str().unwrap()]);
    assert!(said.out.contains("not the package that was installed"), "{}", said.out);
    assert_eq!(installation.run(&["plugin", "export", "clips"]).code, 1);
    server.stop();
}
