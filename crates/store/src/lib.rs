//! SQL on SQLite or PostgreSQL: isolated rooms, migrations, copies.
//!
//! A [`Store`] is a house of [`Room`]s. On SQLite it is a folder, and a room is one file that can reach nothing but
//! itself; on PostgreSQL it is a database, and a room is a schema with roles of its own, which the database confines to it.
//! What is acknowledged has survived a power cut. This crate never knows plugins or organizations: a room has a name, and
//! two faces. The host's face may do what it likes to its room; a [`Guest`] is confined to reading and writing rows of
//! tables that are not the host's own (those whose names begin with [`RESERVED`]).
//!
//! Read [`Store`], [`Room`] and [`Transaction`] first, then the engines: `sqlite/writer.rs`, where group commit lives, and
//! `postgres/roles.rs`, which says who may what.

mod alone;
mod changes;
mod error;
mod executed;
mod migration;
mod moving;
mod name;
mod options;
mod postgres;
mod room;
mod saved;
mod sqlite;
mod stats;
mod store;
mod tenant;
mod transaction;

pub use alone::Alone;
pub use changes::{Changes, Notice};
pub use error::Error;
pub use executed::Executed;
pub use migration::{Applied, Migration, parse_migration_files};
pub use moving::{Difference, Move};
pub use name::RESERVED;
pub use options::{Options, Synchronous};
pub use room::{Guest, Room};
pub use saved::Saved;
pub use sqlite::{Resting, RestingRoom, RestingTable};
pub use stats::Stats;
pub use store::{Engine, Store};
pub use switchboard_sql::{Row, Rows, Value};
pub use tenant::Tenant;
pub use transaction::Transaction;
