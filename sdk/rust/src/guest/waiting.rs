//! Waiting for a handler.

use std::{
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use switchboard_api::Failure;

/// What the future gives. Every import is answered before it returns, so that a future is ready at once, or as soon as it has had
/// itself woken.
///
/// # Errors
/// [`Failure::Broken`] when it waits for something that nothing in a component ever brings.
pub(super) fn outcome<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    static WOKEN: OnceLock<(Arc<Woken>, Waker)> = OnceLock::new();
    let (woken, waker) = WOKEN.get_or_init(|| {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        (Arc::clone(&woken), Waker::from(woken))
    });
    let mut future = pin!(future);
    loop {
        woken.0.store(false, Ordering::Relaxed);
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            return result;
        }
        if !woken.0.load(Ordering::Relaxed) {
            return Err(Failure::broken(
                "a handler waits for what does not come from the host: in a component, `await` only what `Context` gives",
            ));
        }
    }
}

/// Whether the future has had itself woken while it was polled.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
