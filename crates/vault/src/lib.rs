//! Secrets, sealed with a key that stands outside of the database.
//!
//! This crate knows not where sealed secrets are kept, nor what they are for. Read [`Vault`] first, which seals and opens,
//! then [`Place`] (a sealed secret opens only where it was sealed for) and [`Secret`] (what was opened, and is never printed).
//!
//! ```
//! use switchboard_vault::{Place, Vault};
//!
//! let vault = Vault::in_memory()?;
//! let place = Place::new("mail password", &["acme"]);
//! let sealed = vault.seal(&place, b"hush")?;
//! assert_eq!(vault.open(&place, &sealed)?.expose(), b"hush");
//! assert!(vault.open(&Place::new("mail password", &["evil"]), &sealed).is_err());
//! # Ok::<(), switchboard_vault::Error>(())
//! ```

mod error;
mod key;
mod key_file;
mod place;
mod sealed;
mod secret;
mod vault;

pub use error::Error;
pub use key::KeyId;
pub use place::Place;
pub use sealed::{PREFIX, key_of};
pub use secret::{REDACTED, Secret};
pub use vault::Vault;
