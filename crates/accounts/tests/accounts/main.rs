//! Accounts as the server meets them: through the public API, on a real database in a temporary folder, with a clock
//! that the test moves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod administration;
mod external;
mod impersonation;
mod mail_codes;
mod making;
mod second_factor;
mod sessions;
mod signing_in;
mod stage;
