//! Who belongs to which organization, and with which roles.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Deserialize;
use switchboard_api::{AccountId, Organization, OrganizationId, Roles};
use switchboard_store::Room;

use crate::{audit::Entry, by::By, error::Error, kernel::Kernel};

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
        let _changing = self.changing.lock().await;
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
}
