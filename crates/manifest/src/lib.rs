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

mod check;
mod contribution;
mod faults;
mod id;
mod inspection;
mod model;
mod name;
mod nearest;
mod path;
mod pattern;
mod quote;
mod read;
mod schema;
mod template;
mod tree;
mod wording;

pub use contribution::RouteKey;
pub use faults::{Fault, Faults};
pub use id::{NotAPluginId, PATTERN as PLUGIN_ID_PATTERN, PluginId};
pub use model::*;
pub use schema::schema;
