//! What can go wrong with the kernel's own affairs.

use switchboard_api::{Failure, NotThatShape};
use switchboard_manifest::PluginId;

/// What can go wrong with the kernel's own affairs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the kernel's database failed: {0}")]
    Store(#[from] switchboard_store::Error),
    /// The database holds what it should not.
    #[error("the kernel's database holds what it should not: {0}")]
    Data(String),
    /// A secret cannot be sealed or opened, or the keys cannot be read or written.
    #[error("a secret cannot be sealed or opened: {0}")]
    Vault(#[from] switchboard_vault::Error),
    /// There is no such plugin.
    #[error("there is no plugin `{0}`; `switchboard plugin list` shows those there are")]
    NoSuchPlugin(String),
    /// There is no such organization.
    #[error("there is no organization `{0}`")]
    NoSuchOrganization(String),
    /// There is no such thing of another kind.
    #[error("{0}")]
    NoSuch(String),
    /// A plugin does not load.
    #[error("{reason}")]
    DoesNotLoad {
        /// Which one.
        plugin: PluginId,
        /// One sentence: why.
        reason: String,
    },
    /// What a plugin keeps cannot be read or removed.
    #[error("{0}")]
    Belongings(Failure),
    /// A change that does not fit what is there.
    #[error("{0}")]
    Refused(String),
    /// What was sent breaks a rule.
    #[error("{0}")]
    Invalid(Failure),
}

impl From<NotThatShape> for Error {
    fn from(error: NotThatShape) -> Self {
        Self::Data(error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Store(_) | Error::Vault(_) => Self::unavailable(message),
            Error::Data(_) => Self::broken(message),
            Error::NoSuchPlugin(_) | Error::NoSuchOrganization(_) | Error::NoSuch(_) => {
                Self::not_found(message)
            }
            Error::DoesNotLoad { .. } | Error::Refused(_) => Self::conflict(message),
            Error::Belongings(failure) | Error::Invalid(failure) => failure,
        }
    }
}
