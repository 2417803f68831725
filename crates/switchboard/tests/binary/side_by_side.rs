//! Several versions of one plugin, each for its organizations.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    installation::{Installation, Server, send},
    notes::{Notes, keep_in, note, noted},
    own_database::OwnDatabase,
};

/// The version that answers an organization.
async fn version_for(server: &Server, organization: &str) -> String {
    let said = server.get(&format!("/api/org/{organization}/notes/notes")).await;
    said["version"].as_str().unwrap().to_owned()
}

fn refused(installation: &Installation, args: &[&str], why: &str) {
    let said = installation.run(args);
    assert_eq!(said.code, 1, "{args:?}");
    assert!(said.err.contains(why), "{args:?}: {}", said.err);
}

async fn organizations_are_served_by_versions_of_their_own(installation: &Installation) {
    let notes = Notes::new();
    let first = notes.package(installation, "1.0.0", &[]);
    let second = notes.package(installation, "1.1.0", &[]);
    let with_tables = notes.package(installation, "1.2.0", &["create table tag (name text not null);"]);
    let with_routes = notes.package_with(installation, "1.3.0", &[], "  tasks: [{ name: tidy }]\n");
    let server = installation.serve();
    for slug in ["acme", "beta"] {
        send(&server, Method::POST, "/api/admin/organizations", json!({"slug": slug, "name": slug})).await;
    }
    let install = |package: &str, whom: &[&str]| {
        installation.json(&[&["plugin", "install", package, "--yes"], whom].concat());
    };
    install(&first, &[]);
    note(&server, "shared").await;
    install(&second, &["--only-for", "acme,beta"]);
    assert_eq!(version_for(&server, "acme").await, "1.1.0");
    assert_eq!(noted(&server).await, ("1.0.0".to_owned(), vec!["shared".to_owned()]));
    // The same version again, for others.
    install(&second, &["--only-for", "acme"]);
    assert_eq!(
        (version_for(&server, "acme").await, version_for(&server, "beta").await),
        ("1.1.0".into(), "1.0.0".into())
    );

    let beside = ["--yes", "--only-for", "beta"];
    let with = |package| [&["plugin", "install", package], &beside[..]].concat();
    refused(installation, &with(&with_tables), "migration 2 (step_2) would change the tables");
    refused(installation, &with(&with_routes), "`provides` is not as in the version that is everyone's");
    refused(installation, &with(&first), "is everyone's already");
    refused(installation, &["plugin", "install", &second, "--yes", "--only-for", "nobody"], "nobody");
    assert_eq!(
        (version_for(&server, "acme").await, version_for(&server, "beta").await),
        ("1.1.0".into(), "1.0.0".into())
    );
    refused(
        installation,
        &["plugin", "install", &with_tables, "--yes"],
        "notes 1.1.0 serves some organizations",
    );
    refused(installation, &["plugin", "remove", "notes"], "notes 1.1.0 serves some organizations");
    refused(
        installation,
        &["plugin", "remove", "notes", "--purge", "--yes"],
        "notes 1.1.0 serves some organizations",
    );

    // It is so after a restart.
    let token = server.token.clone();
    server.stop();
    let mut server = installation.serve();
    server.token = token;
    assert_eq!(
        (version_for(&server, "acme").await, version_for(&server, "beta").await),
        ("1.1.0".into(), "1.0.0".into())
    );
    let versions = installation.json(&["plugin", "versions", "notes"]);
    let of = |it: &Json| {
        (it["version"].clone(), it["is_everyones"].clone(), it["organizations"].clone(), it["reason"].clone())
    };
    let listed: Vec<_> = versions.as_array().unwrap().iter().map(of).collect();
    assert_eq!(
        listed,
        [
            (json!("1.0.0"), json!(true), json!([]), json!(null)),
            (json!("1.1.0"), json!(false), json!(["acme"]), json!(null)),
        ]
    );

    installation.json(&["plugin", "promote", "notes", "1.1.0"]);
    assert_eq!(
        (version_for(&server, "acme").await, version_for(&server, "beta").await),
        ("1.1.0".into(), "1.1.0".into())
    );
    assert_eq!(installation.json(&["plugin", "versions", "notes"]).as_array().unwrap().len(), 1);
    installation.json(&["plugin", "rollback", "notes"]);
    assert_eq!(version_for(&server, "acme").await, "1.0.0");

    install(&second, &["--only-for", "beta"]);
    assert_eq!(version_for(&server, "beta").await, "1.1.0");
    installation.json(&["plugin", "withdraw", "notes", "1.1.0"]);
    assert_eq!(version_for(&server, "beta").await, "1.0.0");
    assert!(!installation.data("plugins/.versions/notes/1.1.0").exists());
    refused(installation, &["plugin", "withdraw", "notes", "1.1.0"], "serves no organization by itself");
    let audit = server.get("/api/admin/audit?subject=plugin:notes").await.to_string();
    assert!(audit.contains("plugin.served_beside") && audit.contains("plugin.withdrawn"), "{audit}");
    installation.json(&["plugin", "remove", "notes", "--purge", "--yes"]);
    server.stop();
}

#[tokio::test]
async fn organizations_are_served_by_versions_of_their_own_on_sqlite() {
    organizations_are_served_by_versions_of_their_own(&Installation::unlimited()).await;
}

#[tokio::test]
async fn organizations_are_served_by_versions_of_their_own_on_postgres() {
    let Some(database) = OwnDatabase::new("side_by_side") else { return };
    let installation = Installation::unlimited();
    keep_in(&installation, &database.address());
    organizations_are_served_by_versions_of_their_own(&installation).await;
}
