//! Rules that decide: roles as Cedar policies, with what was decided remembered.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    str::FromStr,
};

use arc_swap::ArcSwap;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId,
    PolicySet, Request,
};

use crate::{
    role::{MEMBER, OWNER, OWNERS_ALONE, Role, VIEWER},
    statement::{Effect, Statement},
};

/// How many decisions are remembered. Roles and actions are few; beyond this, decisions are made anew.
const REMEMBERED: usize = 10_000;

/// Every action, or everything that can be acted on.
const ALL: &str = "*";

/// The rules that hold in an organization. Made once for the same roles, and asked by every call.
pub struct Rules {
    policies: PolicySet,
    types: Types,
    /// By policy, what it says and in which role.
    origins: HashMap<PolicyId, Reason>,
    /// Only questions about no thing in particular are remembered.
    decided: ArcSwap<Decided>,
}

/// What was decided, by roles, then by action.
type Decided = HashMap<Box<str>, HashMap<Box<str>, bool>>;

/// Roles that cannot be made into rules: a fault of this crate, as every part of them was parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("role `{role}` cannot be made into rules: {why}")]
pub struct Uncompiled {
    role: String,
    why: String,
}

/// Whether something may be done, and because of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it may be done.
    pub allowed: bool,
    /// The statements that decided it: those that deny if there are any, otherwise those that allow. None when no statement
    /// speaks of it, which is a refusal.
    pub because: Vec<Reason>,
}

/// A statement that decided something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The role that it is part of.
    pub role: String,
    /// Where that role says it: `plugin clips`, `organization acme`.
    pub source: String,
    /// What it says: `allow clip:read, clip:create`.
    pub says: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "role `{}` ({}): {}", self.role, self.source, self.says)
    }
}

struct Types {
    actor: EntityTypeName,
    role: EntityTypeName,
    action: EntityTypeName,
    resource: EntityTypeName,
}

impl Types {
    fn new() -> Result<Self, String> {
        let named = |name| EntityTypeName::from_str(name).map_err(|error| error.to_string());
        Ok(Self {
            actor: named("Actor")?,
            role: named("Role")?,
            action: named("Action")?,
            resource: named("Resource")?,
        })
    }
}

fn uid(of: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}

impl Rules {
    /// The rules that these roles make together; several of one name add up.
    ///
    /// # Errors
    /// [`Uncompiled`], which is a fault of this crate.
    pub fn new<'a>(roles: impl IntoIterator<Item = &'a Role>) -> Result<Self, Uncompiled> {
        let types = Types::new().map_err(|why| Uncompiled { role: String::new(), why })?;
        let (mut policies, mut origins) = (PolicySet::new(), HashMap::new());
        for role in roles {
            for statement in role.statements.iter().filter(|statement| !statement.actions.is_empty()) {
                let id = PolicyId::new(format!("statement{}", origins.len()));
                let name = role.name.as_str();
                let failed = |why: String| Uncompiled { role: name.to_owned(), why };
                let policy = Policy::parse(Some(id.clone()), policy_of(&types, name, statement));
                policies
                    .add(policy.map_err(|error| failed(error.to_string()))?)
                    .map_err(|error| failed(error.to_string()))?;
                let (role, source, says) = (name.to_owned(), role.source.clone(), says(name, statement));
                origins.insert(id, Reason { role, source, says });
            }
        }
        Ok(Self { policies, types, origins, decided: ArcSwap::default() })
    }

    /// Whether who holds these roles, joined by spaces, may do the action.
    pub fn allow(&self, roles: &str, action: &str) -> bool {
        let decided = self.decided.load();
        if let Some(allowed) = decided.get(roles).and_then(|of_roles| of_roles.get(action)) {
            return *allowed;
        }
        let allowed = self.explain(roles, action, None).allowed;
        if decided.values().map(HashMap::len).sum::<usize>() < REMEMBERED {
            self.decided.rcu(|decided| {
                let mut next = HashMap::clone(decided);
                next.entry(roles.into()).or_default().insert(action.into(), allowed);
                next
            });
        }
        allowed
    }

    /// Whether who holds these roles may do the action to the thing, such as `clip:7`.
    pub fn allow_for(&self, roles: &str, action: &str, resource: &str) -> bool {
        self.explain(roles, action, Some(resource)).allowed
    }

    /// Whether who holds these roles may do the action, to a thing if one is named, and because of which statements.
    pub fn explain(&self, roles: &str, action: &str, resource: Option<&str>) -> Explanation {
        match self.ask(roles, action, resource) {
            Ok(explanation) => explanation,
            // Only a question that no rule could be about, such as one with a thing of endless nesting.
            Err(_) => Explanation { allowed: false, because: Vec::new() },
        }
    }

    fn ask(&self, roles: &str, action: &str, resource: Option<&str>) -> Result<Explanation, String> {
        let types = &self.types;
        let actor = uid(&types.actor, "this");
        let held: HashSet<_> = roles.split(' ').filter(|role| !role.is_empty()).collect();
        let plain = |of: EntityUid, parents: HashSet<EntityUid>| Entity::new_no_attrs(of, parents);
        let mut entities =
            vec![plain(actor.clone(), held.iter().map(|role| uid(&types.role, role)).collect())];
        for role in held {
            // Whoever takes part also looks on.
            let below =
                if role == MEMBER { HashSet::from([uid(&types.role, VIEWER)]) } else { HashSet::new() };
            entities.push(plain(uid(&types.role, role), below));
        }
        let asked_action = uid(&types.action, action);
        entities.push(plain(asked_action.clone(), parents_of(&types.action, action)));
        let thing = resource.unwrap_or(ALL);
        let asked_thing = uid(&types.resource, thing);
        entities.push(plain(asked_thing.clone(), parents_of(&types.resource, thing)));
        let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
        let request = Request::new(actor, asked_action, asked_thing, Context::empty(), None)
            .map_err(|error| error.to_string())?;
        let response = Authorizer::new().is_authorized(&request, &self.policies, &entities);
        let reasons = response.diagnostics().reason();
        let mut because: Vec<Reason> = reasons.filter_map(|id| self.origins.get(id).cloned()).collect();
        because.sort();
        Ok(Explanation { allowed: response.decision() == Decision::Allow, because })
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("statements", &self.origins.len()).finish_non_exhaustive()
    }
}

