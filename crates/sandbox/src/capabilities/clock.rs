//! `clock`: the time.

use crate::{bindings::imports::clock, conversion::moment_out, state::State};

impl clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<i64> {
        Ok(moment_out(self.running()?.host.clock.now()))
    }
}
