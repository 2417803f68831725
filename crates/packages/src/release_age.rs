//! How long a release has been out: a fresh one may be of somebody who stole a key, and nobody has noticed yet.

use jiff::{SignedDuration, Timestamp};

/// The rule: a release must be at least this old before it is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseAge(SignedDuration);

/// What the rule says of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It may be installed.
    OldEnough,
    /// It may be from then on.
    TooFresh {
        /// When it is old enough.
        until: Timestamp,
    },
    /// Nobody says when it was released.
    Unknown,
}

impl ReleaseAge {
    /// A rule of so many days; 0 lets everything pass.
    pub fn days(days: u16) -> Self {
        Self(SignedDuration::from_hours(i64::from(days) * 24))
    }

    /// Holds a release against the rule. One that says it is from the future is too fresh.
    pub fn of(self, released: Option<Timestamp>, now: Timestamp) -> Freshness {
        if self.0.is_zero() {
            return Freshness::OldEnough;
        }
        let Some(released) = released else { return Freshness::Unknown };
        let until = released.saturating_add(self.0).unwrap_or(Timestamp::MAX);
        if until <= now { Freshness::OldEnough } else { Freshness::TooFresh { until } }
    }
}

#[cfg(test)]
mod tests {
    use super::{Freshness, ReleaseAge};
    use jiff::Timestamp;

    #[test]
    fn a_release_is_old_enough_after_so_many_days() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (released, rule) = (at("2026-03-01T12:00:00Z"), ReleaseAge::days(3));
        let until = at("2026-03-04T12:00:00Z");
        assert_eq!(rule.of(Some(released), at("2026-03-04T11:59:59Z")), Freshness::TooFresh { until });
        assert_eq!(rule.of(Some(released), until), Freshness::OldEnough);
        assert_eq!(rule.of(None, until), Freshness::Unknown);
        assert!(matches!(rule.of(Some(Timestamp::MAX), until), Freshness::TooFresh { .. }));
        assert_eq!(ReleaseAge::days(0).of(None, until), Freshness::OldEnough);
    }
}
