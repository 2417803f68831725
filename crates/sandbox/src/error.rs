//! Why a component cannot be a plugin.

use std::{io, path::PathBuf};

/// Why a component cannot be a plugin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifest says nothing of its code.
    #[error("its manifest names no `entry_point`: write `entry_point: plugin.wasm`, beside `type: external`")]
    NoEntryPoint,
    /// The entry point leads elsewhere.
    #[error(
        "its `entry_point` is `{0}`: it must be a file in the plugin's own folder, such as `plugin.wasm`"
    )]
    EntryPointOutside(String),
    /// A file cannot be read.
    #[error("`{}` cannot be read: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file is too large.
    #[error("`{}` is larger than the {} MiB that a component may have", path.display(), limit >> 20)]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is no component.
    #[error("`{name}` is {what}, not a WebAssembly component: `switchboard plugin build` makes one")]
    NoComponent {
        /// The file.
        name: String,
        /// What it is instead.
        what: &'static str,
    },
    /// It cannot be compiled.
    #[error("its component cannot be compiled: {0}")]
    NotCompiled(String),
    /// It imports what its manifest does not ask for.
    #[error(
        "its component imports `{import}`, which its manifest does not ask for: name `{capability}` under `capabilities`, with a reason, or \
         do not use it"
    )]
    NotAskedFor {
        /// The interface.
        import: String,
        /// The capability.
        capability: String,
    },
    /// It imports what this server does not have.
    #[error("its component imports `{0}`, which this server does not offer to plugins")]
    Unknown(String),
    /// It cannot be linked or begun.
    #[error("its component cannot be begun: {0}")]
    NotBegun(String),
    /// It says nothing of itself.
    #[error(
        "its component exports neither `switchboard:plugin/description@0.1.0` nor `wasi:http/incoming-handler@0.2`: build it with one \
         of the SDKs, for the contract in `wit/`, or for the world `wasi:http/proxy`"
    )]
    NoDescription,
    /// It answers requests as a standard says, and is to do something else.
    #[error(
        "its component is one for `wasi:http`, which answers requests and does nothing else, but its manifest declares the {kind} \
         `{name}`: take that out, or build the component with one of the SDKs"
    )]
    OnlyRoutes {
        /// What kind of thing it is to do.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// What it says of itself is no description.
    #[error("its component describes itself in a way that is no description: {0}")]
    Description(String),
    /// It has a handler for something, and does not export the interface by which it is called.
    #[error("its component describes {what}, but does not export `switchboard:plugin/{interface}@0.1.0`")]
    NotExported {
        /// What it describes.
        what: String,
        /// The interface that is not there.
        interface: &'static str,
    },
    /// The engine cannot be set up.
    #[error("the engine for sandboxed plugins cannot be set up: {0}")]
    Engine(String),
}
