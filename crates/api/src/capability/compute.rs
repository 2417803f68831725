//! `compute`: work that keeps a processor busy, done where it holds nobody up.

use crate::{BoxFuture, Context, Failure};

/// Work to be done elsewhere.
pub type Work = Box<dyn FnOnce() + Send>;

/// Work that keeps a processor busy for more than a millisecond.
pub trait Compute: Send + Sync {
    /// Does the work away from the threads that serve requests, and returns when it is done.
    ///
    /// When the caller stops waiting, the work is not torn down: it looks at
    /// [`Context::should_stop`] now and then.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the work panics; [`Failure::Unavailable`] when the server is stopping.
    fn run<'a>(&'a self, context: &'a Context, work: Work) -> BoxFuture<'a, Result<(), Failure>>;
}
