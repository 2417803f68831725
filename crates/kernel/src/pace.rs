//! How often somebody may do something: a plugin be called, a token call, an address ask.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, FakeRelativeClock},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::keyed::HashMapStateStore,
};
use switchboard_api::CallKind;
use switchboard_manifest::Limits;

/// The most in a second, and the most at once.
const MOST: u32 = 1_000_000;

/// After how many that were taken those are forgotten who have all of theirs again.
const SWEEP: u32 = 4096;

/// So many a second, and so many at once after a time of quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

impl Rate {
    /// A rate; none when either number is not within 1 and 1,000,000.
    ///
    /// ```
    /// use switchboard_kernel::Rate;
    /// assert!(Rate::new(100, 200).is_some_and(|rate| rate.window() == 2));
    /// assert!(Rate::new(0, 1).is_none() && Rate::new(1, 1_000_001).is_none());
    /// ```
    pub const fn new(per_second: u32, burst: u32) -> Option<Self> {
        match (NonZeroU32::new(per_second), NonZeroU32::new(burst)) {
            (Some(per_second), Some(burst)) if per_second.get() <= MOST && burst.get() <= MOST => {
                Some(Self { per_second, burst })
            }
            _ => None,
        }
    }

    /// So many a second, and twice as many at once; none when that is no rate.
    pub fn steady(per_second: u32) -> Option<Self> {
        Self::new(per_second, per_second.saturating_mul(2).min(MOST))
    }

    /// How many in a second.
    pub const fn per_second(self) -> u32 {
        self.per_second.get()
    }

    /// How many at once.
    pub const fn burst(self) -> u32 {
        self.burst.get()
    }

    /// In how many seconds all of the burst is there again, rounded up.
    pub const fn window(self) -> u32 {
        self.burst().div_ceil(self.per_second())
    }

    fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} a second", self.per_second)?;
        if self.burst > self.per_second { write!(f, ", and {} at once", self.burst) } else { Ok(()) }
    }
}

/// What somebody has left of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Of which rate.
    pub rate: Rate,
    /// How many there are now.
    pub left: u32,
    /// When it is worth to look again: until all are there, or until there is one where there is none.
    pub after: Duration,
}

/// By what rates are counted: the machine's time, or a time that a test sets.
#[derive(Debug, Clone)]
pub struct Ticks(Source);

#[derive(Debug, Clone)]
enum Source {
    Machine(Instant),
    ByHand(FakeRelativeClock),
}

impl Default for Ticks {
    fn default() -> Self {
        Self(Source::Machine(Instant::now()))
    }
}

impl Ticks {
    /// A time that stands still until somebody calls [`advance`](Self::advance) on it, or on a clone.
    pub fn by_hand() -> Self {
        Self(Source::ByHand(FakeRelativeClock::default()))
    }

    /// Lets time pass that stands still; that of the machine passes by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::ByHand(clock) = &self.0 {
            clock.advance(by);
        }
    }
}

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match &self.0 {
            Source::Machine(start) => {
                Nanos::new(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
            }
            Source::ByHand(clock) => clock.now(),
        }
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Ticks, StateInformationMiddleware>;

/// What each of many has left, at rates that may differ between them.
///
/// Who has all of theirs again is forgotten with the next few thousand that are taken, so that it does not grow with those
/// who ever came.
pub struct Pace<K: Hash + Eq + Clone> {
    ticks: Ticks,
    /// One for each rate: there are few.
    limiters: ArcSwap<HashMap<Rate, Arc<Limiter<K>>>>,
    taken: AtomicU32,
}

impl<K: Hash + Eq + Clone> Pace<K> {
    /// One in which everybody has all of theirs.
    pub fn new(ticks: Ticks) -> Self {
        Self { ticks, limiters: ArcSwap::default(), taken: AtomicU32::new(0) }
    }

    /// Takes one of what somebody has left, and says what is left then.
    ///
    /// # Errors
    /// That nothing is left, and how long it is until there is one.
    pub fn take(&self, whose: &K, rate: Rate) -> Result<Allowance, Allowance> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.sweep();
        }
        let limiters = self.limiters.load();
        let taken = match limiters.get(&rate) {
            Some(limiter) => limiter.check_key(whose),
            None => self.add(rate).check_key(whose),
        };
        match taken {
            Ok(state) => {
                let left = state.remaining_burst_capacity().min(rate.burst());
                let after = Duration::from_secs(1) * (rate.burst() - left) / rate.per_second();
                Ok(Allowance { rate, left, after })
            }
            Err(too_early) => {
                let after = too_early.wait_time_from(self.ticks.now());
                Err(Allowance { rate, left: 0, after })
            }
        }
    }

    /// How many are remembered.
    pub fn remembered(&self) -> usize {
        self.limiters.load().values().map(|limiter| limiter.len()).sum()
    }

    fn add(&self, rate: Rate) -> Arc<Limiter<K>> {
        let new: Arc<Limiter<K>> =
            Arc::new(RateLimiter::hashmap_with_clock(rate.quota(), self.ticks.clone()).with_middleware());
        // Two may add at once: what the first has put there stays.
        self.limiters.rcu(|limiters| {
            let mut limiters = HashMap::clone(limiters);
            limiters.entry(rate).or_insert_with(|| Arc::clone(&new));
            limiters
        });
        self.limiters.load().get(&rate).map_or(new, Arc::clone)
    }

    /// Forgets whoever has all of theirs again, and rates at which nobody is counted.
    fn sweep(&self) {
        for limiter in self.limiters.load().values() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        if self.limiters.load().values().any(|limiter| limiter.is_empty()) {
            self.limiters.rcu(|limiters| {
                let used = limiters.iter().filter(|(_, limiter)| !limiter.is_empty());
                used.map(|(rate, limiter)| (*rate, Arc::clone(limiter))).collect::<HashMap<_, _>>()
            });
        }
    }
}

