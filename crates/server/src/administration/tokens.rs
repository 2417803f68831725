//! Tokens, by which programs call.

use switchboard_kernel::Kernel;
use switchboard_sdk::{Actions, extract::Shared, prelude::*};

use super::KernelHandle;

/// A token. Its text is not kept, and so not shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Token {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// The organization that it serves, by its name in addresses; all of them when `null`.
    organization: Option<String>,
    /// What may be done with it.
    actions: Vec<String>,
    /// When it was made, in UTC.
    created_at: String,
}

/// A token to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// Its name; no other token has it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The organization that it serves, by its name in addresses; all of them when absent.
    #[serde(default)]
    organization: Option<String>,
    /// What may be done with it, such as `clip:delete`, `clip:*` or `*`; whatever the caller may do when absent.
    #[serde(default)]
    actions: Option<Vec<Action>>,
}

/// An action, or a pattern of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct Action(#[schemars(regex(pattern = r"^(\*|[a-z][a-z0-9_]*(:(\*|[a-z][a-z0-9_]*))?)$"))] String);

/// A token that was just made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeToken {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// The secret itself, shown this once.
    token: String,
}

pub(super) async fn list_tokens(kernel: Shared<KernelHandle>) -> Result<Json<Vec<Token>>> {
    let kernel = kernel.kernel()?;
    let tokens = kernel.directory().tokens();
    Ok(Json(tokens.iter().map(|token| Token::of(&kernel, token)).collect()))
}

pub(super) async fn create_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewToken>,
) -> Result<Created<MadeToken>> {
    let own = &ctx.actor().actions;
    let actions = match new.actions {
        Some(actions) => Actions::new(actions.into_iter().map(|Action(action)| action)),
        None => own.clone(),
    };
    if let Some(beyond) = actions.iter().find(|action| !own.allow(action)) {
        return Err(forbidden!("`{}` may not do `{beyond}`, and cannot let a token do it", ctx.actor().name));
    }
    let (name, organization) = (new.name, new.organization);
    let made = kernel
        .change(async move |kernel| kernel.create_token(&name, organization.as_deref(), &actions).await)
        .await?;
    Ok(Created(MadeToken { id: made.id, name: made.name, token: made.token }))
}

pub(super) async fn revoke_token(kernel: Shared<KernelHandle>, Path(id): Path<i64>) -> Result<NoContent> {
    if kernel.change(async move |kernel| kernel.revoke_token(id).await).await? {
        Ok(NoContent)
    } else {
        Err(not_found!("there is no token {id}, or it was revoked already"))
    }
}

impl Token {
    fn of(kernel: &Kernel, token: &switchboard_kernel::Token) -> Self {
        let organization = token.organization.and_then(|id| kernel.organization(id));
        Self {
            id: token.id,
            name: token.name.clone(),
            organization: organization.map(|organization| organization.slug.clone()),
            actions: token.actor.actions.iter().map(str::to_owned).collect(),
            created_at: token.created_at.clone(),
        }
    }
}
