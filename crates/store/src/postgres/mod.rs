//! Rooms as schemas of a PostgreSQL database. Read `roles.rs` first, which says who may what.

use std::pin::Pin;

mod address;
mod cell;
mod connections;
mod copies;
mod fault;
mod filling;
mod link;
mod locks;
mod migrate;
mod notices;
mod roles;
mod room;
mod store;
mod transaction;
mod wording;

pub(crate) use filling::{State, Table, Turn};
pub(crate) use locks::Held;
pub(crate) use room::{Guest, Room};
pub(crate) use store::Store;
pub(crate) use transaction::Transaction;

/// The work of an engine whose depth no caller's type needs to know.
pub(crate) fn apart<'a, T>(
    work: impl Future<Output = T> + Send + 'a,
) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(work)
}
