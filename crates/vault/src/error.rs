//! What can go wrong with keys and with what they seal.

use std::path::{Path, PathBuf};

use crate::key::KeyId;

/// What can go wrong. No message holds a secret or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key that a secret was sealed with is not here.
    #[error(
        "it is sealed with the key `{key}`, which is not in {file}: restore the key file that was in use when it was \
         sealed, or set the secret anew"
    )]
    NoSuchKey {
        /// The key.
        key: KeyId,
        /// Where keys are looked for.
        file: String,
    },
    /// A sealed text does not open, though its key is here.
    #[error(
        "it does not open with its key `{key}`: it was changed, or it was sealed for another place. Set the secret anew"
    )]
    DoesNotOpen {
        /// The key.
        key: KeyId,
    },
    /// A text is no sealed one.
    #[error("it is no sealed text: one begins with `{prefix}` and a key's id", prefix = crate::PREFIX)]
    NotSealed,
    /// What was to be sealed is longer than can be.
    #[error("a secret of {0} bytes is too long to be sealed")]
    TooLong(usize),
    /// The key file may be read or written by others than its owner.
    #[error(
        "the key file {} may be used by others than its owner (its mode is {mode:o}): `chmod 600` it, and add a new key \
         with `switchboard secrets rotate` if somebody may have read it", file.display()
    )]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not as it should be.
    #[error("the key file {}, line {line}: {why}. Restore it from a copy", file.display())]
    BadKeyFile {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The key file has no key.
    #[error("the key file {} holds no key. Restore it from a copy, or remove it to have a new one made", file.display())]
    NoKeys {
        /// The file.
        file: PathBuf,
    },
    /// The key file cannot be read or written.
    #[error("the key file {} cannot be {what}: {why}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// `read`, `made` or `written`.
        what: &'static str,
        /// The system's words.
        why: String,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    NoRandom(String),
}

impl Error {
    pub(crate) fn io(file: &Path, what: &'static str, error: &std::io::Error) -> Self {
        Self::Io { file: file.to_owned(), what, why: error.to_string() }
    }
}
