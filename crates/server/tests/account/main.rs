//! Accounts as browsers meet them: over HTTP, on a real kernel with real databases in a temporary folder.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod administration;
mod attacks;
#[path = "../shared/client.rs"]
mod client;
mod journeys;
mod stage;
mod tokens;
