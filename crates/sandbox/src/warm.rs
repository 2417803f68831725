//! Instances that wait for the next call.
//!
//! An instance has only ever served one organization: what is left in its memory is nobody else's.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use switchboard_api::OrganizationId;

/// No more of a plugin wait for one organization.
const MOST_FOR_ONE: usize = 8;

/// One that was not used for this long goes.
const LONGEST: Duration = Duration::from_secs(30);

/// Instances of one plugin that wait, by the organization that they serve.
pub(crate) struct Warm<T>(Mutex<HashMap<Option<OrganizationId>, Vec<Waiting<T>>>>);

struct Waiting<T> {
    instance: T,
    since: Instant,
}

/// How many wait, of all plugins together.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl<T> Default for Warm<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Warm<T> {
    /// The one used last, if one waits for the organization.
    pub(crate) fn take(&self, organization: Option<OrganizationId>, count: &Count) -> Option<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.get_mut(&organization)?.pop()?;
        drop(all);
        count.0.fetch_sub(1, Ordering::Relaxed);
        Some(waiting.instance)
    }

    /// Has it wait, unless enough do: then it goes.
    pub(crate) fn give(&self, organization: Option<OrganizationId>, instance: T, count: &Count, most: usize) {
        if count.0.load(Ordering::Relaxed) >= most {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.entry(organization).or_default();
        if waiting.len() < MOST_FOR_ONE {
            waiting.push(Waiting { instance, since: Instant::now() });
            count.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets those go that were not used for long; all of them when there is no room for others.
    pub(crate) fn sweep(&self, count: &Count, all_of_them: bool) {
        let mut gone = Vec::new();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| {
            gone.extend(waiting.extract_if(.., |one| all_of_them || one.since.elapsed() > LONGEST));
            !waiting.is_empty()
        });
        drop(all);
        count.0.fetch_sub(gone.len(), Ordering::Relaxed);
    }
}