/// All of its kind, and all.
fn parents_of(of: &EntityTypeName, name: &str) -> HashSet<EntityUid> {
    let kind = name.split_once(':').map(|(kind, _)| format!("{kind}:*"));
    let above = kind.into_iter().chain([ALL.to_owned()]).filter(|above| above != name);
    above.map(|above| uid(of, &above)).collect()
}

/// A statement as Cedar writes it.
fn policy_of(types: &Types, role: &str, statement: &Statement) -> String {
    let effect = match statement.effect {
        Effect::Allow => "permit",
        Effect::Deny => "forbid",
    };
    let list = |of: &EntityTypeName, names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| uid(of, name).to_string()).collect::<Vec<_>>().join(", ")
    };
    let actions = list(&types.action, &mut statement.actions.iter().map(|action| action.as_str()));
    let role_uid = uid(&types.role, role);
    let mut conditions = String::new();
    if !statement.resources.is_empty() {
        let things = list(&types.resource, &mut statement.resources.iter().map(|thing| thing.as_str()));
        conditions.push_str(&format!(" when {{ resource in [{things}] }}"));
    }
    if leaves_to_owners(role, statement) {
        let alone = list(&types.action, &mut OWNERS_ALONE.into_iter());
        conditions.push_str(&format!(" unless {{ action in [{alone}] }}"));
    }
    format!("{effect} (principal in {role_uid}, action in [{actions}], resource){conditions};")
}

/// Whether it allows what is the owners' alone, and so must be kept from that: otherwise whoever may write roles could make
/// themselves an owner.
fn leaves_to_owners(role: &str, statement: &Statement) -> bool {
    let covers = |action: &str| {
        let kind = action.strip_suffix('*');
        OWNERS_ALONE.iter().any(|alone| *alone == action || kind.is_some_and(|kind| alone.starts_with(kind)))
    };
    role != OWNER
        && statement.effect == Effect::Allow
        && statement.actions.iter().any(|action| covers(action.as_str()))
}

fn says(role: &str, statement: &Statement) -> String {
    let except = if leaves_to_owners(role, statement) {
        format!(" but what is the {OWNER}s' alone ({})", OWNERS_ALONE.join(", "))
    } else {
        String::new()
    };
    format!("{statement}{except}")
}
