//! Messages to people.

use switchboard_api::{Failure, capability::MailMessage};

use super::super::{Calling, bindings::switchboard::plugin::mail};

#[derive(Clone, Copy)]
pub(crate) struct Mail;

impl Mail {
    pub(crate) async fn send(self, _: &Calling, message: MailMessage) -> Result<(), Failure> {
        let MailMessage { to, subject, text, html } = message;
        Ok(mail::send(&mail::Message { to, subject, text, html })?)
    }
}
