//! What ends a guest that does not end by itself: the engine's epochs, counted by a thread of their own.
//!
//! A thread, not a task: tasks stand still while guests keep every worker busy.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::Engine;

/// How long an epoch is.
const EPOCH: Duration = Duration::from_millis(1);

/// After so many epochs in which no guest was seen, the thread rests.
const EPOCHS_UNTIL_REST: u32 = 100;

/// Counts epochs while guests run, and rests while none does.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    /// A guest was seen since this was looked at last.
    busy: AtomicBool,
    resting: AtomicBool,
    over: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, its) = (engine.clone(), Arc::clone(&shared));
        let thread =
            thread::Builder::new().name("guest-ticker".to_owned()).spawn(move || its.tick(&engine))?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Says that a guest runs: asked each time that one is about to go on.
    pub(crate) fn see(&self) {
        // Either this sees that the thread rests, or the thread sees that a guest runs: both are in one order for all.
        if !self.shared.busy.load(Ordering::SeqCst) {
            self.shared.busy.store(true, Ordering::SeqCst);
        }
        if self.shared.resting.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

impl Shared {
    fn tick(&self, engine: &Engine) {
        let mut idle = 0;
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(EPOCH);
            engine.increment_epoch();
            idle = if self.busy.swap(false, Ordering::SeqCst) { 0 } else { idle + 1 };
            if idle < EPOCHS_UNTIL_REST {
                continue;
            }
            self.resting.store(true, Ordering::SeqCst);
            while !self.busy.load(Ordering::SeqCst) && !self.over.load(Ordering::Relaxed) {
                thread::park();
            }
            self.resting.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}
