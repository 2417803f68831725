//! `mail`: messages to people.

use serde::{Deserialize, Serialize};

use crate::{BoxFuture, Context, Failure};

/// A message to somebody. Who it is from is the operator's to say.
///
/// ```
/// use switchboard_api::capability::MailMessage;
/// let message = MailMessage::new("ada@example.com", "Your clip is ready", "It is in your library.")
///     .html("<p>It is in <b>your library</b>.</p>");
/// assert_eq!(message.to, ["ada@example.com"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailMessage {
    /// Who gets it: 1 to 50 addresses, such as `ada@example.com`. All of them see each other.
    pub to: Vec<String>,
    /// What it is about: 1 to 200 characters on one line.
    pub subject: String,
    /// What it says. With `html`, at most 1 MiB.
    pub text: String,
    /// The same as HTML, for readers that show it.
    pub html: Option<String>,
}

impl MailMessage {
    /// A message to one person.
    pub fn new(to: impl Into<String>, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { to: vec![to.into()], subject: subject.into(), text: text.into(), html: None }
    }

    /// The message with its text as HTML beside it.
    #[must_use]
    pub fn html(self, html: impl Into<String>) -> Self {
        Self { html: Some(html.into()), ..self }
    }
}

/// Messages to people.
pub trait Mail: Send + Sync {
    /// Sends a message. When this returns, the mail server has taken it for every recipient and answers for it from
    /// then on; when it fails, nobody gets it.
    ///
    /// A mail server that breaks off before it has answered may have taken the message all the same: who tries again may
    /// send it twice.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what breaks a rule, and for a recipient whom the mail server refuses for good;
    /// [`Failure::TooLarge`]; [`Failure::RateLimited`] after too many in a minute; [`Failure::Unavailable`] when the mail
    /// server cannot be reached, or refuses for now.
    fn send<'a>(&'a self, context: &'a Context, message: MailMessage) -> BoxFuture<'a, Result<(), Failure>>;
}
