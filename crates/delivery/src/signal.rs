//! Waking somebody who sleeps.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

/// Wakes a worker, and lets others wait until it has nothing left to do.
pub(crate) struct Signal {
    awake: AtomicBool,
    notify: Notify,
    /// How often somebody asked to be told when nothing is left to do.
    asked: AtomicU64,
    /// Up to which of those the worker has answered.
    answered: watch::Sender<u64>,
    /// How much was begun: whoever finds it unchanged knows that nothing happened meanwhile.
    begun: AtomicU64,
}

impl Signal {
    pub(crate) fn new() -> Self {
        Self {
            // What is there from before is looked at first.
            awake: AtomicBool::new(true),
            notify: Notify::new(),
            asked: AtomicU64::new(0),
            answered: watch::Sender::new(0),
            begun: AtomicU64::new(0),
        }
    }

    /// There is something to do.
    pub(crate) fn wake(&self) {
        if !self.awake.swap(true, Ordering::AcqRel) {
            self.notify.notify_one();
        }
    }

    /// Whether somebody woke it since the last time.
    pub(crate) fn take(&self) -> bool {
        self.awake.swap(false, Ordering::AcqRel)
    }

    /// Waits until somebody wakes it.
    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }

    /// The last question that was asked.
    pub(crate) fn question(&self) -> u64 {
        self.asked.load(Ordering::Acquire)
    }

    /// Whether somebody waits for an answer.
    pub(crate) fn is_asked(&self) -> bool {
        *self.answered.borrow() < self.question()
    }

    /// Nothing is left to do, and nothing was when the question was asked.
    pub(crate) fn answer(&self, question: u64) {
        self.answered.send_if_modified(|answered| {
            let is_later = *answered < question;
            *answered = question.max(*answered);
            is_later
        });
    }

    /// The worker has ended: whoever waits, waits no longer.
    pub(crate) fn close(&self) {
        self.answer(u64::MAX);
    }

    /// Something was begun.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Waits until nothing is left to do.
    pub(crate) async fn nothing_left(&self) {
        let question = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut answered = self.answered.subscribe();
        self.wake();
        // The sender lives as long as self.
        let _ = answered.wait_for(|answered| *answered >= question).await;
    }
}
