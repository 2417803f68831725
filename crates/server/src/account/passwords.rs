//! Passwords: forgotten, set anew, changed.

use http::HeaderMap;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{
    people::{People, entry},
    shapes::{SessionBegun, TakenOn},
    visitor::Visitor,
};

/// Whose password is forgotten.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forgotten {
    /// The e-mail address.
    email: String,
}

/// A password to be set by a code that came by mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    /// The code.
    code: String,
    /// The password from now on: 10 to 200 characters.
    new_password: String,
}

/// A password in place of another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The password until now; empty for an account that has none.
    password: String,
    /// The password from now on: 10 to 200 characters.
    new_password: String,
}

pub(super) async fn forgot_password(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(forgotten): Json<Forgotten>,
) -> Result<Json<TakenOn>> {
    visitor.of_this_site()?;
    if let Some(mailing) = people.accounts.forgot_password(&forgotten.email, &visitor.client).await? {
        // Nobody waits for it: how long it takes would tell that there is such an account.
        let people = People::clone(&people);
        tokio::spawn(async move {
            if let Err(failure) = people.mail(&ctx, &mailing).await {
                tracing::warn!("the code that sets a password anew was not sent: {failure}");
            }
        });
    }
    Ok(Json(TakenOn { message: "if there is such an account, a code is on its way".to_owned() }))
}

pub(super) async fn reset_password(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(reset): Json<Reset>,
) -> Result<NoContent> {
    visitor.of_this_site()?;
    let account = people.accounts.reset_password(&reset.code, &reset.new_password).await?;
    people.note_of(&ctx, &account, entry("account.password_reset", &account)).await?;
    Ok(NoContent)
}

pub(super) async fn change_password(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(new): Json<NewPassword>,
) -> Result<(HeaderMap, Json<SessionBegun>)> {
    let secret = visitor.secret()?;
    let changed =
        people.accounts.change_password(secret, &new.password, &new.new_password, &visitor.client).await?;
    people.note(&ctx, entry("account.password_changed", &changed.session.account)).await?;
    Ok((visitor.keeping(&changed), Json((&changed).into())))
}
