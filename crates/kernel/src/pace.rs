//! How often a plugin is called.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use switchboard_api::{CallKind, OrganizationId};
use switchboard_manifest::Limits;

/// Organizations are few and stay, so that nothing of this is ever thrown away; none stands for global scope.
type Allowances<C> = RateLimiter<
    Option<OrganizationId>,
    HashMapStateStore<Option<OrganizationId>>,
    C,
    NoOpMiddleware<<C as Clock>::Instant>,
>;

/// What `limits.calls_per_second` leaves to each organization: that many calls at once after a quiet second, and then one
/// for each part of a second that passes.
pub(crate) struct Pace<C: Clock = MonotonicClock> {
    most: u32,
    allowances: Allowances<C>,
}

impl Pace {
    /// The pace that a plugin declares; none when it declares none.
    pub(crate) fn of(limits: &Limits) -> Option<Self> {
        Some(Self::new(NonZeroU32::new(limits.calls_per_second?)?, MonotonicClock))
    }
}

impl<C: Clock> Pace<C> {
    fn new(most: NonZeroU32, clock: C) -> Self {
        let allowances = RateLimiter::hashmap_with_clock(Quota::per_second(most), clock);
        Self { most: most.get(), allowances }
    }

    /// How many calls in a second.
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// Takes one call of what is left to an organization.
    ///
    /// # Errors
    /// How long it is until there is one.
    pub(crate) fn take(&self, organization: Option<OrganizationId>) -> Result<(), Duration> {
        let taken = self.allowances.check_key(&organization);
        taken.map_err(|too_early| too_early.wait_time_from(self.allowances.clock().now()))
    }
}

/// Whether somebody waits for the answer, who can be told to come again. Nobody does who could for an event or a task: one
/// that is refused would be an attempt that it never had. A plugin's life is not held up either.
pub(crate) fn is_paced(kind: CallKind) -> bool {
    match kind {
        CallKind::Request | CallKind::Service | CallKind::Filter => true,
        CallKind::Lifecycle | CallKind::Event | CallKind::Task => false,
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    const ONE: Option<OrganizationId> = Some(OrganizationId(1));
    const OTHER: Option<OrganizationId> = Some(OrganizationId(2));

    #[test]
    fn each_organization_has_its_own_calls_and_gets_them_back_with_time() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::new(NonZeroU32::new(4).unwrap(), clock.clone());
        for organization in [ONE, OTHER, None] {
            for _ in 0..4 {
                assert_eq!(pace.take(organization), Ok(()));
            }
            assert_eq!(pace.take(organization), Err(Duration::from_millis(250)));
        }
        clock.advance(Duration::from_millis(250));
        assert_eq!(pace.take(ONE), Ok(()));
        assert!(pace.take(ONE).is_err(), "one came back, not four");
        assert_eq!(pace.take(OTHER), Ok(()), "what one organization takes is nothing to the other");
        clock.advance(Duration::from_secs(3600));
        let taken = (0..10).filter(|_| pace.take(ONE).is_ok()).count();
        assert_eq!(taken, 4, "what was not taken is not saved up");
    }

    #[test]
    fn a_plugin_that_declares_no_pace_has_none() {
        assert!(Pace::of(&Limits::default()).is_none());
        let paced = Limits { calls_per_second: Some(7), ..Limits::default() };
        assert_eq!(Pace::of(&paced).map(|pace| pace.most()), Some(7));
    }
}
