//! What small plugins may touch, and what they may not, on a real kernel.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod audit;
mod blobs;
mod compute;
mod config;
mod db;
mod events;
mod filters;
mod http;
mod kv;
mod log;
mod mail;
mod metrics;
mod schedule;
mod secrets;
mod services;
mod small_plugins;
mod time_and_chance;
