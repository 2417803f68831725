//! `compute`: work that keeps a processor busy, on threads of its own.

use std::{num::NonZeroUsize, sync::Arc, thread};

use switchboard_api::{
    BoxFuture, Context, Failure,
    capability::{Compute, Work},
};
use tokio::sync::Semaphore;

/// Threads apart from those that serve, as many at once as the machine has processors less one.
pub(crate) struct Threads {
    places: Arc<Semaphore>,
}

impl Threads {
    pub(crate) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { places: Arc::new(Semaphore::new(processors.saturating_sub(1).max(1))) }
    }

    /// Begins nothing any more; who waits for a place is told so.
    pub(crate) fn stop(&self) {
        self.places.close();
    }
}

impl Compute for Threads {
    fn run<'a>(&'a self, context: &'a Context, work: Work) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let stopping = || Failure::unavailable("the server is stopping and begins no new work");
            // Waiting for a free processor is nobody's fault.
            let waiting = context.deadline.stand_still();
            let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| stopping())?;
            drop(waiting);
            let done = tokio::task::spawn_blocking(move || {
                work();
                drop(place);
            });
            done.await.map_err(|error| match error.try_into_panic() {
                Ok(panic) => {
                    let text = panic.downcast_ref::<&str>().copied();
                    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
                    Failure::broken(format!(
                        "work of plugin `{}` panicked: {}",
                        context.plugin,
                        text.unwrap_or("no message")
                    ))
                }
                Err(_) => stopping(),
            })
        })
    }
}
