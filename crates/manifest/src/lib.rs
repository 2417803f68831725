//! What a plugin declares about itself: the model of `manifest.yaml`, its faults by line and column, and its
//! JSON Schema.
//!
//! This crate must never know how a plugin is run: no host, no database, no HTTP. It reads no files either;
//! whoever has the text hands it over. Read [`Manifest`] first, then [`PluginId`], and [`Faults`] for what an
//! author is told.
//!
//! ```
//! use switchboard_manifest::Manifest;
//!
//! let faults = Manifest::read("id: clips\nname: Clips\nversion: 1.0\ntype: builtin\ncategory: media\n").unwrap_err();
//! assert!(faults.report("manifest.yaml").starts_with(
//!     "error: `version` takes a text, and this is the number `1.0`\n --> manifest.yaml:3:10, version\n"
//! ));
//! ```

mod contribution;
mod id;
mod import;
mod model;
mod pattern;
mod task;

// A plugin that is built as a component carries no reader of manifests: the host has read its own.
#[cfg(not(target_family = "wasm"))]
mod check;
#[cfg(not(target_family = "wasm"))]
mod external;
#[cfg(not(target_family = "wasm"))]
mod faults;
#[cfg(not(target_family = "wasm"))]
mod inspection;
#[cfg(not(target_family = "wasm"))]
mod name;
#[cfg(not(target_family = "wasm"))]
mod nearest;
#[cfg(not(target_family = "wasm"))]
mod path;
#[cfg(not(target_family = "wasm"))]
mod quote;
#[cfg(not(target_family = "wasm"))]
mod read;
#[cfg(not(target_family = "wasm"))]
mod schema;
#[cfg(not(target_family = "wasm"))]
mod template;
#[cfg(not(target_family = "wasm"))]
mod tree;
#[cfg(not(target_family = "wasm"))]
mod wording;

pub use contribution::RouteKey;
#[cfg(not(target_family = "wasm"))]
pub use faults::{Fault, Faults};
pub use id::{NotAPluginId, PATTERN as PLUGIN_ID_PATTERN, PluginId};
pub use import::Need;
pub use model::*;
#[cfg(not(target_family = "wasm"))]
pub use pattern::{EventPattern, NotAnEventPattern};
#[cfg(not(target_family = "wasm"))]
pub use read::read_document;
#[cfg(not(target_family = "wasm"))]
pub use schema::schema;
pub use task::{CatchUp, IfRunning, Task, TaskScope};
