//! Why somebody may, or may not, do something.

use serde::Serialize;
use switchboard_api::{Organization, Standing};

use crate::{error::Error, kernel::Kernel, principal::Principal};

/// Whether somebody may do something in an organization, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Whether they may.
    pub allowed: bool,
    /// The roles that they hold there; none for who is bound by no roles, or is no member.
    pub roles: Vec<String>,
    /// Each reason in a sentence, those that decided it first.
    pub because: Vec<String>,
}

impl Kernel {
    /// Whether somebody may do an action in an organization, to one thing if a resource such as `clip:7` is named; and why. It is
    /// decided as for a request, which would also need the plugin to be switched on there.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be read which roles they hold.
    pub async fn explain(
        &self,
        principal: &Principal,
        organization: Option<&Organization>,
        action: &str,
        resource: Option<&str>,
    ) -> Result<Explained, Error> {
        let actor = self.actor(principal, organization).await?;
        let snapshot = self.snapshot();
        let name = &actor.name;
        let mut because = Vec::new();
        let mut roles = Vec::new();
        let bound_elsewhere = match (principal.bound_to, organization) {
            (Some(bound), Some(organization)) => bound != organization.id,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if bound_elsewhere {
            because.push(format!("`{name}` is a token of another organization"));
        }
        if !actor.actions.allow(action) {
            let own: Vec<&str> = actor.actions.iter().collect();
            because.push(format!("`{name}` may do at most {}", listed(&own)));
        }
        let within = match (&actor.standing, organization) {
            (Standing::Free, _) => {
                because.push(format!(
                    "`{name}` is bound by no roles: a global administrator, or a token of the operator's"
                ));
                true
            }
            (Standing::Member(held), _) => {
                roles = held.iter().map(str::to_owned).collect();
                let explanation = snapshot.explain(&actor, organization, action, resource);
                if explanation.because.is_empty() {
                    let roles: Vec<&str> = held.iter().collect();
                    because.push(format!("no statement of {} speaks of `{action}`", listed(&roles)));
                }
                because.extend(explanation.because.iter().map(ToString::to_string));
                explanation.allowed
            }
            (_, Some(organization)) => {
                because.push(format!("`{name}` is no member of `{}`", organization.slug));
                false
            }
            (_, None) => {
                because.push("outside of organizations only global administrators and tokens of the operator's may act".to_owned());
                false
            }
        };
        let allowed = within && !bound_elsewhere && actor.actions.allow(action);
        Ok(Explained { allowed, roles, because })
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
