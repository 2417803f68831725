//! API tokens of one's own: programs act by them on one's behalf, wherever one belongs, and never do more than one may.
//!
//! They are for who has signed in: no token makes another one, and nobody who acts as somebody else makes one for them.

use switchboard_api::AccountId;
use switchboard_kernel::{Principal, Token};
use switchboard_sdk::{Timestamp, extract::Shared, prelude::*};

use super::{people::People, visitor::Visitor};
use crate::{
    api_tokens::{self, ActionPattern, MadeToken, ShownToken, Wanted},
    identity::person,
    own_account::{MANAGE, account_of},
};

/// The most tokens of one person.
const MOST: usize = 50;

/// The longest time that one serves, in days.
const MOST_DAYS: i64 = 366;

/// A token to be made, on behalf of whoever makes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOwnToken {
    /// Its name among one's own.
    #[schemars(length(min = 1, max = 60))]
    name: String,
    /// The only organization that it serves, by its name in addresses; all to which one belongs when absent.
    #[serde(default)]
    organization: Option<String>,
    /// What may be done with it, such as `clip:delete`, `clip:*` or `*`, as long as one may oneself.
    #[schemars(length(min = 1, max = 100))]
    actions: Vec<ActionPattern>,
    /// Until when it serves, in UTC: a year at most.
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Timestamp,
}

pub(super) async fn list_own_tokens(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
) -> Result<Json<Vec<ShownToken>>> {
    visitor.secret()?;
    let account = account_of(&ctx)?;
    Ok(api_tokens::list(&*people.kernel.kernel()?, |token| is_own(token, account)))
}

pub(super) async fn create_own_token(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(new): Json<NewOwnToken>,
) -> Result<Created<MadeToken>> {
    let account = themselves(&ctx, &visitor)?;
    if new.expires_at.duration_since(ctx.now()).as_hours() > 24 * MOST_DAYS {
        return Err(invalid!(
            "a token of one's own serves for at most {MOST_DAYS} days: choose an earlier `expires_at`"
        ));
    }
    let tokens = people.kernel.kernel()?.directory().tokens();
    if tokens.iter().filter(|token| is_own(token, account)).count() >= MOST {
        return Err(conflict!("you have {MOST} tokens, which is as many as one may have: revoke one first"));
    }
    may_all(&people, &ctx, account, &new).await?;
    let wanted = Wanted {
        name: format!("account:{account}/{}", new.name.trim()),
        organization: new.organization,
        actions: Some(new.actions),
        account: Some(account),
        expires_at: Some(new.expires_at),
        calls_per_second: None,
    };
    api_tokens::make(&ctx, &people.kernel, wanted).await
}

pub(super) async fn revoke_own_token(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    let account = themselves(&ctx, &visitor)?;
    api_tokens::revoke(&ctx, &people.kernel, id, |token| is_own(token, account)).await
}

/// Whether a token is one that somebody made for themselves, and no organization's.
fn is_own(token: &Token, account: AccountId) -> bool {
    token.principal.account == Some(account) && token.name.starts_with(&format!("account:{account}/"))
}

/// Whoever has signed in, as themselves.
fn themselves(ctx: &Context, visitor: &Visitor) -> Result<AccountId> {
    visitor.secret()?;
    match &ctx.actor().impersonator {
        None => account_of(ctx),
        Some(_) => Err(forbidden!(
            "the tokens of {} are theirs alone to make and revoke; end acting as them first",
            ctx.actor().name
        )),
    }
}

/// Refuses an action that somebody may do in none of the organizations that the token is for. What they may do is asked again
/// whenever the token is used: a pattern stands for what they may then.
async fn may_all(people: &People, ctx: &Context, account: AccountId, new: &NewOwnToken) -> Result<()> {
    let kernel = people.kernel.kernel()?;
    let mut organizations = kernel.memberships(account).await?;
    if let Some(slug) = &new.organization {
        organizations.retain(|(organization, _)| organization.slug == *slug);
        if organizations.is_empty() {
            return Err(not_found!("there is no organization `{slug}`"));
        }
    }
    // As the token will be: a global administrator's is bound by roles as everybody's.
    let account = person(&people.accounts.account(account).await?);
    let person = Principal { is_administrator: false, ..account };
    let is_own_account = |action: &str| action == MANAGE;
    for ActionPattern(action) in
        new.actions.iter().filter(|ActionPattern(action)| !action.ends_with('*') && !is_own_account(action))
    {
        let mut may = false;
        for (organization, _) in &organizations {
            may = may || kernel.explain(&person, Some(organization), action, None).await?.allowed;
        }
        if !may {
            return Err(forbidden!(
                "`{}` may not do `{action}` in any organization that the token would be for, and cannot let a token do it",
                ctx.actor().name
            ));
        }
    }
    Ok(())
}
