//! API tokens as they are asked for and shown: the same whether an administrator, an organization or a person makes them.

use std::sync::Arc;

use switchboard_api::AccountId;
use switchboard_kernel::{By, Kernel, TokenTerms};
use switchboard_sdk::{Actions, Timestamp, prelude::*};

use crate::kernel_handle::KernelHandle;

/// A token. Its text is not kept, and so not shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(crate) struct ShownToken {
    /// Its number.
    id: i64,
    /// Its name: an organization's begins with the organization's own, as in `acme/uploader`, and a person's with their account,
    /// as in `account:7/laptop`.
    name: String,
    /// The organization that it serves, by its name in addresses; all of them when `null`.
    organization: Option<String>,
    /// The number of the account on whose behalf it acts: it may never do more than they may. None for one that an administrator
    /// made.
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

/// A token that was just made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MadeToken {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// The secret itself, shown this once.
    token: String,
}

/// An action, or a pattern of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ActionPattern(
    #[schemars(regex(pattern = r"^(\*|[a-z][a-z0-9_]*(:(\*|[a-z][a-z0-9_]*))?)$"))] pub(crate) String,
);

/// A token to be made.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Its whole name.
    pub(crate) name: String,
    /// The organization that it serves, by its name in addresses; all of them when absent.
    pub(crate) organization: Option<String>,
    /// What may be done with it; whatever the caller may when absent.
    pub(crate) actions: Option<Vec<ActionPattern>>,
    /// On whose behalf it acts.
    pub(crate) account: Option<AccountId>,
    /// Until when it serves; for ever when absent.
    pub(crate) expires_at: Option<Timestamp>,
    /// How often it may call in a second; as often as any when absent.
    pub(crate) calls_per_second: Option<u32>,
}

/// The tokens for which this is so.
pub(crate) fn list(
    kernel: &Kernel,
    is_asked_for: impl Fn(&switchboard_kernel::Token) -> bool,
) -> Json<Vec<ShownToken>> {
    let tokens = kernel.directory().tokens().into_iter().filter(|token| is_asked_for(token));
    Json(tokens.map(|token| ShownToken::of(kernel, &token)).collect())
}

/// Makes a token that may do no more than whoever makes it.
pub(crate) async fn make(ctx: &Context, kernel: &KernelHandle, wanted: Wanted) -> Result<Created<MadeToken>> {
    if wanted.expires_at.is_some_and(|expires_at| expires_at <= ctx.now()) {
        return Err(invalid!("the token would have expired already: choose a later `expires_at`"));
    }
    let own = &ctx.actor().actions;
    let actions = match wanted.actions {
        Some(actions) => Actions::new(actions.into_iter().map(|ActionPattern(action)| action)),
        None => own.clone(),
    };
    if let Some(beyond) = actions.iter().find(|action| !own.allow(action)) {
        return Err(forbidden!("`{}` may not do `{beyond}`, and cannot let a token do it", ctx.actor().name));
    }
    let made = async move |kernel: Arc<Kernel>, by: By| {
        let terms = TokenTerms {
            name: &wanted.name,
            organization: wanted.organization.as_deref(),
            actions,
            account: wanted.account,
            expires_at: wanted.expires_at,
            calls_per_second: wanted.calls_per_second,
        };
        kernel.create_token(&by, terms).await
    };
    let made = kernel.change(ctx, made).await?;
    Ok(Created(MadeToken { id: made.id, name: made.name, token: made.token }))
}

/// Revokes the token of that number, if this is so for it.
pub(crate) async fn revoke(
    ctx: &Context,
    kernel: &KernelHandle,
    id: i64,
    may_be: impl Fn(&switchboard_kernel::Token) -> bool,
) -> Result<NoContent> {
    let tokens = kernel.kernel()?.directory().tokens();
    let is_there = tokens.iter().any(|token| token.id == id && may_be(token));
    if is_there && kernel.change(ctx, async move |kernel, by| kernel.revoke_token(&by, id).await).await? {
        return Ok(NoContent);
    }
    Err(not_found!("there is no token {id}, or it was revoked already"))
}

impl ShownToken {
    fn of(kernel: &Kernel, token: &switchboard_kernel::Token) -> Self {
        let organization = token.organization.and_then(|id| kernel.organization(id));
        Self {
            id: token.id,
            name: token.name.clone(),
            organization: organization.map(|organization| organization.slug.clone()),
            account: token.principal.account.map(|account| account.0),
            actions: token.principal.actions.iter().map(str::to_owned).collect(),
            created_at: token.created_at.clone(),
            expires_at: token.expires_at.map(|at| at.to_string()),
            last_used_at: token.last_used().map(|at| at.to_string()),
            calls_per_second: token.calls_per_second,
        }
    }
}
