//! Instances that wait for the next call.
//!
//! An instance has only ever served one organization: what is left in its memory is nobody else's.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use switchboard_api::OrganizationId;

/// No more of a plugin wait for one organization.
const MOST_FOR_ONE: usize = 8;

/// One that was not used for so many times that this is looked at goes.
const MOST_SWEEPS: u32 = 6;

/// Instances of one plugin that wait, by the organization that they serve.
pub(crate) struct Warm<T>(Mutex<HashMap<Option<OrganizationId>, Vec<Waiting<T>>>>);

struct Waiting<T> {
    instance: T,
    /// The thread that used it last, whose processor has its memory at hand.
    thread: usize,
    /// How often it was found waiting.
    sweeps: u32,
}

/// The number of this thread.
fn this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
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
    /// One that waits for the organization, if any does: the one that this thread used last, or else that anybody did.
    pub(crate) fn take(&self, organization: Option<OrganizationId>, count: &Count) -> Option<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let those = all.get_mut(&organization)?;
        let (thread, last) = (this_thread(), those.len().checked_sub(1)?);
        let waiting = those.remove(those.iter().rposition(|one| one.thread == thread).unwrap_or(last));
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
            waiting.push(Waiting { instance, thread: this_thread(), sweeps: 0 });
            count.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets those go that were not used for long; all of them when there is no room for others.
    pub(crate) fn sweep(&self, count: &Count, all_of_them: bool) {
        let mut gone = Vec::new();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| {
            gone.extend(waiting.extract_if(.., |one| {
                one.sweeps += 1;
                all_of_them || one.sweeps > MOST_SWEEPS
            }));
            !waiting.is_empty()
        });
        drop(all);
        count.0.fetch_sub(gone.len(), Ordering::Relaxed);
    }
}
