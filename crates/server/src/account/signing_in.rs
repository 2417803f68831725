//! Signing in and out.

use std::sync::Arc;

use http::HeaderMap;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{
    failed_sign_ins::FailedSignIns,
    people::{People, entry},
    shapes::SessionBegun,
    visitor::Visitor,
};

/// Who signs in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// The e-mail address.
    email: String,
    /// The password.
    password: String,
}

/// A code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    /// A code of the second factor, or a recovery code.
    code: String,
}

pub(super) async fn sign_in(
    ctx: Context,
    people: Shared<People>,
    failed: Shared<Arc<FailedSignIns>>,
    visitor: Visitor,
    Json(credentials): Json<Credentials>,
) -> Result<(HeaderMap, Json<SessionBegun>)> {
    visitor.of_this_site()?;
    let Credentials { email, password } = &credentials;
    let signed_in = people.accounts.sign_in(email, password, &visitor.client).await;
    let signed_in = signed_in.map_err(|refused| failed.note(&ctx, &people, refused, &visitor.client))?;
    // Whatever session the browser had, maybe one that somebody else put there, ends.
    if let Some(before) = visitor.shown() {
        people.accounts.sign_out(before).await?;
    }
    let account = &signed_in.session.account;
    people.note_of(&ctx, account, entry("session.begun", account)).await?;
    Ok((visitor.keeping(&signed_in), Json((&signed_in).into())))
}

pub(super) async fn show_second_factor(
    ctx: Context,
    people: Shared<People>,
    failed: Shared<Arc<FailedSignIns>>,
    visitor: Visitor,
    Json(shown): Json<Code>,
) -> Result<(HeaderMap, Json<SessionBegun>)> {
    let signed_in = people.accounts.finish_sign_in(visitor.confirmed_secret()?, &shown.code).await;
    let signed_in = signed_in.map_err(|refused| failed.note(&ctx, &people, refused, &visitor.client))?;
    let account = &signed_in.session.account;
    people.note_of(&ctx, account, entry("session.completed", account)).await?;
    Ok((visitor.keeping(&signed_in), Json((&signed_in).into())))
}

pub(super) async fn sign_out(people: Shared<People>, visitor: Visitor) -> Result<(HeaderMap, NoContent)> {
    people.accounts.sign_out(visitor.confirmed_secret()?).await?;
    Ok((visitor.forgetting(), NoContent))
}
