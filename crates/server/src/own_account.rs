//! The account behind a call: a person's session, or a token on a person's behalf.

use switchboard_api::AccountId;
use switchboard_sdk::{Context, Result, forbidden};

/// What a token has to be allowed to act as the person does with their own account: sessions may do so anyway.
pub(crate) const MANAGE: &str = "account:manage";

/// Who the caller is.
pub(crate) fn account_of(ctx: &Context) -> Result<AccountId> {
    let actor = ctx.actor();
    let message =
        || forbidden!("`{}` acts on nobody's behalf, and has no account: sign in with one", actor.name);
    actor.account.ok_or_else(message)
}

/// The same for what is more than knowing who it is: a token that is for other things does not reach its owner's account.
pub(crate) fn own_account(ctx: &Context) -> Result<AccountId> {
    let (account, actor) = (account_of(ctx)?, ctx.actor());
    match actor.actions.allow(MANAGE) {
        true => Ok(account),
        false => Err(forbidden!("`{}` may not do `{MANAGE}`", actor.name)),
    }
}
