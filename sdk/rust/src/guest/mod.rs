//! A plugin as a WebAssembly component: the exports call its handlers, and its capabilities are the imports.
//!
//! Nothing here is for authors but [`component!`](crate::component). Each capability is reached by a path of its own from
//! [`Host`] to its imports, so that the linker leaves out those that a plugin does not use: a component that imports what its
//! manifest does not ask for is refused.

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "it is generated"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "switchboard:plugin/plugin",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "switchboard_sdk::guest::bindings",
    });
}

mod body;
mod calling;
mod capability;
mod component;
mod exports;
mod failure;
mod header;
mod host;
mod panicking;
mod waiting;

pub use bindings::export;
pub use component::{Component, plugin_id};

pub(crate) use calling::Calling;
pub(crate) use host::Host;
