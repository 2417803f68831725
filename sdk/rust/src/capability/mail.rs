//! Messages to people.

use switchboard_api::{Failure, capability::MailMessage};

use crate::Context;

/// Messages to people.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    pub(crate) context: &'a Context,
}

impl Mail<'_> {
    /// Sends a message; returns when the mail server has taken it. Who it is from is the operator's to say.
    ///
    /// ```no_run
    /// # use switchboard_sdk::{MailMessage, prelude::*};
    /// # async fn example(ctx: Context) -> Result<()> {
    /// ctx.mail().send(MailMessage::new("ada@example.com", "Your clip is ready", "It is in your library.")).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what breaks a rule, and for a recipient whom the mail server refuses for good;
    /// [`Failure::TooLarge`]; [`Failure::RateLimited`] after too many in a minute; [`Failure::Unavailable`] when the mail
    /// server cannot be reached, or refuses for now: a task or a listener is tried again by itself.
    pub async fn send(&self, message: MailMessage) -> Result<(), Failure> {
        self.context.host.mail(&self.context.call)?.send(&self.context.call, message).await
    }
}
