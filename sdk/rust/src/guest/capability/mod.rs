//! The capabilities by their imports, with the functions of the traits in [`switchboard_api::capability`]. The host knows for whom
//! the call is: what they take of it is not looked at.

mod blobs;
mod db;
mod events;
mod http;
mod kv;
mod mail;
mod schedule;
mod secrets;
mod services;
mod unasked;

pub(crate) use blobs::Blobs;
pub(crate) use db::Db;
pub(crate) use events::Events;
pub(crate) use http::Http;
pub(crate) use kv::Kv;
pub(crate) use mail::Mail;
pub(crate) use schedule::Schedule;
pub(crate) use secrets::Secrets;
pub(crate) use services::Services;
pub(crate) use unasked::{Audit, Authority, Clock, Compute, Config, Filters, Log, Metrics, Random, Schemas};

use switchboard_api::{Failure, Timestamp};

/// A moment of the host's.
fn moment(microseconds: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_microsecond(microseconds)
        .map_err(|error| Failure::broken(format!("the host names a moment that is none: {error}")))
}
