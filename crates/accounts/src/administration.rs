//! What global administrators do with accounts.

use switchboard_api::{AccountId, Timestamp};

use crate::{
    account::{Account, COLUMNS},
    accounts::Accounts,
    error::Error,
    moment,
};

/// The most accounts of a page.
const MOST_OF_A_PAGE: u32 = 200;

/// Which accounts are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Those whose address or name has this in it, in whatever case; all when empty.
    pub text: &'a str,
    /// Those that come after this one.
    pub after: Option<AccountId>,
    /// How many at most: 50 unless said otherwise, 200 at most.
    pub limit: Option<u32>,
}

/// Some of the accounts that were asked for, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// Where to go on, if there are more.
    pub next: Option<AccountId>,
}

impl Accounts {
    /// The accounts that pass the filter, a page at a time.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self, filter: &Filter<'_>) -> Result<Page, Error> {
        let limit = filter.limit.unwrap_or(50).clamp(1, MOST_OF_A_PAGE);
        let text = filter.text.trim().to_lowercase();
        let pattern = format!("%{}%", text.replace('!', "!!").replace('%', "!%").replace('_', "!_"));
        let sql = format!(
            "select {COLUMNS} from account where id > $1 and (email like $2 escape '!' or lower(name) like $2 escape \
             '!') order by id limit $3"
        );
        let after = filter.after.map_or(0, |after| after.0);
        let params = vec![after.into(), pattern.into(), (limit + 1).into()];
        let mut accounts: Vec<Account> = self.all(&sql, params).await?;
        let has_more = accounts.len() > limit as usize;
        accounts.truncate(limit as usize);
        let next = accounts.last().filter(|_| has_more).map(|account| account.id);
        Ok(Page { accounts, next })
    }

    /// How many accounts there are.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn count(&self) -> Result<i64, Error> {
        Ok(self.first("select count(*) from account", vec![]).await?.unwrap_or_default())
    }

    /// Disables an account and ends its sessions, or enables it again.
    ///
    /// # Errors
    /// [`Error::NoSuchAccount`].
    pub async fn set_disabled(&self, id: AccountId, is_disabled: bool) -> Result<Account, Error> {
        let since: Option<Timestamp> = is_disabled.then(|| self.now());
        let sql = "update account set disabled_at = $2 where id = $1";
        self.update(id, sql, vec![id.into(), since.map(moment::text).into()]).await?;
        if is_disabled {
            self.end_sessions(id, None).await?;
            self.room.execute("delete from code where account_id = $1", vec![id.into()]).await?;
        }
        self.account(id).await
    }

    /// Makes somebody a global administrator, or makes them none.
    ///
    /// # Errors
    /// [`Error::NoSuchAccount`].
    pub async fn set_administrator(&self, id: AccountId, is_administrator: bool) -> Result<Account, Error> {
        let sql = "update account set is_administrator = $2 where id = $1";
        self.update(id, sql, vec![id.into(), is_administrator.into()]).await?;
        self.account(id).await
    }
}
