//! Panics, which end the call: the host sees a trap, and the log what was said.

use super::bindings::switchboard::plugin::log::{Level, write};

/// Has a panic written to the log, with its place, before it ends the call.
pub(super) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| write(Level::Error, &panic.to_string())));
}
