//! Moments, as the tables keep them.

use std::time::Duration;

use switchboard_api::Timestamp;

/// As text whose order is that in time: always six digits of a second.
pub(crate) fn text(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// That much later; the last moment there is where it would be beyond.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// That much earlier; the first moment there is where it would be before.
pub(crate) fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// From one moment to another; nothing when that one is past.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn the_order_of_texts_is_that_of_moments() {
        let moments = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.55Z"];
        let texts = moments.map(|moment| text(moment.parse().unwrap()));
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(texts[0], "2026-01-02T03:04:05.000000Z");
    }
}
