//! Setting a plugin aside that keeps failing.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use governor::clock::Clock;
use switchboard_api::{CallKind, Failure, OrganizationId};
use switchboard_manifest::PluginId;

use crate::{
    invocation::Outcome,
    pace::{Ticks, is_paced},
};

/// So many calls in a row that fail by the plugin's fault are too many.
const TOO_MANY: u32 = 20;

/// For how long it is set aside the first time; twice as long each further time.
const FIRST: Duration = Duration::from_secs(5);

/// It is never set aside for longer.
const LONGEST: Duration = Duration::from_secs(300);

/// Sets a plugin aside for an organization in which it keeps failing, and has one call try again now and then.
///
/// Only calls that somebody waits for take part: events and tasks are tried again by rules of their own.
pub(crate) struct Breaker {
    /// For how many there is a [`Trouble`], so that where there is none nobody locks.
    troubled: AtomicUsize,
    troubles: Mutex<HashMap<Option<OrganizationId>, Trouble>>,
    ticks: Ticks,
}

#[derive(Default)]
struct Trouble {
    failed_in_a_row: u32,
    /// How often it was set aside without a success between.
    times: u32,
    /// Until when it is set aside, by the ticks.
    until: Option<Duration>,
    /// A call is under way that tries again.
    is_tried: bool,
    /// What the last one failed with.
    reason: String,
}

/// That a plugin is set aside, for an organization or in global scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// For which organization.
    pub organization: Option<OrganizationId>,
    /// How many calls failed in a row.
    pub failures: u32,
    /// When it is tried again; zero when it is being tried.
    pub again_in: Duration,
    /// What the last one failed with: for operators and authors.
    pub reason: String,
}

impl Breaker {
    pub(crate) fn new(ticks: Ticks) -> Self {
        Self { troubled: AtomicUsize::new(0), troubles: Mutex::default(), ticks }
    }

    /// Refuses a call while the plugin is set aside. Once its time is over, one call is let through, by which it is tried.
    pub(crate) fn permit(
        &self,
        plugin: &PluginId,
        kind: CallKind,
        organization: Option<OrganizationId>,
    ) -> Result<(), Failure> {
        if self.troubled.load(Ordering::Acquire) == 0 || !is_paced(kind) {
            return Ok(());
        }
        let now = self.now();
        let mut troubles = self.troubles();
        let Some(trouble) = troubles.get_mut(&organization) else { return Ok(()) };
        let Some(until) = trouble.until else { return Ok(()) };
        if until <= now && !trouble.is_tried {
            trouble.is_tried = true;
            return Ok(());
        }
        let after = until.saturating_sub(now).max(Duration::from_secs(1));
        let message = format!(
            "plugin `{plugin}` is set aside, because its last {} calls failed: it is tried again in {} s",
            trouble.failed_in_a_row,
            after.as_secs_f64().ceil()
        );
        Err(Failure::Unavailable { message, after: Some(after) })
    }

    /// Notes how a call ended.
    pub(crate) fn note(&self, kind: CallKind, organization: Option<OrganizationId>, outcome: &Outcome<'_>) {
        let fault = outcome.plugins_fault();
        if !is_paced(kind) || (fault.is_none() && self.troubled.load(Ordering::Acquire) == 0) {
            return;
        }
        let now = self.now();
        let mut troubles = self.troubles();
        match (fault, outcome) {
            (Some(failure), _) => {
                let trouble = troubles.entry(organization).or_default();
                trouble.failed_in_a_row = trouble.failed_in_a_row.saturating_add(1);
                trouble.reason = failure.to_string();
                let is_tried = std::mem::take(&mut trouble.is_tried);
                // Others that began before it was set aside may end after it was.
                if is_tried || (trouble.until.is_none() && trouble.failed_in_a_row >= TOO_MANY) {
                    let longer = 1_u32.checked_shl(trouble.times).unwrap_or(u32::MAX);
                    trouble.until = Some(now + FIRST.saturating_mul(longer).min(LONGEST));
                    trouble.times = trouble.times.saturating_add(1);
                }
            }
            // It was not found out whether it works.
            (None, Outcome::Stopped | Outcome::Abandoned) => {
                if let Some(trouble) = troubles.get_mut(&organization) {
                    trouble.is_tried = false;
                }
            }
            (None, Outcome::Done | Outcome::Failed(_)) => drop(troubles.remove(&organization)),
        }
        self.troubled.store(troubles.len(), Ordering::Release);
    }

