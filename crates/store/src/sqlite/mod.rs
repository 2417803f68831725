//! Rooms as SQLite files. Read `writer.rs`, where group commit lives, `authorizer.rs`, which confines guests, and
//! `confined.rs`, which confines them to the rows of one tenant.

mod authorizer;
mod confined;
mod copies;
mod fault;
mod functions;
mod link;
mod migrate;
mod readers;
mod resting;
mod room;
mod schema;
mod statement;
mod store;
mod tables;
mod tenancy;
mod tokens;
mod transaction;
mod writer;

pub use resting::{Resting, RestingRoom, RestingTable};
pub(crate) use room::{Guest, Room};
pub(crate) use store::Store;
pub(crate) use transaction::Transaction;
