//! Who belongs to which organization, and with which roles.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Deserialize;
use switchboard_api::{AccountId, Failure, Organization, OrganizationId, Roles, Timestamp};
use switchboard_authorization::{BUILT_IN, OWNER};
use switchboard_store::Room;

use crate::{
    audit::{Change, Entry},
    by::By,
    error::Error,
    kernel::Kernel,
};

/// How many memberships are remembered; beyond it, all are forgotten and read again.
const REMEMBERED: usize = 100_000;

/// Who belongs to which organization: read when it is first asked for, and remembered until it changes.
#[derive(Default)]
pub(crate) struct Members {
    /// None for an account that is no member.
    known: RwLock<HashMap<(AccountId, OrganizationId), Option<Roles>>>,
    /// Counts the times that everything was forgotten: what was read before is not remembered after.
    forgotten: AtomicU64,
}

/// Somebody who belongs to an organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Their account.
    pub account: AccountId,
    /// The roles that they hold there.
    #[serde(deserialize_with = "roles")]
    pub roles: Roles,
    /// Since when they belong to it.
    pub joined_at: Timestamp,
}

pub(crate) fn roles<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Roles, D::Error> {
    Ok(Roles::new(String::deserialize(from)?.split(' ')))
}

#[derive(Deserialize)]
struct RolesRow {
    roles: String,
}

impl Members {
    /// The roles that an account holds in an organization; none for one that is no member.
    pub(crate) async fn roles(
        &self,
        room: &Room,
        account: AccountId,
        organization: OrganizationId,
    ) -> Result<Option<Roles>, Error> {
        let key = (account, organization);
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let before = self.forgotten.load(Ordering::Acquire);
        let sql = "select roles from member where account_id = $1 and organization_id = $2";
        let rows = room.query(sql, vec![account.into(), organization.into()]).await?;
        let roles = rows.to::<RolesRow>()?.pop().map(|row| Roles::new(row.roles.split(' ')));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        if self.forgotten.load(Ordering::Acquire) == before {
            known.insert(key, roles.clone());
        }
        Ok(roles)
    }

    /// Forgets everything: somebody's membership has changed.
    pub(crate) fn forget(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::Release);
        known.clear();
    }
}

