//! Components as plugins, on a real kernel.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod apart;
mod compiling;
mod guest;
mod hostile;
mod loading;
mod neighbour;
mod plain;
mod services;
mod swapping;
mod trapping;
