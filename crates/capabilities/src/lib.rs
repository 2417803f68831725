//! What a plugin may touch, one file each: what really does what the traits of
//! [`switchboard_api::capability`] promise.
//!
//! This crate does not know whether a plugin is native or sandboxed, and decides nothing: what was granted is the kernel's
//! word. Read [`Capabilities`] first, then a file with the name of a capability.

mod audit;
mod authority;
mod belongings;
mod blobs;
mod capabilities;
mod clock;
mod compute;
mod config;
mod db;
mod events;
mod filters;
mod http;
mod kernel_ref;
mod kv;
mod log;
mod mail;
mod metrics;
mod random;
mod schedule;
mod secrets;
mod services;

pub use blobs::BlobFault;
pub use capabilities::{Capabilities, Options};
pub use clock::{SetClock, SystemClock};
pub use http::Networks;
pub use kv::{KV_TABLE, prepare_kv};
pub use mail::{KeptMail, Letter, MailCarrier, MailFolder, MailOptions, Sender, Smtp, SmtpServer};
pub use random::{SeededRandom, SystemRandom};
