//! Who accounts are: what members are called, and where they get their mail.

use std::collections::HashMap;

use switchboard_accounts::{Account, Accounts};
use switchboard_api::{AccountId, BoxFuture, Failure};

/// Who an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their e-mail address.
    pub email: String,
    /// Whether they have shown that it is theirs.
    pub email_is_verified: bool,
    /// The name that others read.
    pub name: String,
}

/// Knows who accounts are.
pub trait People: Send + Sync {
    /// Who these accounts are; those that there are not are left out.
    fn people<'a>(
        &'a self,
        accounts: &'a [AccountId],
    ) -> BoxFuture<'a, Result<HashMap<AccountId, Person>, Failure>>;
}

/// Knows nobody: for a server without accounts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl People for Nobody {
    fn people<'a>(
        &'a self,
        _: &'a [AccountId],
    ) -> BoxFuture<'a, Result<HashMap<AccountId, Person>, Failure>> {
        Box::pin(std::future::ready(Ok(HashMap::new())))
    }
}

impl People for Accounts {
    fn people<'a>(
        &'a self,
        accounts: &'a [AccountId],
    ) -> BoxFuture<'a, Result<HashMap<AccountId, Person>, Failure>> {
        Box::pin(async move {
            let known = self.accounts(accounts).await;
            let known = known.map_err(|error| Failure::unavailable(error.to_string()))?;
            Ok(known.into_iter().map(|account| (account.id, account.into())).collect())
        })
    }
}

impl From<Account> for Person {
    fn from(account: Account) -> Self {
        Self { email_is_verified: account.is_verified(), email: account.email, name: account.name }
    }
}