/// What `limits.calls_per_second` leaves to each organization: that many calls at once after a quiet second, and then one
/// for each part of a second that passes.
pub(crate) fn declared(limits: &Limits) -> Option<Rate> {
    limits.calls_per_second.and_then(|most| Rate::new(most, most))
}

/// Whether somebody waits for the answer, who can be told to come again. Nobody does who could for an event or a task: one
/// that is refused would be an attempt that it never had. A plugin's life is not held up either.
pub(crate) fn is_paced(kind: CallKind) -> bool {
    match kind {
        CallKind::Request | CallKind::Service | CallKind::Filter | CallKind::Command => true,
        CallKind::Lifecycle | CallKind::Event | CallKind::Task => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Rate = Rate::new(4, 4).unwrap();

    #[test]
    fn each_has_their_own_and_gets_them_back_with_time() {
        let ticks = Ticks::by_hand();
        let pace = Pace::new(ticks.clone());
        for whose in ["one", "other", ""] {
            let left: Vec<u32> = (0..4).map(|_| pace.take(&whose, FOUR).unwrap().left).collect();
            assert_eq!(left, [3, 2, 1, 0]);
            let refused = pace.take(&whose, FOUR).unwrap_err();
            assert_eq!((refused.left, refused.after), (0, Duration::from_millis(250)));
        }
        ticks.advance(Duration::from_millis(250));
        assert_eq!(pace.take(&"one", FOUR).unwrap().after, Duration::from_secs(1));
        assert!(pace.take(&"one", FOUR).is_err(), "one came back, not four");
        assert!(pace.take(&"other", FOUR).is_ok(), "what one takes is nothing to the other");
        ticks.advance(Duration::from_secs(3600));
        let taken = (0..10).filter(|_| pace.take(&"one", FOUR).is_ok()).count();
        assert_eq!(taken, 4, "what was not taken is not saved up");
    }

    #[test]
    fn more_may_be_taken_at_once_than_in_a_second() {
        let ticks = Ticks::by_hand();
        let pace = Pace::new(ticks.clone());
        let rate = Rate::new(2, 5).unwrap();
        let takes = |most| (0..most).take_while(|_| pace.take(&(), rate).is_ok()).count();
        assert_eq!(takes(10), 5);
        ticks.advance(Duration::from_secs(1));
        assert_eq!(takes(10), 2);
        assert_eq!((rate.window(), rate.to_string().as_str()), (3, "2 a second, and 5 at once"));
    }

    #[test]
    fn a_rate_of_ones_own_is_counted_apart() {
        let pace = Pace::new(Ticks::by_hand());
        let own = Rate::new(1, 1).unwrap();
        assert!(pace.take(&"one", own).is_ok() && pace.take(&"one", own).is_err());
        assert!(pace.take(&"other", FOUR).is_ok(), "and binds nobody else");
    }

    #[test]
    fn who_has_all_of_theirs_again_is_forgotten() {
        let ticks = Ticks::by_hand();
        let pace = Pace::new(ticks.clone());
        let mut most = 0;
        for visitor in 0..10 * SWEEP {
            // A thousand new ones a second, none of whom comes again.
            ticks.advance(Duration::from_millis(1));
            pace.take(&visitor, FOUR).unwrap();
            most = most.max(pace.remembered());
        }
        assert!(most <= (SWEEP + 1000) as usize, "{most} were remembered");
        ticks.advance(Duration::from_secs(60));
        for _ in 0..SWEEP {
            let _ = pace.take(&u32::MAX, Rate::new(1, 1).unwrap());
        }
        assert_eq!(pace.remembered(), 1, "and so is a rate that nobody has any more");
    }

    #[test]
    fn a_plugin_that_declares_no_pace_has_none() {
        assert!(declared(&Limits::default()).is_none());
        let paced = Limits { calls_per_second: Some(7), ..Limits::default() };
        assert_eq!(declared(&paced), Rate::new(7, 7));
    }
}
