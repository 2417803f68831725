//! A value that the plugin shares between its handlers.

use std::{any::Any, ops::Deref, sync::Arc};

use switchboard_api::{Failure, Operation, Request};

use super::FromRequest;
use crate::Context;

/// A value that [`Definition::share`](crate::Definition::share) was given.
///
/// Nothing that must last or that belongs to one organization: a sandboxed plugin has many instances, and each has
/// its own.
pub struct Shared<T>(pub Arc<T>);

impl<T: Any + Send + Sync> FromRequest for Shared<T> {
    async fn from_request(context: &Context, _: &mut Request) -> Result<Self, Failure> {
        context.shared().map(Self).ok_or_else(|| {
            let name = std::any::type_name::<T>();
            Failure::broken(format!(
                "no value of type `{name}` is shared: call `.share(…)` on the definition"
            ))
        })
    }

    fn describe(_: &mut Operation) {}
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
