//! What a room was, kept to be put back.

use std::path::PathBuf;

/// What a room was at one moment, kept beside it to be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved(pub(crate) Place);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    /// A schema of PostgreSQL.
    Schema(String),
}

impl From<PathBuf> for Saved {
    /// A copy of a room of SQLite that stands in a file.
    fn from(file: PathBuf) -> Self {
        Self(Place::File(file))
    }
}
