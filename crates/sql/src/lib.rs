//! What an SQL statement takes and gives: [`Value`], [`Row`], [`Rows`], [`Params`], [`Conditions`].
//!
//! The one vocabulary that the store, the contract and plugins share, so that nothing is converted between
//! them. This crate knows no database, and no plugin.

mod conditions;
mod params;
mod row;
mod value;

pub use conditions::Conditions;
pub use params::Params;
pub use row::{NotThatShape, Row, Rows};
pub use value::Value;
