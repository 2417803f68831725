//! Making an account for oneself, and proving whose an e-mail address is.

use switchboard_accounts::NewAccount;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{
    people::{People, entry},
    shapes::{ShownAccount, TakenOn},
    visitor::Visitor,
};
use crate::own_account::own_account;

/// An account to be made for oneself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRegistration {
    /// The e-mail address.
    email: String,
    /// What people call them; the part of the address before the `@` when absent.
    #[serde(default)]
    name: String,
    /// The password: 10 to 200 characters.
    password: String,
    /// The code of an invitation into an organization, of which they become a member at once.
    #[serde(default)]
    #[schemars(length(max = 100))]
    invitation: Option<String>,
}

/// An account that somebody has just made for themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Registered {
    #[serde(flatten)]
    account: ShownAccount,
    /// The organization that they became a member of, by its name in addresses. None without an invitation, and with one for a
    /// single e-mail address: that is accepted once the address is verified.
    joined: Option<String>,
}

/// A code that came by mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MailedCode {
    /// The code.
    code: String,
}

/// An address that the account shall have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEmail {
    /// The address.
    email: String,
    /// The account's password.
    password: String,
}

pub(super) async fn register(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(new): Json<NewRegistration>,
) -> Result<Created<Registered>> {
    visitor.of_this_site()?;
    let invited = people.may_register(new.invitation.as_deref(), &new.email).await?;
    let password = Some(new.password.as_str());
    let wanted = NewAccount { email: &new.email, name: &new.name, password, ..NewAccount::default() };
    let account = people.accounts.register(wanted, &visitor.client).await?;
    let joined = people.join(&ctx, &account, invited).await?;
    people.note_of(&ctx, &account, entry("account.registered", &account).after(&account.email)).await?;
    let mailing = people.accounts.verification(account.id).await?;
    if let Err(failure) = people.mail(&ctx, &mailing).await {
        tracing::warn!("the code that verifies a new account was not sent: {failure}");
    }
    Ok(Created(Registered { account: (&account).into(), joined }))
}

pub(super) async fn verify_email(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(mailed): Json<MailedCode>,
) -> Result<Json<ShownAccount>> {
    visitor.of_this_site()?;
    let account = people.accounts.verify_email(&mailed.code).await?;
    people.note_of(&ctx, &account, entry("account.email_verified", &account).after(&account.email)).await?;
    Ok(Json((&account).into()))
}

pub(super) async fn ask_for_verification(ctx: Context, people: Shared<People>) -> Result<Json<TakenOn>> {
    let mailing = people.accounts.verification(own_account(&ctx)?).await?;
    people.mail(&ctx, &mailing).await?;
    Ok(Json(TakenOn { message: format!("a code is on its way to {}", mailing.email) }))
}

pub(super) async fn change_email(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Json(new): Json<NewEmail>,
) -> Result<Json<TakenOn>> {
    let secret = visitor.secret()?;
    let mailing = people.accounts.change_email(secret, &new.password, &new.email, &visitor.client).await?;
    people.mail(&ctx, &mailing).await?;
    Ok(Json(TakenOn {
        message: format!("a code is on its way to {}; with it the address changes", mailing.email),
    }))
}
