//! API tokens of the organization: they serve it alone, on behalf of whoever made them.

use std::sync::Arc;

use switchboard_kernel::{By, Kernel, TokenTerms};
use switchboard_sdk::{Actions, Timestamp, extract::Shared, prelude::*};

use super::called_for;
use crate::kernel_handle::KernelHandle;

/// A token of the organization. Its text is not kept, and so not shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OrganizationToken {
    /// Its number.
    id: i64,
    /// Its name, with the organization's in front: `acme/uploader`.
    name: String,
    /// The number of the account on whose behalf it acts: it may never do more than they may. None for one that an operator made.
    account: Option<i64>,
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

/// A token to be made, on behalf of whoever makes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrganizationToken {
    /// Its name within the organization.
    #[schemars(length(min = 1, max = 80))]
    name: String,
    /// What may be done with it, such as `clip:delete`, `clip:*` or `*`, as long as whoever makes it may.
    #[schemars(length(min = 1, max = 100))]
    actions: Vec<ActionText>,
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
struct ActionText(#[schemars(regex(pattern = r"^(\*|[a-z][a-z0-9_]*:(\*|[a-z][a-z0-9_]*))$"))] String);

/// A token that was just made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeOrganizationToken {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// The secret itself, shown this once.
    token: String,
}

pub(super) async fn list_tokens(
    ctx: Context,
    kernel: Shared<KernelHandle>,
) -> Result<Json<Vec<OrganizationToken>>> {
    let organization = called_for(&ctx)?.id;
    let tokens = kernel.kernel()?.directory().tokens().into_iter();
    let own = tokens.filter(|token| token.organization == Some(organization));
    Ok(Json(own.map(|token| OrganizationToken::of(&token)).collect()))
}

pub(super) async fn create_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewOrganizationToken>,
) -> Result<Created<MadeOrganizationToken>> {
    let organization = called_for(&ctx)?;
    if new.expires_at.is_some_and(|expires_at| expires_at <= ctx.now()) {
        return Err(invalid!("the token would have expired already: choose a later `expires_at`"));
    }
    let own = &ctx.actor().actions;
    let actions = Actions::new(new.actions.into_iter().map(|ActionText(action)| action));
    if let Some(beyond) = actions.iter().find(|action| !own.allow(action)) {
        return Err(forbidden!("`{}` may not do `{beyond}`, and cannot let a token do it", ctx.actor().name));
    }
    let account = ctx.actor().account;
    let made = async move |kernel: Arc<Kernel>, by: By| {
        let name = format!("{}/{}", organization.slug, new.name.trim());
        let terms = TokenTerms {
            name: &name,
            organization: Some(&organization.slug),
            actions,
            account,
            expires_at: new.expires_at,
            calls_per_second: new.calls_per_second,
        };
        kernel.create_token(&by, terms).await
    };
    let made = kernel.change(&ctx, made).await?;
    Ok(Created(MadeOrganizationToken { id: made.id, name: made.name, token: made.token }))
}

pub(super) async fn revoke_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    let organization = called_for(&ctx)?.id;
    let tokens = kernel.kernel()?.directory().tokens();
    let is_own = tokens.iter().any(|token| token.id == id && token.organization == Some(organization));
    if is_own && kernel.change(&ctx, async move |kernel, by| kernel.revoke_token(&by, id).await).await? {
        return Ok(NoContent);
    }
    Err(not_found!("the organization has no token {id}, or it was revoked already"))
}

impl OrganizationToken {
    fn of(token: &switchboard_kernel::Token) -> Self {
        Self {
            id: token.id,
            name: token.name.clone(),
            account: token.principal.account.map(|account| account.0),
            actions: token.principal.actions.iter().map(str::to_owned).collect(),
            created_at: token.created_at.clone(),
            expires_at: token.expires_at.map(|at| at.to_string()),
            last_used_at: token.last_used().map(|at| at.to_string()),
            calls_per_second: token.calls_per_second,
        }
    }
}
