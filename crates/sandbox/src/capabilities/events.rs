//! `events`: saying what happened.

use crate::{
    bindings::imports::{events, types},
    conversion::event_in,
    interrupted::Answer,
    state::State,
};

impl events::Host for State {
    async fn emit(&mut self, event: types::NewEvent) -> Answer<()> {
        let event = event_in(event)?;
        let call = self.call()?;
        Ok(call.host.events(&call.context)?.emit(&call.context, event).await?)
    }
}
