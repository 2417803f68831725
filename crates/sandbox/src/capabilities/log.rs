//! `log`: lines in the host's log.

use switchboard_api::capability::Level;

use crate::{bindings::imports::log, state::State};

/// A longer line is cut.
const LONGEST: usize = 16 << 10;

impl log::Host for State {
    fn write(&mut self, level: log::Level, mut message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        if message.len() > LONGEST {
            message.truncate(message.floor_char_boundary(LONGEST));
            message.push('…');
        }
        self.write_line(level, &message);
        Ok(())
    }
}
