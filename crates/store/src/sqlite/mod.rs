//! Rooms as SQLite files. Read `writer.rs`, where group commit lives, and `authorizer.rs`, which confines guests.

mod authorizer;
mod copies;
mod fault;
mod functions;
mod link;
mod migrate;
mod readers;
mod room;
mod statement;
mod store;
mod transaction;
mod writer;

pub(crate) use room::{Guest, Room};
pub(crate) use store::Store;
pub(crate) use transaction::Transaction;
