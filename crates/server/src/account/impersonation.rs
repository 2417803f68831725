//! Ending to act as somebody else; it is begun in the administration.

use http::HeaderMap;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{people::People, shapes::SessionBegun, visitor::Visitor};
use crate::own_account::account_of;

pub(super) async fn end_impersonation(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
) -> Result<(HeaderMap, Json<SessionBegun>)> {
    let ended = people.accounts.end_impersonation(visitor.secret()?).await?;
    let subject = format!("account:{}", account_of(&ctx)?);
    people.note(&ctx, switchboard_kernel::AuditEntry::new("impersonation.ended", subject)).await?;
    Ok((visitor.keeping(&ended), Json((&ended).into())))
}
