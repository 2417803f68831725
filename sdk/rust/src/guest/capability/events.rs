//! Saying what happened.

use switchboard_api::{Failure, NewEvent};

use super::super::{
    Calling,
    bindings::switchboard::plugin::{events, types},
};

#[derive(Clone, Copy)]
pub(crate) struct Events;

impl Events {
    pub(crate) async fn emit(self, _: &Calling, event: NewEvent) -> Result<(), Failure> {
        Ok(events::emit(&given(event))?)
    }
}

pub(super) fn given(event: NewEvent) -> types::NewEvent {
    let NewEvent { name, subject, data } = event;
    types::NewEvent { name, subject, data: data.into_text().into() }
}
