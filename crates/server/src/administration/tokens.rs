//! Tokens, by which programs call.

use std::sync::Arc;

use switchboard_kernel::{By, Kernel, TokenTerms};
use switchboard_sdk::{Actions, Timestamp, extract::Shared, prelude::*};

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
    /// Until when it serves, in UTC; for ever when `null`.
    expires_at: Option<String>,
    /// When it was last used, in UTC, to the minute or so; never when `null`.
    last_used_at: Option<String>,
    /// How often it may call in a second; as often as any when `null`.
    calls_per_second: Option<u32>,
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
    /// Until when it serves, in UTC; for ever when absent.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<Timestamp>,
    /// How often it may call in a second; as often as any when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    calls_per_second: Option<u32>,
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
    let made = async move |kernel: Arc<Kernel>, by: By| {
        let (name, organization) = (new.name.as_str(), new.organization.as_deref());
        let (expires_at, calls_per_second) = (new.expires_at, new.calls_per_second);
        let terms = TokenTerms { name, organization, actions, account: None, expires_at, calls_per_second };
        kernel.create_token(&by, terms).await
    };
    let made = kernel.change(&ctx, made).await?;
    Ok(Created(MadeToken { id: made.id, name: made.name, token: made.token }))
}

pub(super) async fn revoke_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    if kernel.change(&ctx, async move |kernel, by| kernel.revoke_token(&by, id).await).await? {
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
            actions: token.principal.actions.iter().map(str::to_owned).collect(),
            created_at: token.created_at.clone(),
            expires_at: token.expires_at.map(|at| at.to_string()),
            last_used_at: token.last_used().map(|at| at.to_string()),
            calls_per_second: token.calls_per_second,
        }
    }
}
