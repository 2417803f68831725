//! Roles: those that every organization has, those that plugins bring, and those of the organization's own.

use switchboard_authorization::{BUILT_IN, Role, RoleName, Statement};
use switchboard_kernel::{Kernel, OwnRole};
use switchboard_sdk::{Organization, extract::Shared, prelude::*, serde_json};

use super::called_for;
use crate::kernel_handle::KernelHandle;

/// A role that members can hold.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OneRole {
    /// Its name.
    name: String,
    /// Where it comes from.
    origin: Origin,
    /// What it is for.
    description: String,
    /// What it says, in sentences, each with where it stands.
    says: Vec<Says>,
}

/// Where a role comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Origin {
    /// Every organization has it.
    BuiltIn,
    /// A plugin that is switched on brings it.
    Plugin,
    /// The organization wrote it.
    Own,
}

/// Something that a role says.
#[derive(Debug, Serialize, JsonSchema)]
struct Says {
    /// Where it stands: `the server`, `plugin clips`, `organization acme`.
    source: String,
    /// `allow` or `deny`.
    effect: String,
    /// The actions it is about.
    actions: Vec<String>,
    /// The things it is about; everything when empty.
    resources: Vec<String>,
}

/// A role to be made or changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    /// What it is for.
    #[serde(default)]
    #[schemars(length(max = 500))]
    description: String,
    /// What it says.
    #[schemars(length(min = 1, max = 100))]
    statements: Vec<NewStatement>,
}

/// A sentence of a role.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewStatement {
    /// Whether it allows or denies.
    effect: Effect,
    /// The actions it is about: `clip:delete`, `clip:*` or `*`.
    #[schemars(length(min = 1, max = 100))]
    actions: Vec<ActionText>,
    /// The things it is about, such as `clip:7` or `clip:*`; everything when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    resources: Vec<ResourceText>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Effect {
    Allow,
    Deny,
}

/// An action, or a pattern of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
struct ActionText(#[schemars(regex(pattern = r"^(\*|[a-z][a-z0-9_]*:(\*|[a-z][a-z0-9_]*))$"))] String);

/// A thing, or all of a kind.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
struct ResourceText(#[schemars(regex(pattern = r"^[a-z][a-z0-9_]*:(\*|[A-Za-z0-9._/-]{1,200})$"))] String);

pub(super) async fn list_roles(ctx: Context, kernel: Shared<KernelHandle>) -> Result<Json<Vec<OneRole>>> {
    Ok(Json(roles(&*kernel.kernel()?, &*called_for(&ctx)?).await?))
}

pub(super) async fn set_role(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(name): Path<String>,
    Json(new): Json<NewRole>,
) -> Result<Json<OneRole>> {
    let organization = called_for(&ctx)?;
    let name = named(&name)?;
    let statements = serde_json::to_value(&new.statements)
        .and_then(serde_json::from_value::<Vec<Statement>>)
        .map_err(|error| invalid!("a statement is not right: {error}"))?;
    let role = OwnRole { name: name.clone(), description: new.description, statements };
    let of = organization.clone();
    kernel.change(&ctx, async move |kernel, by| kernel.set_role(&by, &of, role).await).await?;
    let roles = roles(&*kernel.kernel()?, &organization).await?;
    let role = roles.into_iter().find(|role| role.name == name.as_str());
    role.map(Json).ok_or_else(|| not_found!("role `{name}` was removed meanwhile"))
}

pub(super) async fn remove_role(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(name): Path<String>,
) -> Result<NoContent> {
    let (organization, name) = (called_for(&ctx)?, named(&name)?);
    let unknown = not_found!("the organization has no role `{name}` of its own");
    let removed =
        async move |kernel: std::sync::Arc<Kernel>, by| kernel.remove_role(&by, &organization, &name).await;
    if kernel.change(&ctx, removed).await? { Ok(NoContent) } else { Err(unknown) }
}

fn named(text: &str) -> Result<RoleName> {
    text.parse().map_err(|error| invalid!("{error}"))
}

/// Every role that a member of the organization can hold: the built-in ones, then by name.
async fn roles(kernel: &Kernel, organization: &Organization) -> Result<Vec<OneRole>> {
    let snapshot = kernel.snapshot();
    let own = kernel.own_roles(organization.id).await?;
    let mut roles: Vec<OneRole> = BUILT_IN.iter().map(|name| OneRole::built_in(name)).collect();
    for role in snapshot.policies().roles(Some(organization.id.0)) {
        let name = role.name.as_str();
        if let Some((plugin, _)) = name.split_once('.')
            && !snapshot.plugin(plugin).is_some_and(|plugin| snapshot.is_enabled(plugin, organization.id))
        {
            continue;
        }
        let said = role.statements.iter().map(|statement| Says::of(role, statement));
        match roles.iter_mut().find(|known| known.name == name) {
            Some(known) => known.says.extend(said),
            None => {
                let of_own = own.iter().find(|own| own.name == role.name);
                let origin = if of_own.is_some() { Origin::Own } else { Origin::Plugin };
                let description = of_own.map(|own| own.description.clone()).unwrap_or_default();
                roles.push(OneRole { name: name.to_owned(), origin, description, says: said.collect() });
            }
        }
    }
    if let Some(rest) = roles.get_mut(BUILT_IN.len()..) {
        rest.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(roles)
}

impl OneRole {
    fn built_in(name: &str) -> Self {
        let description = match name {
            "owner" => "May do everything in the organization, and alone may remove it and make owners",
            "admin" => "May do everything but what is the owners' alone",
            "member" => "Takes part: may what a viewer may, and what plugins give to members",
            _ => "Looks on: may what plugins give to viewers",
        };
        let (name, origin, description) = (name.to_owned(), Origin::BuiltIn, description.to_owned());
        Self { name, origin, description, says: Vec::new() }
    }
}

impl Says {
    fn of(role: &Role, statement: &Statement) -> Self {
        let effect = match statement.effect {
            switchboard_authorization::Effect::Allow => "allow",
            switchboard_authorization::Effect::Deny => "deny",
        };
        Self {
            source: role.source.clone(),
            effect: effect.to_owned(),
            actions: statement.actions.iter().map(ToString::to_string).collect(),
            resources: statement.resources.iter().map(ToString::to_string).collect(),
        }
    }
}
