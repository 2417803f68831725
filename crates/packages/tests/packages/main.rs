//! Packages as authors make them, as servers fetch them, and as those who mean harm write them.
//!
//! The components are real ones, made of the worlds in `wit/`. Read [`stage`] first.
// What the tests share stands outside of them, where the lints do not see that it is for tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod addresses;
mod hostile;
mod minisign_program;
mod packing;
mod properties;
mod registries;
mod stage;
