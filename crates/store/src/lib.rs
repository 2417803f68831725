//! SQL on SQLite: isolated rooms, migrations, group commit, copies.
//!
//! A [`Store`] is a folder of [`Room`]s; a room is one SQLite file that can reach nothing but itself. What is
//! acknowledged has survived a power cut. This crate never knows plugins or organizations: a room has a name, and
//! two faces. The host's face may do what it likes to its room; a [`Guest`] is confined to reading and writing rows of
//! tables that are not the host's own (those whose names begin with [`RESERVED`]).
//!
//! Read [`Store`], [`Room`] and [`Transaction`] first, then `writer.rs`, where group commit lives.

mod authorizer;
mod copies;
mod error;
mod functions;
mod link;
mod migrate;
mod migration;
mod options;
mod readers;
mod room;
mod statement;
mod stats;
mod store;
mod transaction;
mod writer;

pub use authorizer::RESERVED;
pub use error::Error;
pub use migrate::Applied;
pub use migration::{Migration, parse_migration_files};
pub use options::{Options, Synchronous};
pub use room::{Guest, Room};
pub use statement::Executed;
pub use stats::Stats;
pub use store::Store;
pub use switchboard_sql::{Row, Rows, Value};
pub use transaction::Transaction;
