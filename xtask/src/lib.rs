//! The house rules of this repository, each a function that reads the tree and returns what breaks it.
//!
//! A rule that only a reviewer remembers is forgotten; these run with every `cargo test --workspace`, and alone
//! by `cargo test -p xtask`. Each fault is one sentence that names the file or crate and says what to do.
//!
//! This crate must never know what Switchboard does: it sees folders, names, links and the graph of crates.
//!
//! Read first: [`Arrows`], the table that `ARCHITECTURE.md` promises; [`Tree`], the files that belong to the
//! repository; and `tests/house_rules.rs`, which holds one against the other.

mod arrows;
mod contract;
mod links;
mod naming;
mod offline;
mod plugin_folders;
mod tree;

pub use arrows::{Arrows, TableFault, broken_arrows, workspace_arrows};
pub use contract::Contract;
pub use links::broken_links;
pub use naming::{nameless_files, overlong_files, unintroduced_crates};
pub use offline::outside_addresses;
pub use plugin_folders::incomplete_plugins;
pub use tree::{File, Tree};
