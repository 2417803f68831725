//! Who calls.

use std::sync::Arc;

use http::{HeaderMap, header};
use switchboard_api::{Actions, Actor, ActorKind, OrganizationId};
use switchboard_kernel::Directory;

use crate::problem::Problem;

/// By what a caller is known.
#[derive(Clone)]
pub(crate) enum Door {
    /// By the API token that the request carries.
    Tokens,
    /// By having got here at all: whoever reaches this door is the operator.
    Local(Arc<Actor>),
}

/// Who calls.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Who it is, and what they may do.
    pub(crate) actor: Arc<Actor>,
    /// The only organization that they serve; all when absent.
    pub(crate) bound_to: Option<OrganizationId>,
}

impl Door {
    /// The door at which everybody is the local administrator.
    pub(crate) fn local() -> Self {
        let actions = Actions::all();
        Self::Local(Arc::new(Actor { kind: ActorKind::System, name: "local".into(), actions }))
    }

    /// Who sent a request with these headers.
    pub(crate) fn identify(&self, headers: &HeaderMap, directory: &Directory) -> Result<Identity, Problem> {
        match self {
            Self::Local(actor) => Ok(Identity { actor: Arc::clone(actor), bound_to: None }),
            Self::Tokens => {
                let token = directory.token(bearer(headers)?).ok_or_else(|| {
                    Problem::unauthorized(
                        "the token is unknown, or was revoked; `switchboard token create` makes one",
                    )
                })?;
                Ok(Identity { actor: Arc::clone(&token.actor), bound_to: token.organization })
            }
        }
    }
}

impl Identity {
    /// Refuses unless they may do this to the installation as a whole. A token of one organization never may, whatever
    /// its actions are: they hold within that organization.
    pub(crate) fn require_for_all(&self, action: &str) -> Result<(), Problem> {
        let name = &self.actor.name;
        if self.bound_to.is_some() {
            let detail = format!("`{name}` is a token of one organization, and this concerns all of them");
            return Err(Problem::forbidden(detail));
        }
        match self.actor.actions.allow(action) {
            true => Ok(()),
            false => Err(Problem::forbidden(format!("`{name}` may not do `{action}`"))),
        }
    }
}

/// The text after `Bearer`.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(Problem::unauthorized("send an API token: `Authorization: Bearer swb_…`"));
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

    use super::{Door, bearer};

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
    fn at_the_local_door_no_token_is_needed() {
        let identity = Door::local().identify(&HeaderMap::new(), &Default::default()).unwrap();
        assert!(identity.require_for_all("admin").is_ok());
    }
}
