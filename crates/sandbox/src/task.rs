//! Work of a plugin's call that goes on beside it.

use std::{
    panic::resume_unwind,
    pin::Pin,
    task::{Context, Poll},
};

use switchboard_api::Failure;
use tokio::{runtime::Handle, task::JoinHandle};

/// Work that goes on beside a call, and ends with it.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Begins it on the runtime that polls this.
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Begins it on a runtime.
    pub(crate) fn spawn_on(runtime: &Handle, work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(runtime.spawn(work))
    }

    /// Begins work that blocks; it is not torn down before its end.
    pub(crate) fn blocking(work: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(tokio::task::spawn_blocking(work))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, polling: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(polling).map(|ended| match ended {
            Ok(value) => Ok(value),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => Err(Failure::unavailable("the server is stopping")),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
