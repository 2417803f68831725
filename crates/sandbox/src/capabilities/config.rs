//! `config`: the configuration for the organization of the call.

use crate::{bindings::imports::config, conversion::payload_out, interrupted::Answer, state::State};

impl config::Host for State {
    fn read(&mut self) -> Answer<String> {
        let call = self.call()?;
        Ok(payload_out(&call.host.config.read(&call.context)?))
    }
}
