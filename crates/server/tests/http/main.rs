//! The server as its clients meet it: browsers, programs, players, and those that mean it harm.
//!
//! [`stage`] puts a real kernel with the clips behind real HTTP on loopback, [`cast`] holds a plugin that behaves as a
//! test needs it, and [`wire`] is a client that says whatever it likes, byte by byte.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod addresses;
mod answer;
mod browsers;
mod cast;
#[path = "../shared/client.rs"]
mod client;
mod document;
mod hostile;
mod json_bodies;
mod panics;
mod ranges;
mod rate_limits;
mod request_ids;
mod stage;
mod stopping;
mod tenants;
mod tokens;
mod uploads;
mod wellbeing;
mod wire;
