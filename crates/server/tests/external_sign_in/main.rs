//! Signing in elsewhere: at an issuer and at a Discord that run here, behave and misbehave.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod attempts;
mod browser;
#[path = "../shared/client.rs"]
mod client;
mod discord;
mod discord_double;
mod issuer;
mod open_id;
mod over_http;
mod signing;
mod visitor;
