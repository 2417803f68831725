//! The second factor of one's own account.

use http::HeaderMap;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{
    people::{People, entry},
    shapes::SessionBegun,
    visitor::Visitor,
};
use crate::own_account::own_account;

/// The password, to prove again who one is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    /// The account's password; for an account without one, a code of its second factor.
    password: String,
}

/// A code of the application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// Six digits.
    code: String,
}

/// What an application for second factors needs to know, shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Enrolment {
    /// The secret in base32, to be typed.
    secret: String,
    /// The same as address, to be shown as QR code.
    uri: String,
}

/// Codes that stand in for the second factor, each once; shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RecoveryCodes {
    /// The codes.
    codes: Vec<String>,
}

/// A second factor that was confirmed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Confirmed {
    /// The session, which got another secret.
    session: SessionBegun,
    /// Codes that stand in for it, each once; shown this once.
    recovery_codes: Vec<String>,
}

pub(super) async fn begin_second_factor(
    people: Shared<People>,
    visitor: Visitor,
    Json(proof): Json<Proof>,
) -> Result<Json<Enrolment>> {
    let secret = visitor.secret()?;
    let begun = people.accounts.begin_second_factor(secret, &proof.password, &visitor.client).await?;
    Ok(Json(Enrolment { secret: begun.secret, uri: begun.uri }))
}

pub(super) async fn confirm_second_factor(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(confirmation): Json<Confirmation>,
) -> Result<(HeaderMap, Json<Confirmed>)> {
    let confirmed = people.accounts.confirm_second_factor(visitor.secret()?, &confirmation.code).await?;
    let (signed_in, recovery_codes) = confirmed;
    people.note(&ctx, entry("account.second_factor_added", &signed_in.session.account)).await?;
    Ok((visitor.keeping(&signed_in), Json(Confirmed { session: (&signed_in).into(), recovery_codes })))
}

pub(super) async fn remove_second_factor(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(proof): Json<Proof>,
) -> Result<NoContent> {
    people.accounts.remove_second_factor(visitor.secret()?, &proof.password, &visitor.client).await?;
    let account = people.accounts.account(own_account(&ctx)?).await?;
    people.note(&ctx, entry("account.second_factor_removed", &account)).await?;
    Ok(NoContent)
}

pub(super) async fn make_recovery_codes(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(proof): Json<Proof>,
) -> Result<Json<RecoveryCodes>> {
    let secret = visitor.secret()?;
    let codes = people.accounts.new_recovery_codes(secret, &proof.password, &visitor.client).await?;
    let account = people.accounts.account(own_account(&ctx)?).await?;
    people.note(&ctx, entry("account.recovery_codes_made", &account)).await?;
    Ok(Json(RecoveryCodes { codes }))
}
