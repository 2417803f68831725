//! The binary itself, as a user has it: started in a folder of its own, asked by HTTP and at the terminal, stopped, killed.
//!
//! It is known here by what it prints, answers and leaves on the disk alone. Read [`installation`] first.
// What the tests share stands outside of them, where the lints do not see that it is for tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod audit;
mod authorization;
mod backups;
mod commands;
mod configuration;
mod crashes;
mod doctor;
mod events;
mod help;
mod hostile_bodies;
mod hostile_components;
mod installation;
mod installing;
mod isolation;
mod manifests;
mod moving;
mod notes;
mod organizations;
mod own_database;
mod packages;
mod plugins;
mod removing;
mod serving;
mod several_servers;
mod side_by_side;
mod tasks;
mod testing;
mod tokens;
mod watched;
