//! Who calls, before it is known for which organization.

use std::sync::Arc;

use switchboard_api::{AccountId, Actions, Actor, ActorKind, Organization, OrganizationId, Standing};

use crate::{error::Error, kernel::Kernel, pace::Rate};

/// Who calls, before it is known for which organization: what a session, or a token, says.
#[derive(Debug, Clone)]
pub struct Principal {
    /// What kind of actor it is.
    pub kind: ActorKind,
    /// Its name among its kind.
    pub name: Arc<str>,
    /// The account that it is, or on whose behalf a token acts.
    pub account: Option<AccountId>,
    /// What it may do at most.
    pub actions: Actions,
    /// The only organization that it serves; all when absent.
    pub bound_to: Option<OrganizationId>,
    /// Whether it is a global administrator, whom no role binds; so is a token on nobody's behalf.
    pub is_administrator: bool,
    /// The global administrator who acts as this person, if one does.
    pub impersonator: Option<Arc<str>>,
    /// How often it may call, if that is its own; as often as any when absent.
    pub rate: Option<Rate>,
}

impl Principal {
    /// The host itself, at a door that nobody else reaches.
    pub fn local() -> Self {
        Self::free(ActorKind::System, "local".into(), Actions::all(), None)
    }

    /// Somebody who has not said who they are.
    pub fn anyone() -> Self {
        let Actor { kind, name, actions, .. } = Actor::anyone();
        Self { is_administrator: false, ..Self::free(kind, name, actions, None) }
    }

    /// Somebody on nobody's behalf, bound by these actions alone.
    pub(crate) fn free(
        kind: ActorKind,
        name: Arc<str>,
        actions: Actions,
        bound_to: Option<OrganizationId>,
    ) -> Self {
        let (account, impersonator, rate) = (None, None, None);
        Self { kind, name, account, actions, bound_to, is_administrator: true, impersonator, rate }
    }

    /// Whether it is not known who it is.
    pub fn is_anyone(&self) -> bool {
        self.kind == ActorKind::Anyone
    }
}

impl Kernel {
    /// The actor that somebody is in an organization, or outside of all.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be read which roles they hold.
    pub async fn actor(
        &self,
        principal: &Principal,
        organization: Option<&Organization>,
    ) -> Result<Arc<Actor>, Error> {
        let standing = match (principal.is_administrator, principal.account, organization) {
            (true, ..) => Standing::Free,
            (false, Some(account), Some(organization)) => {
                match self.members.roles(&self.room, account, organization.id).await? {
                    Some(roles) => Standing::Member(roles),
                    None => Standing::Stranger,
                }
            }
            (false, Some(_), None) => Standing::Stranger,
            (false, None, _) => Standing::Anyone,
        };
        Ok(Arc::new(Actor {
            kind: principal.kind,
            name: Arc::clone(&principal.name),
            account: principal.account,
            actions: principal.actions.clone(),
            standing,
            impersonator: principal.impersonator.clone(),
        }))
    }
}
