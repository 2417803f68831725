//! `random`: random bytes.

use crate::{bindings::imports::random, state::State};

/// More is not given at once.
const MOST: u32 = 64 << 10;

impl random::Host for State {
    fn get_bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![0; count.min(MOST) as usize];
        self.running()?.host.random.fill(&mut bytes);
        Ok(bytes)
    }
}