    /// For whom the plugin is set aside.
    pub(crate) fn set_aside(&self) -> Vec<SetAside> {
        if self.troubled.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let now = self.now();
        let aside = |(organization, trouble): (&Option<OrganizationId>, &Trouble)| {
            let again_in = trouble.until?.saturating_sub(now);
            let (failures, reason) = (trouble.failed_in_a_row, trouble.reason.clone());
            Some(SetAside { organization: *organization, failures, again_in, reason })
        };
        let mut all: Vec<SetAside> = self.troubles().iter().filter_map(aside).collect();
        all.sort_by_key(|aside| aside.organization);
        all
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.ticks.now().as_u64())
    }

    fn troubles(&self) -> MutexGuard<'_, HashMap<Option<OrganizationId>, Trouble>> {
        // Nothing panics while it is held.
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Option<OrganizationId> = Some(OrganizationId(1));
    const OTHER: Option<OrganizationId> = Some(OrganizationId(2));

    struct Plugin(Breaker, Ticks, PluginId);

    impl Plugin {
        fn new() -> Self {
            let ticks = Ticks::by_hand();
            Self(Breaker::new(ticks.clone()), ticks, "flaky".parse().unwrap())
        }

        /// Calls it so often, and gives how many of the calls were let through.
        fn call(&self, times: u32, whom: Option<OrganizationId>, outcome: &Outcome<'_>) -> usize {
            let kind = CallKind::Request;
            let let_through = |_: &u32| {
                let permitted = self.0.permit(&self.2, kind, whom).is_ok();
                if permitted {
                    self.0.note(kind, whom, outcome);
                }
                permitted
            };
            (0..times).filter(let_through).count()
        }
    }

    #[test]
    fn one_that_keeps_failing_is_set_aside_where_it_fails_and_tried_again_later() {
        let (plugin, broken) = (Plugin::new(), Failure::broken("it trapped"));
        let broken = Outcome::Failed(&broken);
        assert_eq!(plugin.call(100, ONE, &broken), TOO_MANY as usize);
        assert_eq!(plugin.call(5, OTHER, &Outcome::Done), 5, "others are called on");
        let [aside] = &plugin.0.set_aside()[..] else { panic!("set aside once") };
        assert_eq!((aside.organization, aside.again_in, &*aside.reason), (ONE, FIRST, "it trapped"));
        plugin.1.advance(FIRST);
        assert_eq!(plugin.call(5, ONE, &broken), 1, "one tries");
        plugin.1.advance(FIRST);
        assert_eq!(plugin.call(5, ONE, &broken), 0, "it waits for twice as long");
        plugin.1.advance(FIRST);
        assert_eq!(plugin.call(5, ONE, &Outcome::Done), 5, "one that succeeds ends it");
        assert_eq!(plugin.0.set_aside(), []);
    }

    #[test]
    fn it_is_tried_by_one_call_at_a_time_and_by_the_next_when_that_comes_to_nothing() {
        let (plugin, broken) = (Plugin::new(), Failure::timed_out("it looped"));
        plugin.call(TOO_MANY, ONE, &Outcome::Failed(&broken));
        plugin.1.advance(FIRST);
        let permitted = || plugin.0.permit(&plugin.2, CallKind::Request, ONE).is_ok();
        assert!(permitted() && !permitted());
        plugin.0.note(CallKind::Request, ONE, &Outcome::Abandoned);
        assert!(permitted(), "its caller went away: another tries");
    }

    #[test]
    fn answers_that_are_no_fault_of_the_plugin_count_as_working() {
        let (plugin, broken) = (Plugin::new(), Failure::broken("it trapped"));
        let not_found = Failure::not_found("no such clip");
        for _ in 0..5 {
            plugin.call(TOO_MANY - 1, ONE, &Outcome::Failed(&broken));
            assert_eq!(plugin.call(1, ONE, &Outcome::Failed(&not_found)), 1);
        }
        assert_eq!(plugin.0.set_aside(), []);
    }

    #[test]
    fn it_never_waits_for_longer_than_five_minutes() {
        let (plugin, broken) = (Plugin::new(), Failure::broken("it trapped"));
        plugin.call(TOO_MANY, ONE, &Outcome::Failed(&broken));
        for _ in 0..100 {
            plugin.1.advance(LONGEST);
            assert_eq!(plugin.call(2, ONE, &Outcome::Failed(&broken)), 1);
        }
        assert!(plugin.0.set_aside().iter().all(|aside| aside.again_in == LONGEST));
    }
}
