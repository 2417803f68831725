//! What a plugin may touch: one small trait for each capability.
//!
//! A capability has three moments. Once at start, the host sets up what all plugins share. Once for each plugin, it
//! is bound to what the manifest asks for and the kernel granted. Once for each call, it gets the
//! [`Context`](crate::Context), which says for whom.

mod audit;
mod authority;
mod blobs;
mod clock;
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
mod random;
mod schedule;
mod schemas;
mod secrets;
mod services;

pub use audit::{Audit, AuditEntry};
pub use authority::Authority;
pub use blobs::{Blob, BlobFile, BlobInfo, BlobKey, Blobs};
pub use clock::Clock;
pub use compute::{Compute, Work};
pub use config::Config;
pub use db::{Db, Engine, Transaction};
pub use events::Events;
pub use filters::Filters;
pub use http::{Http, HttpRequest, HttpResponse};
pub use kv::{Kv, KvCondition, KvEntry, KvTerms};
pub use log::{Level, Log};
pub use mail::{Mail, MailMessage};
pub use metrics::{Metrics, Reading};
pub use random::Random;
pub use schedule::{Plan, Progress, Schedule, Scheduled};
pub use schemas::Schemas;
pub use secrets::Secrets;
pub use services::Services;
