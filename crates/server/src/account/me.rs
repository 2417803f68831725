//! Whoever calls.

use switchboard_accounts::csrf_token;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{
    people::{People, entry},
    shapes::ShownAccount,
    visitor::Visitor,
};
use crate::own_account::{account_of, own_account};

/// Whoever calls.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Me {
    /// Their account.
    account: ShownAccount,
    /// The organizations that they belong to.
    organizations: Vec<Membership>,
    /// The e-mail address of the global administrator who acts as them, if one does.
    impersonator: Option<String>,
    /// What to send as `X-CSRF-Token` with everything that changes something; none for a token.
    csrf_token: Option<String>,
    /// How many recovery codes are left.
    recovery_codes_left: i64,
}

/// An organization that somebody belongs to.
#[derive(Debug, Serialize, JsonSchema)]
struct Membership {
    /// Its name in addresses.
    slug: String,
    /// The name people read.
    name: String,
    /// The roles that they hold there.
    roles: Vec<String>,
}

/// What to change of one's account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MeChange {
    /// What people call them.
    name: String,
}

/// An identity at a provider, by which one can sign in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Identity {
    /// The provider.
    provider: String,
    /// What one is called there.
    subject: String,
    /// The e-mail address that one had there.
    email: Option<String>,
    /// Since when it is linked, in UTC.
    linked_at: String,
}

pub(super) async fn get_me(ctx: Context, people: Shared<People>, visitor: Visitor) -> Result<Json<Me>> {
    let account = people.accounts.account(account_of(&ctx)?).await?;
    let kernel = people.kernel.kernel()?;
    let mut organizations = Vec::new();
    for organization in kernel.directory().organizations() {
        if let Some(roles) = kernel.roles_of(account.id, organization.id).await? {
            let roles = roles.iter().map(str::to_owned).collect();
            let (slug, name) = (organization.slug.clone(), organization.name.clone());
            organizations.push(Membership { slug, name, roles });
        }
    }
    Ok(Json(Me {
        organizations,
        impersonator: ctx.actor().impersonator.as_deref().map(str::to_owned),
        csrf_token: visitor.shown().map(csrf_token),
        recovery_codes_left: people.accounts.recovery_codes_left(account.id).await?,
        account: (&account).into(),
    }))
}

pub(super) async fn change_me(
    ctx: Context,
    people: Shared<People>,
    Json(change): Json<MeChange>,
) -> Result<Json<ShownAccount>> {
    let before = people.accounts.account(own_account(&ctx)?).await?;
    let account = people.accounts.rename(before.id, &change.name).await?;
    people.note(&ctx, entry("account.renamed", &account).before(&before.name).after(&account.name)).await?;
    Ok(Json((&account).into()))
}

pub(super) async fn list_identities(ctx: Context, people: Shared<People>) -> Result<Json<Vec<Identity>>> {
    let linked = people.accounts.links(own_account(&ctx)?).await?;
    let shown = linked.into_iter().map(|linked| Identity {
        provider: linked.provider,
        subject: linked.subject,
        email: linked.email,
        linked_at: linked.linked_at.to_string(),
    });
    Ok(Json(shown.collect()))
}

pub(super) async fn unlink_identity(
    ctx: Context,
    people: Shared<People>,
    visitor: Visitor,
    Path((provider, subject)): Path<(String, String)>,
) -> Result<NoContent> {
    people.accounts.unlink(visitor.secret()?, &provider, &subject).await?;
    let account = people.accounts.account(own_account(&ctx)?).await?;
    people.note(&ctx, entry("account.identity_unlinked", &account).before(provider)).await?;
    Ok(NoContent)
}
