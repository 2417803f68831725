//! Where a plugin comes from: the package that is one file, its signature, the places it is fetched from, and what was
//! consented to when it was installed.
//!
//! This crate must never know the running system: no kernel, no database, no organizations, no engine. It decides what a
//! package is and says what is wrong with one; whether it is installed is decided by whoever asks. Read [`Package`] first,
//! then [`Source`] and [`fetch`], and [`Lock`] with [`Consent`] for what an upgrade asks for beyond what was granted.

mod agreement;
mod archive;
mod bill;
mod checksums;
mod component;
mod consent;
mod digest;
mod entry_name;
mod error;
mod fetch;
mod folder;
mod host_pattern;
mod key;
mod layout;
mod lock;
mod outbound;
mod package;
mod registry;
mod release_age;
mod signature;
mod source;
mod trusted_keys;
mod unpacking;

pub use agreement::{Agreement, Import};
pub use archive::Bounds;
pub use component::{Component, Interface, Producer};
pub use consent::{Consent, ConsentedCapability, ConsentedLimits, Escalation};
pub use digest::Digest;
pub use entry_name::{EntryName, LONGEST_NAME};
pub use error::Error;
pub use fetch::{FetchBounds, Fetched, fetch, signature_file};
pub use folder::{Packed, pack};
pub use key::{KeyFiles, PublicKey, SecretKey};
pub use layout::{BILL, CHECKSUMS, MANIFEST};
pub use lock::{Change, Installed, Lock, Step};
pub use package::Package;
pub use registry::{ARTIFACT_TYPE, Credentials, PACKAGE_LAYER, Pushed, SIGNATURE_LAYER, push};
pub use release_age::{Freshness, ReleaseAge};
pub use signature::{Signature, Signed};
pub use source::{OciReference, Source};
pub use switchboard_manifest::Need;
pub use trusted_keys::{TrustedKey, TrustedKeys};
pub use unpacking::remove_unfinished;

/// What the name of a package's file ends with.
pub const EXTENSION: &str = "switchboard";

/// What the name of a signature's file ends with, behind the whole name of the file that is signed.
pub const SIGNATURE_EXTENSION: &str = "minisig";
