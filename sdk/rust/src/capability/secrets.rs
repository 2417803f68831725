//! Secret settings by name.

use switchboard_api::{Failure, Secret};

use crate::Context;

/// Secret settings by name.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    pub(crate) context: &'a Context,
}

impl Secrets<'_> {
    /// The secret of that name, such as `api_key` or `mail.password`, for the organization of the call; none when it is not set. Nothing
    /// prints it: its text is had by [`Secret::expose`].
    ///
    /// ```no_run
    /// # use switchboard_sdk::{HttpRequest, prelude::*};
    /// # async fn example(ctx: Context) -> Result<()> {
    /// let key = ctx.secrets().get("api_key")?.ok_or_else(|| conflict!("no key is set"))?;
    /// let request = HttpRequest::get("https://example.org").header("authorization", key.expose())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when the manifest does not name it where it asks for `secrets`; [`Failure::Unavailable`] when it does not
    /// open.
    pub fn get(&self, name: &str) -> Result<Option<Secret>, Failure> {
        self.context.host.secrets(&self.context.call)?.get(&self.context.call, name)
    }
}
