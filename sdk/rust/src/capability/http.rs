//! Requests to other servers.

use switchboard_api::{
    Failure,
    capability::{HttpRequest, HttpResponse},
};

use crate::Context;

/// Requests to other servers.
#[derive(Clone, Copy)]
pub struct Http<'a> {
    pub(crate) context: &'a Context,
}

impl Http<'_> {
    /// Sends a request to a host that the manifest names, and gives the answer, whatever its status.
    ///
    /// ```no_run
    /// # use switchboard_sdk::{HttpRequest, prelude::*};
    /// # async fn example(ctx: Context) -> Result<String> {
    /// let answer = ctx.http().send(HttpRequest::get("https://api.example.com/version")).await?;
    /// if !answer.status.is_success() {
    ///     return Err(Failure::unavailable(format!("api.example.com answers {}", answer.status)));
    /// }
    /// answer.json()
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Failure::Forbidden`] for a host that the manifest does not name, and for an address of a private network;
    /// [`Failure::Invalid`], [`Failure::TooLarge`], [`Failure::RateLimited`]; [`Failure::TimedOut`] and
    /// [`Failure::Unavailable`] when there is no answer: a task or a listener is tried again by itself.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        self.context.host.http(&self.context.call)?.send(&self.context.call, request).await
    }
}
