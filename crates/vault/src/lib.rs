//! Secrets, sealed with a key that stands outside of the database.
//!
//! This crate knows not where sealed secrets are kept, nor what they are for.
