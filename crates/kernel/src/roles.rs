//! What roles let people do: those that every organization has, those that plugins bring, and those of an organization's own.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde::Deserialize;
use switchboard_api::{Actor, Failure, Organization, OrganizationId, Standing};
use switchboard_authorization::{
    ActionPattern, BUILT_IN, Explanation, Policies, Role, RoleName, Statement, built_in_roles,
};
use switchboard_manifest::Manifest;
use switchboard_store::Room;

use crate::{audit::Entry, by::By, error::Error, kernel::Kernel, snapshot::Snapshot};

/// How many roles of its own an organization may have.
const MOST_ROLES: usize = 100;
/// How many statements a role may have.
const MOST_STATEMENTS: usize = 100;
/// The most characters of a role's description.
const LONGEST: usize = 500;

/// A role of an organization's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRole {
    /// Its name.
    pub name: RoleName,
    /// What it is for.
    pub description: String,
    /// What it says.
    pub statements: Vec<Statement>,
}

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

impl Kernel {
    /// The roles of an organization's own, by name, with what they are for.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn own_roles(&self, organization: OrganizationId) -> Result<Vec<OwnRole>, Error> {
        #[derive(Deserialize)]
        struct OwnRow {
            name: String,
            description: String,
            statements: String,
        }
        let sql = "select name, description, statements from role where organization_id = $1 order by name";
        let rows = self.room.query(sql, vec![organization.into()]).await?.to::<OwnRow>()?;
        let own = rows.into_iter().map(|row| {
            let wrong = |why: String| Error::Data(format!("role `{}` is none: {why}", row.name));
            Ok(OwnRole {
                name: row.name.parse().map_err(|error| wrong(format!("{error}")))?,
                statements: serde_json::from_str(&row.statements)
                    .map_err(|error| wrong(error.to_string()))?,
                description: row.description.clone(),
            })
        });
        own.collect()
    }

    /// Makes a role of the organization's own, or changes the one of that name. It holds from the next request on.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that every organization has or a plugin would, for too many statements or roles, and for
    /// a statement without actions.
    pub async fn set_role(&self, by: &By, organization: &Organization, role: OwnRole) -> Result<(), Error> {
        check(&role)?;
        let _changing = self.changing().await?;
        let own = self.own_roles(organization.id).await?;
        let before = own.iter().find(|other| other.name == role.name);
        if before.is_none() && own.len() >= MOST_ROLES {
            let message =
                format!("an organization has at most {MOST_ROLES} roles of its own: remove one first");
            return Err(Error::Refused(message));
        }
        let statements =
            serde_json::to_string(&role.statements).map_err(|error| Error::Data(error.to_string()))?;
        let sql = "insert into role (organization_id, name, description, statements, changed_at) \
                   values ($1, $2, $3, $4, $5) on conflict (organization_id, name) do update set \
                   description = excluded.description, statements = excluded.statements, changed_at = excluded.changed_at";
        let params = vec![
            organization.id.into(),
            role.name.as_str().into(),
            role.description.as_str().into(),
            statements.into(),
            self.now().to_string().into(),
        ];
        let mut change = self.change(by).await?;
        change.execute(sql, params).await?;
        let action = if before.is_some() { "role.changed" } else { "role.created" };
        let entry = Entry::new(action, format!("role:{}", role.name)).within(Some(organization.id));
        let entry = entry.after(&role.statements);
        let entry = match before {
            Some(before) => entry.before(&before.statements),
            None => entry,
        };
        change.commit(entry).await?;
        self.read_roles().await
    }

    /// Removes a role of the organization's own; false when there is none of the name.
    ///
    /// # Errors
    /// [`Error::Refused`] while members hold it, saying how many.
    pub async fn remove_role(
        &self,
        by: &By,
        organization: &Organization,
        name: &RoleName,
    ) -> Result<bool, Error> {
        let _changing = self.changing().await?;
        let own = self.own_roles(organization.id).await?;
        let Some(before) = own.iter().find(|other| other.name == *name) else { return Ok(false) };
        // Roles are joined by spaces, and no name holds one.
        let sql = "select roles from member where organization_id = $1 and roles like '%' || $2 || '%'";
        let rows = self.room.query(sql, vec![organization.id.into(), name.as_str().into()]).await?;
        let holders = rows
            .to::<String>()?
            .iter()
            .filter(|roles| roles.split(' ').any(|it| it == name.as_str()))
            .count();
        if holders > 0 {
            let whom =
                if holders == 1 { "one member holds".to_owned() } else { format!("{holders} members hold") };
            return Err(Error::Refused(format!("{whom} the role `{name}`: give them others first")));
        }
        let mut change = self.change(by).await?;
        let sql = "delete from role where organization_id = $1 and name = $2";
        change.execute(sql, vec![organization.id.into(), name.as_str().into()]).await?;
        let entry = Entry::new("role.removed", format!("role:{name}")).within(Some(organization.id));
        change.commit(entry.before(&before.statements)).await?;
        self.read_roles().await?;
        Ok(true)
    }

    /// Reads the roles of organizations' own anew: they have changed.
    pub(crate) async fn read_roles(&self) -> Result<(), Error> {
        self.own_roles.store(Arc::new(read(&self.room).await?));
        self.swap(self.snapshot().plugins().to_vec());
        Ok(())
    }
}

fn check(role: &OwnRole) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::Invalid(Failure::invalid(message)));
    let name = &role.name;
    if name.is_built_in() {
        return invalid(format!("every organization has the role `{name}`: choose another name"));
    }
    if name.as_str().contains('.') {
        return invalid(format!("`{name}` would be a plugin's role: choose a name without a dot"));
    }
    if role.description.chars().count() > LONGEST {
        return invalid(format!("a role's description has at most {LONGEST} characters"));
    }
    if role.statements.is_empty() || role.statements.len() > MOST_STATEMENTS {
        return invalid(format!("a role has 1 to {MOST_STATEMENTS} statements"));
    }
    if role.statements.iter().any(|statement| statement.actions.is_empty()) {
        return invalid("a statement names at least one action, such as `clip:read` or `clip:*`".to_owned());
    }
    Ok(())
}
