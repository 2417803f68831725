//! How often, how long, how many.

use std::time::Duration;

/// How often, how long, how many.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many deliveries of one plugin's events run at the same time; at least 1.
    pub concurrent_deliveries: usize,
    /// How often an event is tried with a listener before it becomes a dead letter; at least 1.
    pub delivery_attempts: u32,
    /// How many tasks of one plugin run at the same time; at least 1.
    pub concurrent_tasks: usize,
    /// How long to wait after the first failure; it doubles with each one.
    pub first_wait: Duration,
    /// The longest wait between two attempts.
    pub longest_wait: Duration,
    /// How many may look on as events are said, for each organization, and for all of them at once.
    pub onlookers: usize,
    /// How long delivered events and ended tasks are kept.
    pub keep: Duration,
    /// How long the record of what was delivered may lag behind. What was delivered in that time before a crash is
    /// delivered again.
    pub lag: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrent_deliveries: 8,
            delivery_attempts: 10,
            concurrent_tasks: 2,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(300),
            onlookers: 20,
            keep: Duration::from_secs(7 * 24 * 3600),
            lag: Duration::from_millis(100),
        }
    }
}

impl Options {
    /// How long to wait after so many failures: doubled each time, and shortened by up to a fifth, so that what failed
    /// together is not tried together again.
    pub(crate) fn wait_after(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let wait = self.first_wait.saturating_mul(doubled).min(self.longest_wait);
        wait.mul_f64(1.0 - 0.2 * f64::from(rand::random::<u8>()) / 255.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let options = Options::default();
        for (failures, most) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (u32::MAX, 300)] {
            let wait = options.wait_after(failures).as_secs_f64();
            let most = f64::from(most);
            assert!(wait <= most && wait >= 0.79 * most, "{wait} s after {failures} failures");
        }
    }
}