impl Kernel {
    /// The roles that an account holds in an organization; none for one that is no member.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn roles_of(
        &self,
        account: AccountId,
        organization: OrganizationId,
    ) -> Result<Option<Roles>, Error> {
        self.members.roles(&self.room, account, organization).await
    }

    /// Makes an account a member with these roles, or gives a member these roles instead of those it held.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn set_member(
        &self,
        by: &By,
        organization: &Organization,
        account: AccountId,
        roles: &Roles,
    ) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let before = self.roles_of(account, organization.id).await?;
        let sql = "insert into member (organization_id, account_id, roles, joined_at) values ($1, $2, $3, $4) \
                   on conflict (organization_id, account_id) do update set roles = excluded.roles";
        let params = vec![
            organization.id.into(),
            account.into(),
            roles.as_str().into(),
            self.now().to_string().into(),
        ];
        let mut change = self.change(by).await?;
        change.execute(sql, params).await?;
        let action = if before.is_none() { "member.added" } else { "member.changed" };
        let entry = Entry::new(action, format!("account:{account}")).within(Some(organization.id));
        let entry = entry.after(roles.as_str());
        let entry = match &before {
            Some(before) => entry.before(before.as_str()),
            None => entry,
        };
        change.commit(entry).await?;
        self.members.forget();
        Ok(())
    }

    /// Everybody who belongs to an organization, in the order in which they came.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn members(&self, organization: OrganizationId) -> Result<Vec<Member>, Error> {
        let sql = "select account_id as account, roles, joined_at from member where organization_id = $1 \
                   order by joined_at, account_id";
        Ok(self.room.query(sql, vec![organization.into()]).await?.to()?)
    }

    /// The organizations that an account belongs to, by name in addresses, with its roles there.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn memberships(&self, account: AccountId) -> Result<Vec<(Organization, Roles)>, Error> {
        #[derive(Deserialize)]
        struct MembershipRow {
            id: OrganizationId,
            slug: String,
            name: String,
            roles: String,
        }
        let sql = "select organization.id, organization.slug, organization.name, member.roles from member \
                   join organization on organization.id = member.organization_id \
                   where member.account_id = $1 and organization.removed_at is null order by organization.slug";
        let rows = self.room.query(sql, vec![account.into()]).await?.to::<MembershipRow>()?;
        let membership = |row: MembershipRow| {
            let roles = Roles::new(row.roles.split(' '));
            (Organization { id: row.id, slug: row.slug, name: row.name }, roles)
        };
        Ok(rows.into_iter().map(membership).collect())
    }

    /// Refuses a role that an organization does not have.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming it, and those that there are.
    pub fn check_roles(&self, organization: OrganizationId, roles: &Roles) -> Result<(), Error> {
        let snapshot = self.snapshot();
        let mut known: Vec<&str> = BUILT_IN.to_vec();
        for role in snapshot.policies().roles(Some(organization.0)) {
            if !known.contains(&role.name.as_str()) {
                known.push(role.name.as_str());
            }
        }
        if roles.iter().next().is_none() {
            return Err(Error::Invalid(Failure::invalid("a member has at least one role, such as `member`")));
        }
        let Some(unknown) = roles.iter().find(|role| !known.contains(role)) else { return Ok(()) };
        let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = format!("there is no role `{unknown}` here: there are {known}");
        Err(Error::Invalid(Failure::invalid(message)))
    }

    /// Gives a member these roles instead of those it holds. `may` decides by those whether that is for whoever asks: nobody
    /// changes them meanwhile.
    ///
    /// # Errors
    /// [`Error::NoSuch`] for who is no member; [`Error::Invalid`] for a role that there is not, and with what `may` says;
    /// [`Error::Refused`] when the last owner would be none.
    pub async fn change_member(
        &self,
        by: &By,
        organization: &Organization,
        account: AccountId,
        roles: &Roles,
        may: impl FnOnce(&Roles) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let _changing = self.changing().await?;
        self.check_roles(organization.id, roles)?;
        let mut change = self.change(by).await?;
        let before = leaving(&mut change, organization, account, Some(roles), may).await?;
        let sql = "update member set roles = $3 where organization_id = $1 and account_id = $2";
        change.execute(sql, vec![organization.id.into(), account.into(), roles.as_str().into()]).await?;
        let entry = Entry::new("member.changed", format!("account:{account}")).within(Some(organization.id));
        change.commit(entry.before(before.as_str()).after(roles.as_str())).await?;
        self.members.forget();
        Ok(())
    }

    /// Takes somebody out of an organization. `may` decides by the roles that they hold whether that is for whoever asks.
    ///
    /// # Errors
    /// [`Error::NoSuch`] for who is no member; [`Error::Invalid`] with what `may` says; [`Error::Refused`] for the last owner.
    pub async fn remove_member(
        &self,
        by: &By,
        organization: &Organization,
        account: AccountId,
        may: impl FnOnce(&Roles) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let mut change = self.change(by).await?;
        let before = leaving(&mut change, organization, account, None, may).await?;
        let sql = "delete from member where organization_id = $1 and account_id = $2";
        change.execute(sql, vec![organization.id.into(), account.into()]).await?;
        let entry = Entry::new("member.removed", format!("account:{account}")).within(Some(organization.id));
        change.commit(entry.before(before.as_str())).await?;
        self.members.forget();
        Ok(())
    }
}

/// The roles of a member who is to hold these instead, or to leave: refused if they may not, and if nobody would own the
/// organization then.
///
/// The first statement writes, so that nobody else changes members until this change is done.
async fn leaving(
    change: &mut Change<'_>,
    organization: &Organization,
    account: AccountId,
    instead: Option<&Roles>,
    may: impl FnOnce(&Roles) -> Result<(), Failure>,
) -> Result<Roles, Error> {
    let lock = "update organization set name = name where id = $1";
    change.execute(lock, vec![organization.id.into()]).await?;
    let sql = "select account_id as account, roles, joined_at from member where organization_id = $1";
    let members = change.query(sql, vec![organization.id.into()]).await?.to::<Member>()?;
    let Some(member) = members.iter().find(|member| member.account == account) else {
        let message = format!("account {account} is no member of `{}`", organization.slug);
        return Err(Error::NoSuch(message));
    };
    may(&member.roles).map_err(Error::Invalid)?;
    let others = members.iter().any(|other| other.account != account && other.roles.contains(OWNER));
    let stays = instead.is_some_and(|roles| roles.contains(OWNER));
    if member.roles.contains(OWNER) && !stays && !others {
        return Err(Error::Refused(format!(
            "account {account} is the last owner of `{}`: make somebody else an owner first",
            organization.slug
        )));
    }
    Ok(member.roles.clone())
}
