//! How a handler reaches the host: natively by what the kernel hands in, in a component by its imports.

#[cfg(target_family = "wasm")]
pub(crate) use crate::guest::{Calling, Host};

/// The capabilities that the plugin was granted.
#[cfg(not(target_family = "wasm"))]
pub(crate) type Host = std::sync::Arc<switchboard_api::Host>;

/// For whom the call is.
#[cfg(not(target_family = "wasm"))]
pub(crate) type Calling = switchboard_api::Context;
