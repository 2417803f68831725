//! `mail`: messages to people.

use switchboard_api::capability::MailMessage;

use crate::{bindings::imports::mail, interrupted::Answer, state::State};

impl mail::Host for State {
    async fn send(&mut self, message: mail::Message) -> Answer<()> {
        let mail::Message { to, subject, text, html } = message;
        let call = self.call()?;
        Ok(call
            .host
            .mail(&call.context)?
            .send(&call.context, MailMessage { to, subject, text, html })
            .await?)
    }
}
