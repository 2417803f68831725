//! The list of first-party plugins, and nothing else: it never knows what any of them does.
//!
//! A new one is its folder, a dependency of this crate and its name in [`all`].

use std::sync::Arc;

use switchboard_api::Plugin;
use switchboard_manifest::Faults;

/// Every plugin that is part of the server.
///
/// # Errors
/// The faults of the first manifest that has any.
pub fn all() -> Result<Vec<Arc<dyn Plugin>>, Faults> {
    [clips::plugin(), highlight_detector::plugin()].into_iter().map(|definition| definition.build()).collect()
}
