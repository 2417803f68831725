//! A plugin under test: the real kernel and SQLite in a folder of its own, a clock and a seed that the test sets.
//!
//! Requests go where those of the HTTP server go, through the kernel's routes, checks and dispatcher; only the
//! socket is missing. This crate knows no WebAssembly. Read [`Stage`] first, then [`Ask`].
//!
//! A stage's functions panic, with what failed: it is for tests.
#![allow(clippy::expect_used, clippy::panic)]

mod answer;
mod ask;
mod clock;
mod stage;

pub use answer::Answer;
pub use ask::Ask;
pub use clock::SetClock;
pub use stage::Stage;

pub use switchboard_api as api;
pub use switchboard_kernel as kernel;
