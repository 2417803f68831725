//! What can go wrong with accounts.

use std::time::Duration;

use switchboard_api::{AccountId, Failure, Fault, NotThatShape};

/// What can go wrong with accounts. No message holds a password, a code or a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the database of accounts failed: {0}")]
    Store(#[from] switchboard_store::Error),
    /// The database holds what it should not.
    #[error("the database of accounts holds what it should not: {0}")]
    Data(String),
    /// What was sent breaks a rule.
    #[error("{0}")]
    Invalid(Failure),
    /// Nobody signs in with that. Which part is wrong is not said.
    #[error("the e-mail address or the password is wrong, or the account is disabled")]
    WrongCredentials,
    /// The password that was to prove who asks is not theirs.
    #[error("the password is wrong")]
    WrongPassword,
    /// A code of a second factor, or of a mail, that does not serve.
    #[error("{0}")]
    WrongCode(&'static str),
    /// Too many tries.
    #[error("there were too many tries; try again in {} s", after.as_secs().max(1))]
    TooMany {
        /// When to try again.
        after: Duration,
    },
    /// More passwords wait to be checked than the server takes.
    #[error("too many people sign in at this moment; try again shortly")]
    Busy,
    /// There is no such account.
    #[error("there is no account {0}")]
    NoSuchAccount(AccountId),
    /// A session that is not there, or not any more.
    #[error("the session has ended; sign in again")]
    NoSession,
    /// A change that does not fit what is there.
    #[error("{0}")]
    Refused(String),
    /// Somebody may not do that.
    #[error("{0}")]
    Forbidden(String),
    /// The secret of a second factor can be neither sealed nor opened.
    #[error("the secret of a second factor cannot be {what}: {why}")]
    Sealed {
        /// `sealed` or `opened`.
        what: &'static str,
        /// Why.
        why: String,
    },
}

impl Error {
    pub(crate) fn faults(faults: Vec<Fault>) -> Self {
        Self::Invalid(Failure::faults(faults))
    }
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
            Error::Invalid(failure) => failure,
            Error::TooMany { after } => Self::RateLimited { message, after },
            Error::Busy => Self::Unavailable { message, after: Some(Duration::from_secs(1)) },
            Error::Store(_) => Self::unavailable(message),
            Error::Data(_) | Error::Sealed { .. } => Self::broken(message),
            Error::NoSuchAccount(_) => Self::not_found(message),
            Error::Refused(_) => Self::conflict(message),
            Error::WrongCode(_) => Self::invalid(message),
            Error::WrongCredentials | Error::WrongPassword | Error::NoSession | Error::Forbidden(_) => {
                Self::forbidden(message)
            }
        }
    }
}
