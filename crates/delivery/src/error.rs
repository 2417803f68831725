//! What can go wrong with what must happen later.

use std::time::Duration;

use switchboard_api::{Failure, NotThatShape};
use switchboard_manifest::PluginId;

/// When to try again to look on.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// What can go wrong with what must happen later.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the outbox of a plugin could not be used: {0}")]
    Store(#[from] switchboard_store::Error),
    /// The database holds what it should not.
    #[error("the outbox of a plugin holds what it should not: {0}")]
    Data(String),
    /// The kernel could not do its part.
    #[error(transparent)]
    Kernel(#[from] switchboard_kernel::Error),
    /// No work is done for that plugin, because it was not loaded since the start.
    #[error("plugin `{0}` was not loaded since the start, so that nothing of it is delivered")]
    NotServed(PluginId),
    /// As many look on as may.
    #[error("{0} look on at these events already, as many as may: try again when one of them has left")]
    TooManyOnlookers(usize),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
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
            Error::Store(_) | Error::Stopping => Self::unavailable(message),
            Error::Data(_) => Self::broken(message),
            Error::NotServed(_) => Self::not_found(message),
            Error::Kernel(error) => error.into(),
            Error::TooManyOnlookers(_) => Self::RateLimited { message, after: TRY_AGAIN },
        }
    }
}
