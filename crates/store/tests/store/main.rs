//! Rooms of real files, attacked: what a guest may reach, what is left after a crash, and whether all of it adds up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod copies;
mod crash;
mod engines;
mod group_commit;
mod isolation;
mod migrations;
mod model;
mod moving;
mod postgres;
mod stage;
mod tenant_cost;
mod tenant_model;
mod tenants;
mod transactions;
