//! What carries messages away.

use switchboard_api::{BoxFuture, Failure};

use super::Letter;

/// What carries messages away: a mail server, a folder, a test.
pub trait MailCarrier: Send + Sync {
    /// Takes a message for all of its recipients, or fails and takes it for none; says where it went, for the operator's
    /// log.
    ///
    /// # Errors
    /// As [`Mail::send`](switchboard_api::capability::Mail::send).
    fn carry<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<String, Failure>>;
}

/// Carries nothing.
pub(super) struct Nobody;

impl MailCarrier for Nobody {
    fn carry<'a>(&'a self, _: &'a Letter) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async { Err(Failure::unavailable("no mail is sent from here: nothing carries it")) })
    }
}
