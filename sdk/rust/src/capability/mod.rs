//! The capabilities as handlers use them: typed, and bound to the call.

mod blobs;
mod db;
mod events;
mod http;
mod kv;
mod log;
mod mail;
mod metrics;
mod schedule;
mod secrets;
mod services;

pub use blobs::Blobs;
pub use db::{Db, Transaction};
pub use events::Events;
pub use http::Http;
pub use kv::Kv;
pub use log::Log;
pub use mail::Mail;
pub use metrics::Metrics;
pub use schedule::Schedule;
pub use secrets::Secrets;
pub use services::Services;
