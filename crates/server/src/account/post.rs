//! Letters to people.

use switchboard_accounts::{Mailing, Purpose};
use switchboard_api::BoxFuture;
use switchboard_sdk::{Context, Failure, MailMessage};

/// A letter to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The e-mail address to which it goes.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Takes letters to people.
pub trait Post: Send + Sync {
    /// Sends a letter.
    ///
    /// # Errors
    /// Why it is not sent.
    fn send<'a>(&'a self, ctx: &'a Context, letter: Letter) -> BoxFuture<'a, Result<(), Failure>>;
}

/// By the operator's mail server.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByMail;

impl Post for ByMail {
    fn send<'a>(&'a self, ctx: &'a Context, letter: Letter) -> BoxFuture<'a, Result<(), Failure>> {
        let Letter { to, subject, text } = letter;
        Box::pin(async move { ctx.mail().send(MailMessage::new(to, subject, text)).await })
    }
}

impl Letter {
    /// The letter that brings a code.
    pub(super) fn with(mailing: &Mailing) -> Self {
        let Mailing { name, code, expires_at, .. } = mailing;
        let (subject, what, address) = match mailing.purpose {
            Purpose::PasswordReset => {
                ("Set your password anew", "set your password anew", "/api/auth/password/reset")
            }
            Purpose::EmailVerification => {
                ("Confirm your e-mail address", "confirm this e-mail address", "/api/auth/email/verify")
            }
        };
        let text = format!(
            "Hello {name},\n\nwith this code you {what}:\n\n    {code}\n\nSend it to {address}. It serves once, until \
             {expires_at:.0}.\n\nIf you did not ask for it, let it be: nothing changes.\n"
        );
        Self { to: mailing.email.clone(), subject: subject.to_owned(), text }
    }
}
