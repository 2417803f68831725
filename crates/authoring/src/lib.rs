//! What an author of plugins needs beside an editor: a folder of source becomes a folder that a server loads.
//!
//! A language is a file here: how the folder of a plugin in it is told from others, and how a WebAssembly component is made of it. What
//! is the same for all, the manifest and the migrations, stands in [`build()`]; what a file of tests says, in [`Scenarios`]. This crate
//! must never know how a component is run. Read [`build()`], [`Source`] and [`Language`] first.

mod build;
mod c;
mod contract;
mod difference;
mod error;
mod javascript;
mod language;
mod python;
mod rust;
mod scenario;
mod source;
mod starter;
mod tools;

pub use build::{Built, Effort, build, is_current, output_of};
pub use difference::{Difference, differences};
pub use error::BuildError;
pub use language::Language;
pub use scenario::{Call, CallKind, CallTerms, Expected, Request, RequestTerms, Scenario, Scenarios, Step};
pub use source::Source;
pub use starter::{Starter, begin, languages};
