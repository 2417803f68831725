//! What roles let people do: those that every organization has, those that plugins bring, and those of an organization's own.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use switchboard_api::{Actor, Failure, Organization, OrganizationId, Standing};
use switchboard_authorization::{
    ActionPattern, BUILT_IN, Explanation, Policies, Role, RoleName, Statement, built_in_roles,
};
use switchboard_manifest::Manifest;
use switchboard_store::Room;

use crate::{error::Error, snapshot::Snapshot};

#[derive(Deserialize)]
struct RoleRow {
    organization_id: OrganizationId,
    organization: String,
    name: String,
    statements: String,
}

/// The roles of organizations' own, by organization.
pub(crate) type OwnRoles = HashMap<OrganizationId, Vec<Role>>;

pub(crate) async fn read(room: &Room) -> Result<OwnRoles, Error> {
    let sql = "select role.organization_id, organization.slug as organization, role.name, role.statements from role \
               join organization on organization.id = role.organization_id order by role.organization_id, role.name";
    let mut own = OwnRoles::new();
    for row in room.query(sql, vec![]).await?.to::<RoleRow>()? {
        let wrong = |why: String| {
            Error::Data(format!("role `{}` of organization `{}` is none: {why}", row.name, row.organization))
        };
        let name: RoleName = row.name.parse().map_err(|error| wrong(format!("{error}")))?;
        let statements: Vec<Statement> =
            serde_json::from_str(&row.statements).map_err(|error| wrong(error.to_string()))?;
        let source = format!("organization {}", row.organization);
        own.entry(row.organization_id).or_default().push(Role { name, source, statements });
    }
    Ok(own)
}

/// The policies that follow from the plugins that serve and the roles of organizations' own.
pub(crate) fn policies<'a>(manifests: impl Iterator<Item = &'a Manifest>, own: &OwnRoles) -> Policies {
    let shared = built_in_roles().into_iter().chain(manifests.flat_map(roles_of)).collect();
    Policies::new(shared, own.iter().map(|(organization, roles)| (organization.0, roles.clone())))
}

/// The roles that a plugin brings: under the name of a built-in role it adds to that one, under any other it makes a new one
/// that carries the plugin's id in front.
pub(crate) fn roles_of(manifest: &Manifest) -> impl Iterator<Item = Role> + '_ {
    manifest.permissions.roles.iter().filter_map(|(name, actions)| {
        let whole =
            if BUILT_IN.contains(&name.as_str()) { name.clone() } else { format!("{}.{name}", manifest.id) };
        let actions: Vec<ActionPattern> = actions.iter().filter_map(|action| action.parse().ok()).collect();
        let source = format!("plugin {}", manifest.id);
        let statements = vec![Statement::allow(kept_within(manifest, actions))];
        Some(Role { name: whole.parse().ok()?, source, statements })
    })
}

/// Only actions that the plugin declares: none hands out what is another's.
fn kept_within(manifest: &Manifest, actions: Vec<ActionPattern>) -> Vec<ActionPattern> {
    let declared: HashSet<&str> =
        manifest.permissions.actions.iter().map(|action| action.name.as_str()).collect();
    let mut kept = Vec::new();
    for pattern in actions {
        match pattern.as_str().strip_suffix('*') {
            Some(kind) => kept.extend(
                declared
                    .iter()
                    .filter(|action| action.starts_with(kind))
                    .filter_map(|action| action.parse().ok()),
            ),
            None if declared.contains(pattern.as_str()) => kept.push(pattern),
            None => {}
        }
    }
    kept.sort();
    kept.dedup();
    kept
}

impl Snapshot {
    /// Refuses unless the actor may do the action in the organization; to one thing, if a resource such as `clip:7` is named.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] naming who and what.
    pub fn require(
        &self,
        actor: &Actor,
        organization: Option<&Organization>,
        action: &str,
        resource: Option<&str>,
    ) -> Result<(), Failure> {
        let within = match &actor.standing {
            Standing::Free => true,
            Standing::Member(roles) => {
                match self.policies.of(organization.map(|organization| organization.id.0)) {
                    Ok(rules) => match resource {
                        Some(resource) => rules.allow_for(roles.as_str(), action, resource),
                        None => rules.allow(roles.as_str(), action),
                    },
                    Err(uncompiled) => {
                        tracing::error!("nobody but administrators may do anything: {uncompiled}");
                        false
                    }
                }
            }
            Standing::Stranger | Standing::Anyone => false,
        };
        if within && actor.actions.allow(action) {
            return Ok(());
        }
        let (name, to) =
            (&actor.name, resource.map(|resource| format!(" to `{resource}`")).unwrap_or_default());
        Err(Failure::forbidden(format!("`{name}` may not do `{action}`{to} here")))
    }

    /// Why the actor may, or may not, do the action in the organization: the statements of their roles that decide it.
    pub fn explain(
        &self,
        actor: &Actor,
        organization: Option<&Organization>,
        action: &str,
        resource: Option<&str>,
    ) -> Explanation {
        match (&actor.standing, self.policies.of(organization.map(|organization| organization.id.0))) {
            (Standing::Member(roles), Ok(rules)) => rules.explain(roles.as_str(), action, resource),
            (standing, _) => Explanation { allowed: *standing == Standing::Free, because: Vec::new() },
        }
    }

    /// The policies that hold.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}
