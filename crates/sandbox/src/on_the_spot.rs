//! A guest's work on the thread that asks for it, for as long as it is short.
//!
//! Handing work to another thread costs more than most calls take. So a call begins where it is asked for. One that is still running
//! after an epoch or two goes on elsewhere, and so do the next ones of that plugin from their beginning.

use std::{
    cell::Cell,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use switchboard_api::{BoxFuture, Failure};

use crate::{sandbox::Shared, task::Task};

/// After a call that took long, so many begin elsewhere.
const ELSEWHERE: u32 = 16;

thread_local! {
    /// Whether a guest that this thread runs has taken more than its share.
    static TOOK_LONG: Cell<bool> = const { Cell::new(false) };
}

/// Says that the guest which this thread runs has taken more than its share.
pub(crate) fn takes_long() {
    TOOK_LONG.set(true);
}

/// How many of a plugin's next calls begin elsewhere.
#[derive(Default)]
pub(crate) struct Slowness(AtomicU32);

impl Slowness {
    fn note(&self) {
        self.0.store(ELSEWHERE, Ordering::Relaxed);
    }

    /// Whether this call begins elsewhere.
    fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
            && self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// A guest's work: here while it is short, elsewhere when it is not. Dropping it ends it.
pub(crate) enum OnTheSpot<'a, T> {
    Here { work: Work<T>, shared: &'a Arc<Shared>, slowness: &'a Slowness },
    Elsewhere(Task<Result<T, Failure>>),
    Over,
}

type Work<T> = BoxFuture<'static, Result<T, Failure>>;

/// Work that is said to the ticker each time that it goes on.
pub(crate) struct Seen<'a, T> {
    work: BoxFuture<'a, T>,
    shared: Arc<Shared>,
}

impl<'a, T> Seen<'a, T> {
    pub(crate) fn new(shared: &Arc<Shared>, work: BoxFuture<'a, T>) -> Self {
        Self { work, shared: Arc::clone(shared) }
    }
}

impl<T> Future for Seen<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, polling: &mut Context<'_>) -> Poll<T> {
        self.shared.ticker.see();
        self.work.as_mut().poll(polling)
    }
}

impl<'a, T: Send + 'static> OnTheSpot<'a, T> {
    pub(crate) fn new(shared: &'a Arc<Shared>, slowness: &'a Slowness, work: Work<T>) -> Self {
        if slowness.take() { Self::elsewhere(shared, work) } else { Self::Here { work, shared, slowness } }
    }

    fn elsewhere(shared: &Arc<Shared>, work: Work<T>) -> Self {
        Self::Elsewhere(Task::spawn_on(shared.guests.handle(), Seen::new(shared, work)))
    }
}

impl<T: Send + 'static> Future for OnTheSpot<'_, T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, polling: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Self::Here { work, shared, .. } = this {
            shared.ticker.see();
            // A guest may call another plugin, whose guest then runs within this poll.
            let outer = TOOK_LONG.replace(false);
            let polled = work.as_mut().poll(polling);
            let took_long = TOOK_LONG.replace(outer);
            if polled.is_ready() {
                *this = Self::Over;
                return polled;
            }
            if !took_long {
                return Poll::Pending;
            }
            if let Self::Here { work, shared, slowness } = std::mem::replace(this, Self::Over) {
                slowness.note();
                *this = Self::elsewhere(shared, work);
            }
        }
        match this {
            Self::Elsewhere(task) => Pin::new(task).poll(polling).map(Result::flatten),
            Self::Here { .. } | Self::Over => Poll::Pending,
        }
    }
}
