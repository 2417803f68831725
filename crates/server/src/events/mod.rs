//! Events over HTTP, for administrators of the installation and of organizations alike: what was said, what was given up, and who
//! hears nothing for now.

mod cloud_event;
mod dead_letters;
mod listed;
mod listeners;
mod stream;

pub(crate) use dead_letters::{DeadLetters, Decided, LettersListing, Which, dead_letters, decide};
pub(crate) use listed::{EventInFull, Events, InForm, Listing, Wanted, event, events};
pub(crate) use listeners::{Listener, listeners, pause};
pub(crate) use stream::{Stream, stream};

/// A delivery of nothing, for a plugin that is only looked at.
#[cfg(test)]
pub(crate) fn nowhere() -> std::sync::Arc<switchboard_delivery::Delivery> {
    let folder = tempfile::tempdir().unwrap();
    let store = switchboard_store::Store::open_sqlite(folder.path(), Default::default()).unwrap();
    let clock = std::sync::Arc::new(switchboard_capabilities::SystemClock);
    switchboard_delivery::Delivery::new(store, clock, Default::default())
}
