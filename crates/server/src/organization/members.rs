//! People: who belongs to an organization, with which roles, and how they leave.

use std::{collections::HashMap, sync::Arc};

use switchboard_api::{AccountId, Roles};
use switchboard_kernel::Member;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{People, Person, called_for};
use crate::{kernel_handle::KernelHandle, own_account::own_account};

/// Which members are listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct MemberFilter {
    /// Only members with this text in their name or e-mail address, in any case.
    q: Option<String>,
    /// Only members who hold this role.
    role: Option<String>,
    /// How many to pass over.
    #[schemars(range(min = 0))]
    skip: usize,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
}

impl Default for MemberFilter {
    fn default() -> Self {
        Self { q: None, role: None, skip: 0, limit: 100 }
    }
}

/// Members, and how many there are in all.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Members {
    /// How many the filter lets through.
    total: usize,
    /// Those asked for, in the order in which they came.
    members: Vec<OneMember>,
}

/// Somebody who belongs to the organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OneMember {
    /// The number of their account.
    account: i64,
    /// The name that others read; `null` where the account is gone.
    name: Option<String>,
    /// Their e-mail address; `null` where the account is gone.
    email: Option<String>,
    /// Their roles, by name.
    roles: Vec<String>,
    /// Since when they belong to it, in UTC.
    joined_at: String,
}

/// The roles that a member is to hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRoles {
    /// All of them, by name, instead of those they hold.
    #[schemars(length(min = 1, max = 20))]
    roles: Vec<String>,
}

impl OneMember {
    fn of(member: Member, person: Option<&Person>) -> Self {
        Self {
            account: member.account.0,
            name: person.map(|person| person.name.clone()),
            email: person.map(|person| person.email.clone()),
            roles: member.roles.iter().map(str::to_owned).collect(),
            joined_at: member.joined_at.to_string(),
        }
    }

    fn has_text(&self, text: &str) -> bool {
        [&self.name, &self.email].into_iter().flatten().any(|own| own.to_lowercase().contains(text))
    }
}

pub(super) async fn list_members(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    people: Shared<Arc<dyn People>>,
    Query(filter): Query<MemberFilter>,
) -> Result<Json<Members>> {
    let mut members = kernel.kernel()?.members(called_for(&ctx)?.id).await?;
    members.retain(|member| filter.role.as_deref().is_none_or(|role| member.roles.contains(role)));
    let accounts: Vec<AccountId> = members.iter().map(|member| member.account).collect();
    let known: HashMap<AccountId, Person> = people.people(&accounts).await?;
    let members = members.into_iter().map(|member| {
        let person = known.get(&member.account);
        OneMember::of(member, person)
    });
    let text = filter.q.as_deref().map(str::to_lowercase);
    let members: Vec<_> =
        members.filter(|member| text.as_deref().is_none_or(|text| member.has_text(text))).collect();
    let total = members.len();
    Ok(Json(Members { total, members: members.into_iter().skip(filter.skip).take(filter.limit).collect() }))
}

pub(super) async fn change_member(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    people: Shared<Arc<dyn People>>,
    Path(account): Path<i64>,
    Json(new): Json<NewRoles>,
) -> Result<Json<OneMember>> {
    let (organization, account) = (called_for(&ctx)?, AccountId(account));
    let roles = Roles::new(new.roles.iter().map(String::as_str));
    let (id, caller) = (organization.id, ctx.clone());
    kernel
        .change(&ctx, async move |kernel, by| {
            let may = |before: &Roles| may_change(&caller, before, &roles);
            kernel.change_member(&by, &organization, account, &roles, may).await
        })
        .await?;
    let members = kernel.kernel()?.members(id).await?;
    let member = members.into_iter().find(|member| member.account == account);
    let member = member.ok_or_else(|| not_found!("account {account} has just left"))?;
    let known = people.people(&[account]).await?;
    Ok(Json(OneMember::of(member, known.get(&account))))
}

pub(super) async fn remove_member(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(account): Path<i64>,
) -> Result<NoContent> {
    let (organization, account) = (called_for(&ctx)?, AccountId(account));
    let caller = ctx.clone();
    kernel
        .change(&ctx, async move |kernel, by| {
            let may = |before: &Roles| may_change(&caller, before, &Roles::new([]));
            kernel.remove_member(&by, &organization, account, may).await
        })
        .await?;
    Ok(NoContent)
}

pub(super) async fn leave_organization(ctx: Context, kernel: Shared<KernelHandle>) -> Result<NoContent> {
    let (organization, account) = (called_for(&ctx)?, own_account(&ctx)?);
    kernel
        .change(&ctx, async move |kernel, by| {
            kernel.remove_member(&by, &organization, account, |_| Ok(())).await
        })
        .await?;
    Ok(NoContent)
}

/// Refuses unless the caller may give and take what differs: owners make owners, and who may write roles anyway gives roles that
/// say more than `member` and `viewer` do.
pub(super) fn may_change(ctx: &Context, before: &Roles, after: &Roles) -> Result<()> {
    let given = after.iter().filter(|role| !before.contains(role));
    let taken = before.iter().filter(|role| !after.contains(role));
    for role in given.chain(taken) {
        match role {
            "owner" => ctx.require("owner:manage")?,
            "member" | "viewer" => {}
            _ => ctx.require("role:manage")?,
        }
    }
    Ok(())
}
