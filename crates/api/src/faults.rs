//! Capabilities that fail because a test says so.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use switchboard_manifest::Capability;

use crate::Failure;

/// Which capabilities fail, and how. A test switches them; on a server there is none of it.
///
/// ```
/// use switchboard_api::{Failure, Faults};
/// use switchboard_manifest::Capability;
/// let faults = Faults::default();
/// faults.set(Capability::Http, Some(Failure::unavailable("the other server does not answer")));
/// faults.set(Capability::Http, None);
/// ```
#[derive(Debug, Default)]
pub struct Faults(RwLock<BTreeMap<Capability, Failure>>);

impl Faults {
    /// From now on whatever a plugin does by the capability fails with this; with `None`, nothing does.
    pub fn set(&self, capability: Capability, failure: Option<Failure>) {
        let mut failures = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match failure {
            Some(failure) => failures.insert(capability, failure),
            None => failures.remove(&capability),
        };
    }

    pub(crate) fn of(&self, capability: Capability) -> Option<Failure> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&capability).cloned()
    }
}
