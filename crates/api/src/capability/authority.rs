//! What the actor of a call may do.

use crate::{Context, Failure};

/// Deciding what the actor of a call may do.
pub trait Authority: Send + Sync {
    /// Refuses unless the actor may do the action, such as `clip:delete`, in the organization of the call; with a
    /// resource, such as `clip:7`, unless they may do it to that one.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] naming who, the action, and why not; [`Failure::Unavailable`] when the server is stopping.
    fn require(&self, context: &Context, action: &str, resource: Option<&str>) -> Result<(), Failure>;
}
