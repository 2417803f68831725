//! Attempts that are over.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use super::attempt::LIFE;

/// With this many, those that would have run out are thrown away.
const MANY: usize = 10_000;

/// The `state` of each attempt that is over and whose cookie somebody could still have.
#[derive(Debug, Default)]
pub(super) struct UsedStates(Mutex<HashMap<String, Timestamp>>);

impl UsedStates {
    /// Notes that this one is over; whether it was not over before.
    pub(super) fn take(&self, state: &str, now: Timestamp) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MANY {
            used.retain(|_, over| now.duration_since(*over) <= LIFE);
        }
        used.insert(state.to_owned(), now).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_old_ones_do_not_pile_up() {
        let used = UsedStates::default();
        let begin = Timestamp::constant(1_767_323_045, 0);
        for number in 0..MANY {
            assert!(used.take(&number.to_string(), begin));
        }
        assert!(!used.take("7", begin));
        let later = begin + LIFE + jiff::SignedDuration::from_secs(1);
        assert!(used.take("new", later));
        assert_eq!(used.0.lock().unwrap().len(), 1);
    }
}
