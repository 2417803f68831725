//! `notes`, a plugin that keeps something of every kind, in the versions that a test asks for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::installation::{Installation, Server, send};

pub(crate) const NOTES: &str = "/api/org/default/notes/notes";

const MANIFEST: &str = r#"
id: notes
name: Notes
version: VERSION
description: Keeps notes.
type: external
entry_point: plugin.wasm
category: utility
enabled_by_default: true
config_schema: { type: object, properties: { colour: { type: string } } }
capabilities:
  - { name: db, reason: Keeps the notes. }
  - { name: kv, reason: Keeps the last one. }
  - { name: blobs, reason: Keeps what is large. }
provides:
  api_routes:
    - { method: GET, path: /notes }
    - { method: POST, path: /notes }
"#;

const SOURCE: &str = r#"
import { Plugin } from "switchboard";
import * as Type from "switchboard/type";

const Note = Type.Object({ text: Type.String() });
const Notes = Type.Object({ version: Type.String(), notes: Type.Array(Note) });
const plugin = new Plugin();

plugin.get("/notes", { gives: Notes }, function listNotes(ctx) {
  const sql = "select text from note where organization_id = $1 order by text";
  return { version: "VERSION", notes: ctx.db.query<{ text: string }>(sql, ctx.organization.id) };
});

plugin.post("/notes", { body: Note, creates: Note }, function addNote(ctx, { body }) {
  ctx.db.execute("insert into note (organization_id, text) values ($1, $2)", ctx.organization.id, body.text);
  ctx.kv.set("last", body.text);
  ctx.blobs.put("note/last", body.text);
  return body;
});

plugin.hook("on_uninstall", (ctx) => {
  ctx.log.info("notes are uninstalled");
});

export default plugin;
"#;

const FIRST: &str = "create table note (organization_id bigint not null, text text not null);";

/// The source of the plugin, from which a package of each version is made.
pub(crate) struct Notes {
    folder: tempfile::TempDir,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Builds and packs a version that has these migrations behind the first; gives the package's file.
    pub(crate) fn package(&self, installation: &Installation, version: &str, migrations: &[&str]) -> String {
        self.package_with(installation, version, migrations, "")
    }

    /// The same, which also declares this, below `provides`.
    pub(crate) fn package_with(
        &self,
        installation: &Installation,
        version: &str,
        migrations: &[&str],
        provides: &str,
    ) -> String {
        let source = self.folder.path().join(version);
        for folder in ["src", "migrations"] {
            fs::create_dir_all(source.join(folder)).unwrap();
        }
        let put = |name: &str, text: &str| fs::write(source.join(name), text).unwrap();
        put("manifest.yaml", &format!("{}{provides}", MANIFEST.replace("VERSION", version)));
        put("package.json", r#"{"name": "notes", "private": true, "type": "module"}"#);
        put("src/plugin.ts", &SOURCE.replace("VERSION", version));
        for (number, migration) in (1..).zip([FIRST].iter().chain(migrations)) {
            put(&format!("migrations/{number:03}_step_{number}.sql"), migration);
        }
        let folder = source.to_str().unwrap();
        installation.json(&["plugin", "build", folder]);
        let built = source.join("target/plugin");
        installation.json(&["plugin", "pack", built.to_str().unwrap(), "--out", folder]);
        let package: PathBuf = source.join(format!("notes-{version}.switchboard"));
        package.to_str().unwrap().to_owned()
    }
}

pub(crate) async fn note(server: &Server, text: &str) {
    send(server, Method::POST, NOTES, json!({ "text": text })).await;
}

/// The version that answers, and the notes that it has.
pub(crate) async fn noted(server: &Server) -> (String, Vec<String>) {
    let said = server.get(NOTES).await;
    let text = |note: &Json| note["text"].as_str().unwrap().to_owned();
    (
        said["version"].as_str().unwrap().to_owned(),
        said["notes"].as_array().unwrap().iter().map(text).collect(),
    )
}

/// Has a data folder keep its databases in PostgreSQL.
pub(crate) fn keep_in(installation: &Installation, address: &str) {
    let settings: &Path = &installation.data("switchboard.toml");
    let text = fs::read_to_string(settings).unwrap();
    fs::write(settings, format!("database = {address:?}\n{text}")).unwrap();
}
