//! What global administrators do with accounts.

use http::HeaderMap;
use switchboard_accounts::{Filter, NewAccount};
use switchboard_api::AccountId;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{
    explanation::explain_authorization,
    people::{People, entry},
    shapes::{SessionBegun, ShownAccount},
    visitor::Visitor,
};

/// Which accounts are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Wanted {
    /// Those whose address or name has this in it; all when absent.
    #[serde(default)]
    text: String,
    /// Those that come after this one: `next` of the page before.
    #[serde(default)]
    after: Option<i64>,
    /// How many at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Some of the accounts, by number.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AccountPage {
    /// The accounts.
    accounts: Vec<ShownAccount>,
    /// What to ask for as `after`, if there are more.
    next: Option<i64>,
}

/// An account to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MadeAccount {
    /// The e-mail address, which counts as verified.
    email: String,
    /// What people call them; the part of the address before the `@` when absent.
    #[serde(default)]
    name: String,
    /// The password: 10 to 200 characters; none when absent, so that they set one by mail or sign in by a provider.
    #[serde(default)]
    password: Option<String>,
    /// Whether they are a global administrator.
    #[serde(default)]
    is_administrator: bool,
}

/// Whether somebody is a global administrator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Administrator {
    /// Whether they are.
    is_administrator: bool,
}

/// A password to be set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPassword {
    /// The password: 10 to 200 characters.
    password: String,
}

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .get("/api/admin/authorization", explain_authorization)
        .get("/api/admin/accounts", list_accounts)
        .post("/api/admin/accounts", create_account)
        .get("/api/admin/accounts/{id}", get_account)
        .post("/api/admin/accounts/{id}/disable", disable_account)
        .post("/api/admin/accounts/{id}/enable", enable_account)
        .put("/api/admin/accounts/{id}/administrator", set_administrator)
        .post("/api/admin/accounts/{id}/password", set_password)
        .delete("/api/admin/accounts/{id}/second-factor", remove_second_factor_of)
        .delete("/api/admin/accounts/{id}/sessions", end_sessions_of)
        .post("/api/admin/accounts/{id}/impersonate", impersonate)
}

async fn list_accounts(people: Shared<People>, Query(wanted): Query<Wanted>) -> Result<Json<AccountPage>> {
    let after = wanted.after.map(AccountId);
    let page = people.accounts.list(&Filter { text: &wanted.text, after, limit: wanted.limit }).await?;
    let accounts = page.accounts.iter().map(ShownAccount::from).collect();
    Ok(Json(AccountPage { accounts, next: page.next.map(|next| next.0) }))
}

async fn get_account(people: Shared<People>, Path(id): Path<i64>) -> Result<Json<ShownAccount>> {
    Ok(Json((&people.accounts.account(AccountId(id)).await?).into()))
}

async fn create_account(
    ctx: Context,
    people: Shared<People>,
    Json(made): Json<MadeAccount>,
) -> Result<Created<ShownAccount>> {
    let new = NewAccount {
        email: &made.email,
        name: &made.name,
        password: made.password.as_deref(),
        is_administrator: made.is_administrator,
        is_verified: true,
    };
    let account = people.accounts.create(new).await?;
    let after = serde_json::json!({ "email": account.email, "is_administrator": account.is_administrator });
    people.note(&ctx, entry("account.created", &account).after(after)).await?;
    Ok(Created((&account).into()))
}

async fn disable_account(
    ctx: Context,
    people: Shared<People>,
    Path(id): Path<i64>,
) -> Result<Json<ShownAccount>> {
    if ctx.actor().account == Some(AccountId(id)) {
        return Err(conflict!("nobody disables their own account; another administrator can"));
    }
    let account = people.accounts.set_disabled(AccountId(id), true).await?;
    people.note(&ctx, entry("account.disabled", &account)).await?;
    Ok(Json((&account).into()))
}

async fn enable_account(
    ctx: Context,
    people: Shared<People>,
    Path(id): Path<i64>,
) -> Result<Json<ShownAccount>> {
    let account = people.accounts.set_disabled(AccountId(id), false).await?;
    people.note(&ctx, entry("account.enabled", &account)).await?;
    Ok(Json((&account).into()))
}

async fn set_administrator(
    ctx: Context,
    people: Shared<People>,
    Path(id): Path<i64>,
    Json(wanted): Json<Administrator>,
) -> Result<Json<ShownAccount>> {
    let before = people.accounts.account(AccountId(id)).await?;
    let account = people.accounts.set_administrator(before.id, wanted.is_administrator).await?;
    let line = entry("account.administrator_set", &account);
    people.note(&ctx, line.before(before.is_administrator).after(account.is_administrator)).await?;
    Ok(Json((&account).into()))
}

async fn set_password(
    ctx: Context,
    people: Shared<People>,
    Path(id): Path<i64>,
    Json(set): Json<SetPassword>,
) -> Result<NoContent> {
    people.accounts.set_password(AccountId(id), &set.password).await?;
    let account = people.accounts.account(AccountId(id)).await?;
    people.note(&ctx, entry("account.password_set", &account)).await?;
    Ok(NoContent)
}

async fn remove_second_factor_of(
    ctx: Context,
    people: Shared<People>,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    let account = people.accounts.account(AccountId(id)).await?;
    people.accounts.drop_second_factor(account.id).await?;
    people.note(&ctx, entry("account.second_factor_removed", &account)).await?;
    Ok(NoContent)
}

async fn end_sessions_of(ctx: Context, people: Shared<People>, Path(id): Path<i64>) -> Result<NoContent> {
    let account = people.accounts.account(AccountId(id)).await?;
    let ended = people.accounts.end_sessions(account.id, None).await?;
    people.note(&ctx, entry("account.sessions_ended", &account).before(ended)).await?;
    Ok(NoContent)
}

async fn impersonate(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<(HeaderMap, Json<SessionBegun>)> {
    let begun = people.accounts.begin_impersonation(visitor.secret()?, AccountId(id)).await?;
    people.note(&ctx, entry("impersonation.begun", begun.session.actor())).await?;
    Ok((visitor.keeping(&begun), Json((&begun).into())))
}
