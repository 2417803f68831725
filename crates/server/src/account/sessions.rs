//! The sessions of one's own account.

use switchboard_sdk::{extract::Shared, prelude::*};

use super::{
    people::{People, entry},
    visitor::Visitor,
};
use crate::own_account::own_account;

/// A session.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ShownSession {
    /// Its number.
    id: i64,
    /// Whether it is the one that asks.
    is_this_one: bool,
    /// The address from which it began.
    address: Option<String>,
    /// What the browser called itself.
    user_agent: Option<String>,
    /// When it began, in UTC.
    created_at: String,
    /// When it was last used, in UTC, to the minute.
    last_seen_at: String,
    /// When it ends, in UTC; earlier when it is not used for a week.
    expires_at: String,
}

pub(super) async fn list_sessions(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
) -> Result<Json<Vec<ShownSession>>> {
    let own = own(&people, &visitor).await?;
    let sessions = people.accounts.sessions(own_account(&ctx)?).await?;
    let shown = sessions.iter().map(|session| ShownSession {
        id: session.id,
        is_this_one: Some(session.id) == own,
        address: session.address.clone(),
        user_agent: session.user_agent.clone(),
        created_at: session.created_at.to_string(),
        last_seen_at: session.last_seen_at().to_string(),
        expires_at: session.expires_at.to_string(),
    });
    Ok(Json(shown.collect()))
}

pub(super) async fn end_session(
    ctx: Context,
    people: Shared<People>,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    let account = people.accounts.account(own_account(&ctx)?).await?;
    if !people.accounts.end_session(account.id, id).await? {
        return Err(not_found!("you have no session {id}"));
    }
    people.note(&ctx, entry("session.ended", &account).before(id)).await?;
    Ok(NoContent)
}

pub(super) async fn end_other_sessions(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
) -> Result<NoContent> {
    let account = people.accounts.account(own_account(&ctx)?).await?;
    let own = own(&people, &visitor).await?;
    let ended = people.accounts.end_sessions(account.id, own).await?;
    people.note(&ctx, entry("session.others_ended", &account).before(ended)).await?;
    Ok(NoContent)
}

/// The number of the session that asks; none for a token.
async fn own(people: &People, visitor: &Visitor) -> Result<Option<i64>> {
    match visitor.shown() {
        Some(secret) => Ok(people.accounts.session(secret).await?.map(|session| session.id)),
        None => Ok(None),
    }
}
