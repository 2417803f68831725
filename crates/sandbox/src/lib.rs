//! A WebAssembly component as a plugin of Switchboard.
//!
//! [`Sandbox::load`] makes a [`Plugin`](switchboard_api::Plugin) of a component, its manifest and its migrations; to whoever calls it, it
//! is like every other. This crate translates between the contract in `wit/` and the api, and keeps what runs within bounds; it decides
//! nothing: which capabilities were granted is known to the [`Host`](switchboard_api::Host) that comes with each call.
//!
//! - An instance serves one call at a time, and only ever one organization (`warm`). One that trapped, that was ended from
//!   outside, or that kept something of a call, is never used again.
//! - A guest runs on the thread that asks for a millisecond or two. One that takes longer goes on elsewhere, on a runtime of its own
//!   whose threads give way to those that serve (`on_the_spot`); it is ended when its time is up (`ticker`).
//! - Compiling is done once, in a process of its own, bounded in memory and time (`compiler`). Only what this server compiled itself is
//!   ever loaded (`compiled`).
//!
//! Read [`Sandbox`] first, then `component`.

mod bindings;
#[cfg(fuzzing)]
pub mod boundary;
mod bounds;
mod capabilities;
mod compiled;
mod compiler;
mod component;
mod conversion;
mod engine;
mod error;
mod exports;
mod import;
mod interrupted;
mod on_the_spot;
mod outgoing;
mod plain;
mod sandbox;
mod state;
mod task;
mod ticker;
mod trap;
mod warm;
mod wasi;

pub use compiled::Seal;
pub use compiler::{Compiler, compile};
pub use error::Error;
pub use sandbox::{Options, Sandbox};
