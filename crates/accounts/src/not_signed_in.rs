//! Why somebody was not signed in.

use switchboard_api::{AccountId, Failure};

use crate::error::Error;

/// That somebody was not signed in, and why.
///
/// Whoever tried is told the [`error`](Self::error) alone, which does not say what was wrong. The rest is for the server's
/// operators.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct NotSignedIn {
    /// What whoever tried is told.
    pub error: Error,
    /// The account that they named, if there is one.
    pub account: Option<AccountId>,
    /// What was wrong with what they sent; none where that was not the reason.
    pub reason: Option<Reason>,
}

/// What was wrong with how somebody tried to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no account of that e-mail address.
    UnknownAddress,
    /// The account has another password, or none.
    WrongPassword,
    /// The account is disabled.
    Disabled,
    /// The code is none of its second factor's.
    SecondFactor,
    /// There were too many tries before.
    Throttled,
}

impl Reason {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAddress => "unknown address",
            Self::WrongPassword => "wrong password",
            Self::Disabled => "disabled",
            Self::SecondFactor => "second factor",
            Self::Throttled => "throttled",
        }
    }

    /// That somebody who named this account was not signed in for this reason.
    pub(crate) fn against(self, account: Option<AccountId>, error: Error) -> NotSignedIn {
        NotSignedIn { error, account, reason: Some(self) }
    }
}

impl From<Error> for NotSignedIn {
    fn from(error: Error) -> Self {
        Self { error, account: None, reason: None }
    }
}

impl From<switchboard_store::Error> for NotSignedIn {
    fn from(error: switchboard_store::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<NotSignedIn> for Error {
    fn from(refused: NotSignedIn) -> Self {
        refused.error
    }
}

impl From<NotSignedIn> for Failure {
    fn from(refused: NotSignedIn) -> Self {
        refused.error.into()
    }
}
