//! Write Switchboard plugins in Rust.
//!
//! A plugin is a manifest that says what it contributes, and a function that binds a handler to each of those
//! things. Handlers are plain async functions: what one needs is in its arguments, what it gives in its result, and
//! from both comes the OpenAPI document.
//!
//! ```
//! use switchboard_sdk::prelude::*;
//!
//! # const MANIFEST: &str = r#"{"id": "greeter", "name": "Greeter", "version": "1.0.0", "type": "builtin",
//! #   "category": "utility", "provides": {"api_routes": [{"method": "GET", "path": "/hello/{name}"}]}}"#;
//! #[derive(Serialize, JsonSchema)]
//! struct Greeting {
//!     text: String,
//! }
//!
//! async fn hello(ctx: Context, Path(name): Path<String>) -> Result<Json<Greeting>> {
//!     ctx.log().info(&format!("greeting {name}"));
//!     Ok(Json(Greeting { text: format!("Hello, {name}!") }))
//! }
//!
//! /// In a plugin's own crate: `plugin!("manifest.yaml")`.
//! pub fn plugin() -> Definition {
//!     Definition::new(MANIFEST).get("/hello/{name}", hello)
//! }
//! # assert!(plugin().build().is_ok());
//! ```
//!
//! The same source is a WebAssembly component, when it is built as one: [`component!`] says so.
//!
//! Plugin code names no runtime, no database driver and no HTTP client; everything from outside comes through
//! [`Context`]. This crate knows nothing of the kernel. Read [`Definition`], [`Context`] and [`extract`] first.

pub mod answer;
pub mod capability;
pub mod extract;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;

mod binding;
mod context;
mod definition;
mod door;
mod handler;
mod name;
#[cfg(not(target_family = "wasm"))]
mod native;

pub use context::Context;
pub use definition::Definition;
pub use handler::Handler;
pub use switchboard_api::{
    Actions, Actor, Body, CommandCall, Event, Failure, Fault, NewEvent, Organization, OrganizationId,
    Payload, Plugin, Response, Said, Secret, TaskCall, Timestamp, Value,
    capability::{
        BlobFile, BlobInfo, Engine, HttpRequest, HttpResponse, KvEntry, MailMessage, Plan, Progress,
        Scheduled,
    },
};
pub use {bytes, http, schemars, serde, serde_json};

/// What a handler gives.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What nearly every plugin uses.
pub mod prelude {
    pub use crate::{
        CommandCall, Context, Definition, Event, Failure, NewEvent, Payload, Result, Said, TaskCall,
        answer::{Created, Json, NoContent},
        conflict,
        extract::{Path, Query},
        forbidden, invalid, migrations, not_found, plugin,
    };
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
}

/// Begins a plugin from the manifest in its crate's folder.
///
/// ```
/// use switchboard_sdk::prelude::*;
///
/// async fn hello(Path(name): Path<String>) -> Result<Json<String>> {
///     Ok(Json(format!("Hello, {name}!")))
/// }
///
/// /// Where the manifest stands at the top of the crate, as it does in a plugin's: `plugin!("manifest.yaml")`.
/// pub fn plugin() -> Definition {
///     plugin!("tests/greeter/manifest.yaml").get("/hello/{name}", hello)
/// }
/// # assert!(plugin().build().is_ok());
/// ```
#[macro_export]
macro_rules! plugin {
    ($manifest:literal) => {
        $crate::Definition::new(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $manifest)))
    };
}

/// Makes the crate a WebAssembly component as well, when it is built for one: `switchboard plugin build`. Natively it is nothing.
///
/// ```
/// # use switchboard_sdk::prelude::*;
/// # async fn hello(Path(name): Path<String>) -> Result<Json<String>> {
/// #     Ok(Json(format!("Hello, {name}!")))
/// # }
/// switchboard_sdk::component!(plugin);
///
/// pub fn plugin() -> Definition {
///     plugin!("tests/greeter/manifest.yaml").get("/hello/{name}", hello)
/// }
/// # assert!(plugin().build().is_ok());
/// ```
#[macro_export]
macro_rules! component {
    ($plugin:path) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl $crate::guest::Component for Component {
                // Which the builder knows by the manifest; a crate that is built without it is called as its plugin.
                const ID: &'static str =
                    $crate::guest::plugin_id(option_env!("SWITCHBOARD_PLUGIN_ID"), env!("CARGO_PKG_NAME"));

                fn definition() -> $crate::Definition {
                    $plugin()
                }
            }

    $crate::guest::export!(Component with_types_in $crate::guest::bindings);
        };
    };
}

/// The migration files of a plugin, by their names in its folder `migrations/`.
///
/// ```ignore
/// plugin!("manifest.yaml").migrations(migrations!["001_initial.sql", "001_initial.down.sql"])
/// ```
#[macro_export]
macro_rules! migrations {
    ($($file:literal),* $(,)?) => {
        [$(($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $file)))),*]
    };
}

/// [`Failure::NotFound`] with a formatted message.
#[macro_export]
macro_rules! not_found {
    ($($message:tt)*) => { $crate::Failure::not_found(format!($($message)*)) };
}

/// [`Failure::Invalid`] with a formatted message, without fields.
#[macro_export]
macro_rules! invalid {
    ($($message:tt)*) => { $crate::Failure::invalid(format!($($message)*)) };
}

/// [`Failure::Conflict`] with a formatted message; from a filter it is a veto.
#[macro_export]
macro_rules! conflict {
    ($($message:tt)*) => { $crate::Failure::conflict(format!($($message)*)) };
}

/// [`Failure::Forbidden`] with a formatted message.
#[macro_export]
macro_rules! forbidden {
    ($($message:tt)*) => { $crate::Failure::forbidden(format!($($message)*)) };
}
