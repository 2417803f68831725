//! `services`: calling plugins that the manifest requires.

use crate::{
    bindings::imports::services,
    conversion::{payload_in, payload_out},
    interrupted::Answer,
    state::State,
};

impl services::Host for State {
    async fn call(&mut self, service: String, payload: String) -> Answer<String> {
        let payload = payload_in(payload)?;
        let call = State::call(self)?;
        Ok(payload_out(&call.host.services(&call.context)?.call(&call.context, &service, payload).await?))
    }
}
