//! Who people are: accounts, passwords, sessions, second factors.
//!
//! [`Accounts`] keeps them in a room of its own. This crate knows no organizations, no plugins and no HTTP: what a person
//! may do, and where, the kernel says; cookies are the server's. It sends no mail either: a [`Mailing`] is handed to the
//! caller. Read [`Accounts`], [`Session`] and [`Error`] first.

mod account;
mod accounts;
mod administration;
mod client;
mod code;
mod email;
mod error;
mod external;
mod forgetting;
mod hasher;
mod impersonation;
mod moment;
mod not_signed_in;
mod password;
mod second_factor;
mod secret;
mod session;
mod session_cache;
mod sign_in;
mod throttle;
mod totp;

pub use account::{Account, NewAccount};
pub use accounts::{ACCOUNTS_ROOM, Accounts, Parts, migrations};
pub use administration::{Filter, Page};
pub use client::Client;
pub use code::{Mailing, Purpose};
pub use email::{Email, MOST_EMAIL};
pub use error::Error;
pub use external::{ExternalIdentity, Linked};
pub use hasher::Strength;
pub use not_signed_in::{NotSignedIn, Reason};
pub use password::{LEAST_PASSWORD, MOST_PASSWORD};
pub use second_factor::Sealer;
pub use session::{Session, SignedIn, csrf_token, is_csrf_token};
pub use totp::Enrolment;
