//! `secrets`: secret settings by name.

use crate::{bindings::imports::secrets, interrupted::Answer, state::State};

impl secrets::Host for State {
    fn get(&mut self, name: String) -> Answer<Option<String>> {
        let call = self.call()?;
        let secret = call.host.secrets(&call.context)?.get(&call.context, &name)?;
        Ok(secret.map(|secret| secret.expose().to_owned()))
    }
}
