//! Who calls.

use std::sync::Arc;

use http::{HeaderMap, Method, header};
use switchboard_accounts::{Account, Accounts, Session};
use switchboard_api::{Actions, ActorKind};
use switchboard_kernel::{Directory, Principal};

use crate::{csrf, problem::Problem, server::Server, session_cookie};

/// By what a caller is known.
#[derive(Clone)]
pub(crate) enum Door {
    /// By the API token, or the session, that the request carries.
    Open,
    /// By having got here at all: whoever reaches this door is the operator.
    Local(Arc<Principal>),
}

impl Door {
    /// The door at which everybody is the local administrator.
    pub(crate) fn local() -> Self {
        Self::Local(Arc::new(Principal::local()))
    }

    /// Who sent a request: by its token, and without one by the session of its cookie. Neither is ever looked for in the
    /// address, which ends up in logs and histories.
    ///
    /// # Errors
    /// A [`Problem`] of 401 when they do not say who they are, or say it with what does not hold; of 403 when a page
    /// elsewhere may have sent it.
    pub(crate) async fn identify(
        &self,
        request: Request<'_>,
        server: &Server,
        directory: &Directory,
    ) -> Result<Arc<Principal>, Problem> {
        match self {
            Self::Local(principal) => Ok(Arc::clone(principal)),
            Self::Open => match (request.secret(), &server.options.accounts) {
                (Some(secret), Some(accounts)) => by_session(request, secret, accounts).await,
                _ => by_token(bearer(request.headers)?, server, directory).await,
            },
        }
    }

    /// The same at an address that anyone may call: who shows nothing, or a session that does not hold, is anyone.
    ///
    /// # Errors
    /// A [`Problem`] of 401 when the token that they show does not hold.
    pub(crate) async fn identify_or_anyone(
        &self,
        request: Request<'_>,
        server: &Server,
        directory: &Directory,
    ) -> Result<Arc<Principal>, Problem> {
        let known = self.identify(request, server, directory).await;
        match self {
            Self::Open if !request.headers.contains_key(header::AUTHORIZATION) => {
                Ok(known.unwrap_or_else(|_| Arc::new(Principal::anyone())))
            }
            _ => known,
        }
    }
}

/// What a request says of who sent it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
}

impl<'a> Request<'a> {
    /// The session's secret, unless a token is shown: then that one counts.
    fn secret(self) -> Option<&'a str> {
        match self.headers.contains_key(header::AUTHORIZATION) {
            true => None,
            false => session_cookie::of(self.headers),
        }
    }
}

async fn by_session(
    request: Request<'_>,
    secret: &str,
    accounts: &Accounts,
) -> Result<Arc<Principal>, Problem> {
    let session = accounts.session(secret).await.map_err(|error| {
        tracing::error!("a session cannot be read: {error}");
        Problem::unavailable("sessions cannot be read at this moment")
    })?;
    let session = session.ok_or_else(|| Problem::unauthorized("the session has ended; sign in again"))?;
    if session.needs_second_factor {
        return Err(Problem::unauthorized(
            "the session waits for the second factor: `POST /api/auth/second-factor`",
        ));
    }
    csrf::check(request.method, request.headers, secret)?;
    Ok(Arc::new(principal_of(&session)))
}

/// Who acts in a session.
pub(crate) fn principal_of(session: &Session) -> Principal {
    let impersonator = session.impersonator().map(|account| account.email.as_str().into());
    Principal { impersonator, ..person(session.actor()) }
}

/// Somebody who acts as themselves.
pub(crate) fn person(account: &Account) -> Principal {
    Principal {
        kind: ActorKind::User,
        name: account.email.as_str().into(),
        account: Some(account.id),
        actions: Actions::all(),
        bound_to: None,
        is_administrator: account.is_administrator,
        impersonator: None,
        rate: None,
    }
}

async fn by_token(text: &str, server: &Server, directory: &Directory) -> Result<Arc<Principal>, Problem> {
    let unknown = "the token is unknown, or was revoked; `switchboard token create` makes one";
    let token = directory.token(text).ok_or_else(|| Problem::unauthorized(unknown))?;
    let now = server.kernel.now();
    if token.is_expired(now) {
        return Err(Problem::unauthorized(
            "the token has expired; `switchboard token create` makes a new one",
        ));
    }
    if let (Some(account), Some(accounts)) = (token.principal.account, &server.options.accounts) {
        let is_usable = accounts.is_usable(account).await.map_err(|error| {
            tracing::error!("an account cannot be read: {error}");
            Problem::unavailable("accounts cannot be read at this moment")
        })?;
        if !is_usable {
            return Err(Problem::unauthorized("the account on whose behalf the token acts is disabled"));
        }
    }
    token.use_now(now);
    Ok(Arc::clone(&token.principal))
}

/// Refuses unless they may do this to the installation as a whole. A token of one organization never may, whatever its actions
/// are: they hold within that organization. Nor may whom roles bind: roles are held in organizations.
pub(crate) fn require_for_all(principal: &Principal, action: &str) -> Result<(), Problem> {
    let name = &principal.name;
    if principal.bound_to.is_some() {
        let detail = format!("`{name}` is a token of one organization, and this concerns all of them");
        return Err(Problem::forbidden(detail));
    }
    match principal.is_administrator && principal.actions.allow(action) {
        true => Ok(()),
        false => Err(Problem::forbidden(format!("`{name}` may not do `{action}`"))),
    }
}

/// The text after `Bearer`.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(Problem::unauthorized("sign in, or send an API token: `Authorization: Bearer swb_…`"));
    };
    let parts = value.to_str().ok().and_then(|text| text.trim().split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Problem::unauthorized("`Authorization` is not of the form `Bearer swb_…`")),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};
    use switchboard_kernel::Principal;

    use super::{bearer, require_for_all};

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for value in ["Bearer swb_1", "bearer swb_1", "BEARER  swb_1 "] {
            assert_eq!(bearer(&with(value)).unwrap(), "swb_1");
        }
        for value in ["swb_1", "Basic swb_1", "Bearer", ""] {
            assert!(bearer(&with(value)).is_err(), "{value}");
        }
    }

    #[test]
    fn who_is_bound_by_roles_administers_no_installation() {
        assert!(require_for_all(&Principal::local(), "admin").is_ok());
        let somebody = Principal { is_administrator: false, ..Principal::local() };
        assert!(require_for_all(&somebody, "admin").is_err());
        assert!(require_for_all(&Principal::anyone(), "admin").is_err());
    }
}
