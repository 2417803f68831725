//! Each capability as a plugin imports it: translated, and nothing decided. Whether it was granted is known to the
//! [`Host`](switchboard_api::Host).

pub(crate) mod blobs;
pub(crate) mod bodies;
pub(crate) mod db;

mod audit;
mod call;
mod clock;
mod config;
mod events;
mod filter_points;
mod http;
mod kv;
mod log;
mod mail;
mod metrics;
mod random;
mod schedule;
mod schemas;
mod secrets;
mod services;
