//! Who asks, as their browser shows it.

use http::{HeaderMap, header};
use switchboard_accounts::{Client, SignedIn, is_csrf_token};
use switchboard_api::{Operation, Request};
use switchboard_sdk::{Context, Failure, Result, extract::FromRequest};

use crate::{csrf, session_cookie};

/// Who asks, as their browser shows it.
pub(super) struct Visitor {
    headers: HeaderMap,
    /// From where.
    pub(super) client: Client,
}

impl FromRequest for Visitor {
    async fn from_request(ctx: &Context, request: &mut Request) -> Result<Self> {
        let headers = request.headers.clone();
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let client = Client { address: ctx.from(), user_agent: agent.map(str::to_owned) };
        Ok(Self { headers, client })
    }

    fn describe(_: &mut Operation) {}
}

impl Visitor {
    /// The secret of the session, where one was shown and no token, which would count in its place.
    pub(super) fn shown(&self) -> Option<&str> {
        match self.headers.contains_key(header::AUTHORIZATION) {
            true => None,
            false => session_cookie::of(&self.headers),
        }
    }

    /// All cookies, which may come in more than one header.
    pub(super) fn cookies(&self) -> String {
        let all = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        all.collect::<Vec<_>>().join("; ")
    }

    /// The secret of the session by which they were let in.
    pub(super) fn secret(&self) -> Result<&str> {
        let message = "this is for people who have signed in, not for tokens: it takes the session's cookie";
        self.shown().ok_or_else(|| Failure::forbidden(message))
    }

    /// The secret of a session that may not be whole, at an address that anyone may call.
    pub(super) fn confirmed_secret(&self) -> Result<&str> {
        self.of_this_site()?;
        let secret = self.secret()?;
        let given = self.headers.get(csrf::HEADER).and_then(|value| value.to_str().ok());
        match given.is_some_and(|given| is_csrf_token(secret, given)) {
            true => Ok(secret),
            false => Err(Failure::forbidden("send the session's `csrf_token` in the header `X-CSRF-Token`")),
        }
    }

    /// Refuses what a page of another site has a browser send.
    pub(super) fn of_this_site(&self) -> Result<()> {
        match csrf::is_of_this_site(&self.headers) {
            true => Ok(()),
            false => Err(Failure::forbidden("a page of another site cannot do this")),
        }
    }

    /// The header that has the browser keep a session.
    pub(super) fn keeping(&self, signed_in: &SignedIn) -> HeaderMap {
        session_cookie::keeping(&signed_in.secret, &self.headers)
    }

    /// The header that has the browser forget its session.
    pub(super) fn forgetting(&self) -> HeaderMap {
        session_cookie::forgetting(&self.headers)
    }
}
