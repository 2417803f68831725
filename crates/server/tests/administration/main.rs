//! The administration as its clients meet it: over HTTP, on a real kernel with real databases in a temporary folder.
//!
//! [`stage`] puts a server up, [`cast`] holds the plugins that are administrated.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod audit;
mod belonging;
mod calls;
mod cast;
#[path = "../shared/client.rs"]
mod client;
mod commands;
mod configuration;
mod events;
mod organizations;
mod own_configuration;
mod registration_settings;
mod registrations;
mod rollouts;
mod stage;
mod switching;
mod tasks;
mod tokens;
