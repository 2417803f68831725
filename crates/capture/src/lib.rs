//! A call of a plugin with everything that the host answered, so that an author can make the same call again, on another machine and with
//! another build of the plugin.
//!
//! A [`Recorder`] stands between a plugin and its host during one call and keeps what the host answers; what comes of it is a [`Captured`],
//! which is written as JSON. [`Captured::again`] calls a plugin as it was called, with a host that gives the same answers. A plugin is a
//! [`Plugin`](switchboard_api::Plugin) to it, native or sandboxed; it knows nothing of where calls come from or captures are kept.
//!
//! Read [`Captured`] first, then `tape`, through which every question to the host goes.

mod captured;
mod input;
mod tape;
mod taped;
mod wire;

pub use captured::{Again, Captured, Error};
pub use input::Input;
pub use tape::Recorder;
