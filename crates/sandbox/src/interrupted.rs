//! How a host function ends when it does not end well.

use switchboard_api::Failure;

use crate::{bindings::imports::types, conversion::failure_out, state::State};

/// A host function's failure: an ordinary answer to the plugin, or the end of its call.
#[derive(Debug)]
pub(crate) enum Interrupted {
    /// The plugin is told.
    Refused(Failure),
    /// The call ends: the plugin named a resource that is none.
    Ended(wasmtime::Error),
}

/// What a host function gives.
pub(crate) type Answer<T> = Result<T, Interrupted>;

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<wasmtime::component::ResourceTableError> for Interrupted {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Ended(error.into())
    }
}

impl types::Host for State {
    fn convert_failure(&mut self, interrupted: Interrupted) -> wasmtime::Result<types::Failure> {
        match interrupted {
            Interrupted::Refused(failure) => Ok(failure_out(failure)),
            Interrupted::Ended(error) => Err(error),
        }
    }
}
