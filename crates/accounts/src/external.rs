//! External identities: who somebody is at a provider of sign-ins.

use serde::Deserialize;
use switchboard_api::{AccountId, Timestamp};

use crate::{
    account::{Account, NewAccount},
    accounts::Accounts,
    client::Client,
    email::Email,
    error::Error,
    moment,
    not_signed_in::{NotSignedIn, Reason},
    session::SignedIn,
};

/// What a provider says of somebody who has just signed in there.
#[derive(Debug, Clone)]
pub struct ExternalIdentity {
    /// The provider, by the name it has here.
    pub provider: String,
    /// What they are called there, once and for all.
    pub subject: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Whether the provider knows that the address is theirs.
    pub is_email_verified: bool,
    /// What people call them.
    pub name: Option<String>,
}

/// An identity by which somebody can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Linked {
    /// The provider.
    pub provider: String,
    /// What they are called there.
    pub subject: String,
    /// The e-mail address that they had there.
    pub email: Option<String>,
    /// Since when it is linked.
    pub linked_at: Timestamp,
}

impl Accounts {
    /// Whoever the provider says it is, if they have an account here. One who is known by the identity has that account;
    /// otherwise a verified address links to the account that has it and has verified it.
    ///
    /// An address that one side has not verified links nothing: whoever wrote it there need not have it.
    ///
    /// # Errors
    /// [`Error::Refused`] when an account has the address, and it is not proved on both sides whose it is.
    pub async fn recognize(&self, identity: &ExternalIdentity) -> Result<Option<Account>, Error> {
        if let Some(known) = self.known_by(identity).await? {
            return Ok(Some(known));
        }
        let email = identity.email.as_deref().unwrap_or_default();
        let Some(account) = self.find_by_email(email).await? else { return Ok(None) };
        if !identity.is_email_verified || !account.is_verified() {
            return Err(Error::Refused(format!(
                "an account with the e-mail address {} exists already, and it is not proved on both sides whose the \
                 address is; sign in to that account, or set its password anew by mail, and link {} there",
                account.email, identity.provider
            )));
        }
        self.insert_link(account.id, identity).await?;
        Ok(Some(account))
    }

    /// Makes an account for somebody whom nobody [recognizes](Self::recognize).
    ///
    /// # Errors
    /// As [`create`](Self::create), of which [`Error::Invalid`] when there is no address.
    pub async fn register_external(&self, identity: &ExternalIdentity) -> Result<Account, Error> {
        let email = identity.email.as_deref().unwrap_or_default();
        let name: String = identity.name.as_deref().unwrap_or_default().chars().take(80).collect();
        let is_verified = identity.is_email_verified;
        let account =
            self.create(NewAccount { email, name: &name, is_verified, ..NewAccount::default() }).await?;
        self.insert_link(account.id, identity).await?;
        Ok(account)
    }

    /// Signs in to an account whose owner a provider has recognized.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the account is disabled.
    pub async fn sign_in_external(
        &self,
        account: &Account,
        client: &Client,
    ) -> Result<SignedIn, NotSignedIn> {
        if account.is_disabled() {
            let error = Error::Forbidden("the account is disabled".to_owned());
            return Err(Reason::Disabled.against(Some(account.id), error));
        }
        Ok(self.begin_session(account, client).await?)
    }

    /// Links an identity to the account of whoever has the session.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is another account's; [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn link(&self, secret: &str, identity: &ExternalIdentity) -> Result<(), Error> {
        let session = self.own_session(secret).await?;
        self.insert_link(session.account.id, identity).await
    }

    /// Takes an identity from the account of whoever has the session.
    ///
    /// # Errors
    /// [`Error::Refused`] when they have no such identity, or it is the last way in; [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn unlink(&self, secret: &str, provider: &str, subject: &str) -> Result<(), Error> {
        let session = self.own_session(secret).await?;
        let id = session.account.id;
        let mut transaction = self.room.begin().await?;
        // Locks the account, so that of two that unlink at once the second sees what the first left.
        let sql = "update account set name = name where id = $1 returning password_hash is not null as has_password";
        let has_password = transaction.query(sql, vec![id.into()]).await?.to::<bool>()?.pop();
        let sql = "delete from external_identity where account_id = $1 and provider = $2 and subject = $3";
        let gone = transaction.execute(sql, vec![id.into(), provider.into(), subject.into()]).await?;
        if gone.rows_affected == 0 {
            return Err(Error::Refused(format!("you have no identity of {provider} by that name")));
        }
        let sql = "select count(*) from external_identity where account_id = $1";
        let left: i64 = transaction.query(sql, vec![id.into()]).await?.to()?.pop().unwrap_or_default();
        if left == 0 && has_password != Some(true) {
            let message = "that is the only way to sign in to this account; set a password first";
            return Err(Error::Refused(message.to_owned()));
        }
        Ok(transaction.commit().await?)
    }

    /// The identities by which somebody can sign in.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn links(&self, account: AccountId) -> Result<Vec<Linked>, Error> {
        let sql = "select provider, subject, email, linked_at from external_identity where account_id = $1 \
                   order by linked_at, provider, subject";
        self.all(sql, vec![account.into()]).await
    }

    async fn known_by(&self, identity: &ExternalIdentity) -> Result<Option<Account>, Error> {
        let sql = "select account_id from external_identity where provider = $1 and subject = $2";
        let params = vec![identity.provider.as_str().into(), identity.subject.as_str().into()];
        match self.first::<AccountId>(sql, params).await? {
            Some(id) => self.account(id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn insert_link(&self, account: AccountId, identity: &ExternalIdentity) -> Result<(), Error> {
        let sql = "insert into external_identity (provider, subject, account_id, email, linked_at) \
                   values ($1, $2, $3, $4, $5) on conflict (provider, subject) do nothing";
        let params = vec![
            identity.provider.as_str().into(),
            identity.subject.as_str().into(),
            account.into(),
            identity.email.as_deref().map(Email::known_as).into(),
            moment::text(self.now()).into(),
        ];
        if self.room.execute(sql, params).await?.rows_affected > 0 {
            return Ok(());
        }
        match self.known_by(identity).await? {
            Some(known) if known.id == account => Ok(()),
            _ => Err(Error::Refused(format!(
                "that identity of {} belongs to another account",
                identity.provider
            ))),
        }
    }
}
