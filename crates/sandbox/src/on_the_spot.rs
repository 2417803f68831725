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
use tokio::runtime::Handle;

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
pub(crate) enum OnTheSpot<T> {
    Here { work: Seen<'static, T>, slowness: Arc<Slowness>, elsewhere: Handle },
    Elsewhere(Task<T>),
    Over,
}

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

impl<T: Send + 'static> OnTheSpot<T> {
    pub(crate) fn new(shared: &Arc<Shared>, slowness: Arc<Slowness>, work: BoxFuture<'static, T>) -> Self {
        let work = Seen::new(shared, work);
        let elsewhere = shared.guests.handle().clone();
        if slowness.take() {
            Self::Elsewhere(Task::spawn_on(&elsewhere, work))
        } else {
            Self::Here { work, slowness, elsewhere }
        }
    }
}

impl<T: Send + Unpin + 'static> Future for OnTheSpot<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, polling: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Self::Here { work, .. } = this {
            // A guest may call another plugin, whose guest then runs within this poll.
            let outer = TOOK_LONG.replace(false);
            let polled = Pin::new(work).poll(polling);
            let took_long = TOOK_LONG.replace(outer);
            if let Poll::Ready(value) = polled {
                *this = Self::Over;
                return Poll::Ready(Ok(value));
            }
            if !took_long {
                return Poll::Pending;
            }
            if let Self::Here { work, slowness, elsewhere } = std::mem::replace(this, Self::Over) {
                slowness.note();
                *this = Self::Elsewhere(Task::spawn_on(&elsewhere, work));
            }
        }
        match this {
            Self::Elsewhere(task) => Pin::new(task).poll(polling),
            Self::Here { .. } | Self::Over => Poll::Pending,
        }
    }
}
