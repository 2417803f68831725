//! A plugin under test: the real kernel and SQLite in a folder of its own, a clock and a seed that the test sets.
//!
//! Requests go where those of the HTTP server go, through the kernel's routes, checks and dispatcher; only the
//! socket is missing. The same tests run on a plugin's component, where `SWITCHBOARD_TEST_COMPONENTS` names its folder. Read [`Stage`] first, then [`Ask`].
//!
//! A stage's functions panic, with what failed: it is for tests.
//!
//! The test of a whole plugin, in its crate's `tests/`:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use serde_json::{Value, json};
//! use switchboard_sdk::{Plugin, prelude::*};
//! use switchboard_testkit::Stage;
//!
//! # const MANIFEST: &str = r#"
//! # id: notes
//! # name: Notes
//! # version: 1.0.0
//! # type: builtin
//! # category: utility
//! # enabled_by_default: true
//! # capabilities: [{name: db, reason: Keeps the notes.}]
//! # provides:
//! #   api_routes:
//! #     - {method: POST, path: /, permission: "note:write"}
//! #     - {method: GET, path: /}
//! # permissions:
//! #   actions: [{name: "note:write", description: Write notes.}]
//! # "#;
//! # const TABLES: &str = "create table note (organization_id integer not null, text text not null, at text not null)";
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! struct Note {
//!     text: String,
//! }
//!
//! async fn write(ctx: Context, Json(note): Json<Note>) -> Result<Created<Note>> {
//!     let sql = "insert into note (organization_id, text, at) values ($1, $2, $3)";
//!     ctx.db().execute(sql, (ctx.organization()?.id, &note.text, ctx.now().to_string())).await?;
//!     Ok(Created(note))
//! }
//!
//! async fn all(ctx: Context) -> Result<Json<Vec<(String, String)>>> {
//!     let sql = "select text, at from note where organization_id = $1";
//!     Ok(Json(ctx.db().query(sql, (ctx.organization()?.id,)).await?))
//! }
//!
//! fn notes() -> Arc<dyn Plugin> {
//!     let notes = Definition::new(MANIFEST).migrations([("001_note.sql", TABLES)]).post("/", write).get("/", all);
//!     notes.build().unwrap()
//! }
//!
//! // Below `#[tokio::test]`:
//! async fn a_note_is_kept_with_its_time() {
//!     let stage = Stage::with([notes()]).await;
//!     stage.clock().advance(Duration::from_secs(1));
//!     stage.ask("POST", "/api/org/default/notes").json(&json!({"text": "Milk"})).send().await.expect(201);
//!     let all: Value = stage.ask("GET", "/api/org/default/notes").send().await.json(200);
//!     assert_eq!(all, json!([["Milk", "2026-01-02T03:04:06Z"]]));
//!     stage.finish().await;
//! }
//!
//! // Below `#[tokio::test]`:
//! async fn whoever_may_not_write_is_refused() {
//!     let stage = Stage::with([notes()]).await;
//!     let ask = stage.ask("POST", "/api/org/default/notes").allowed(&["note:read"]);
//!     let answer = ask.json(&json!({"text": "Milk"})).send().await;
//!     assert_eq!(answer.failure().kind(), "forbidden");
//! }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! #     a_note_is_kept_with_its_time().await;
//! #     whoever_may_not_write_is_refused().await;
//! # });
//! ```
#![allow(clippy::expect_used, clippy::panic)]

mod answer;
mod ask;
mod home;
mod runtime;
mod setup;
mod stage;

pub use answer::Answer;
pub use ask::Ask;
pub use home::Home;
pub use setup::Setup;
pub use stage::Stage;

pub use switchboard_api as api;
pub use switchboard_capabilities::{KeptMail, SetClock};
pub use switchboard_kernel as kernel;
pub use switchboard_manifest::Capability;
pub use switchboard_store::Engine;
