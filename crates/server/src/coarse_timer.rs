//! A timer for what is measured in tens of seconds: it costs a request nothing but a look at the clock.
//!
//! The runtime's own would be set and unset for every request on every connection. This one wakes nobody: whoever drives a
//! connection looks in every now and then, and then what is overdue is found to be.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoarseTimer;

impl CoarseTimer {
    /// How often to look in where something may last for this long.
    pub(crate) fn rounds(limit: Duration) -> Duration {
        (limit / 6).clamp(Duration::from_millis(10), Duration::from_secs(5))
    }
}

impl Timer for CoarseTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until(deadline))
    }
}

struct Until(Instant);

impl Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 <= Instant::now() { Poll::Ready(()) } else { Poll::Pending }
    }
}
