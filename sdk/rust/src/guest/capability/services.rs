//! Calling other plugins.

use switchboard_api::{Failure, Payload};

use super::super::{Calling, bindings::switchboard::plugin::services};

#[derive(Clone, Copy)]
pub(crate) struct Services;

impl Services {
    pub(crate) async fn call(self, _: &Calling, service: &str, payload: Payload) -> Result<Payload, Failure> {
        Ok(Payload::from_checked_text(services::call(service, payload.as_str())?))
    }
}
