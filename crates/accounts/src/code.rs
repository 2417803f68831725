//! Single-use codes that are sent by mail: to set a password anew, and to prove an e-mail address.

use std::time::Duration;

use serde::Deserialize;
use switchboard_api::{AccountId, Timestamp, Value};

use crate::{
    account::{Account, taken},
    accounts::Accounts,
    client::Client,
    email::Email,
    error::Error,
    moment, password, secret,
    throttle::{self, Limit},
};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To set a password anew. It serves for an hour.
    PasswordReset,
    /// To prove an e-mail address, be it the account's or the one that it shall have. It serves for two days.
    EmailVerification,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::EmailVerification => "email_verification",
        }
    }

    fn lasts(self) -> Duration {
        match self {
            Self::PasswordReset => Duration::from_secs(3600),
            Self::EmailVerification => Duration::from_secs(48 * 3600),
        }
    }
}

/// A code to be mailed. Its text is nowhere but in here.
#[derive(Debug, Clone)]
pub struct Mailing {
    /// What the code is for.
    pub purpose: Purpose,
    /// The address to send it to.
    pub email: String,
    /// The name of whoever has it.
    pub name: String,
    /// The code.
    pub code: String,
    /// Until when it serves.
    pub expires_at: Timestamp,
}

#[derive(Deserialize)]
struct CodeRow {
    account_id: AccountId,
    email: String,
}

const NO_CODE: &str = "the code is wrong, was used already or is too old; ask for another one";

impl Accounts {
    /// A code to set the password of that address's account anew, to be mailed; none where there is no such account, which
    /// the asker must not be able to tell.
    ///
    /// # Errors
    /// [`Error::TooMany`], whether there is such an account or not.
    pub async fn forgot_password(&self, email: &str, client: &Client) -> Result<Option<Mailing>, Error> {
        let known = Email::known_as(email);
        self.try_once(&[
            throttle::key("forgot", &[&known], Limit::MAIL),
            throttle::key("forgot_address", &[&client.counted_as()], Limit::REGISTER),
        ])
        .await?;
        match self.find_by_email(&known).await? {
            Some(account) if !account.is_disabled() => {
                let email = account.email.clone();
                self.new_code(&account, Purpose::PasswordReset, &email).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Sets a password anew by the code, and ends all sessions. As the code came by mail, the address is proved too; and
    /// where it was not before, every other way into the account goes, since whoever made them did not have the address.
    ///
    /// # Errors
    /// [`Error::WrongCode`]; [`Error::Invalid`], after which the code still serves.
    pub async fn reset_password(&self, code: &str, new: &str) -> Result<Account, Error> {
        let found = self.find_code(code, Purpose::PasswordReset).await?;
        let account = self.account(found.account_id).await?;
        if account.email != found.email || account.is_disabled() {
            return Err(Error::WrongCode(NO_CODE));
        }
        let faults = password::faults(new, &account.email, "new_password");
        if !faults.is_empty() {
            return Err(Error::faults(faults));
        }
        let hash = self.hasher.hash(new).await?;
        let id = account.id;
        let mut transaction = self.room.begin().await?;
        let sql = "delete from code where hash = $1";
        let used = transaction.execute(sql, vec![secret::text(&secret::hash(code)).into()]).await?;
        if used.rows_affected == 0 {
            return Err(Error::WrongCode(NO_CODE));
        }
        transaction.execute("delete from code where account_id = $1", vec![id.into()]).await?;
        if !account.is_verified() {
            for table in ["second_factor", "recovery_code", "external_identity"] {
                let sql = format!("delete from {table} where account_id = $1");
                transaction.execute(&sql, vec![id.into()]).await?;
            }
        }
        let sql = "update account set password_hash = $2, email_verified_at = coalesce(email_verified_at, $3) \
                   where id = $1";
        let now = moment::text(self.now());
        transaction.execute(sql, vec![id.into(), hash.into(), now.into()]).await?;
        let sql = "delete from session where account_id = $1 or acting_as = $1";
        transaction.execute(sql, vec![id.into()]).await?;
        transaction.commit().await?;
        self.forget(id).await;
        self.account(id).await
    }

    /// A code to prove the account's address, to be mailed.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is proved already; [`Error::TooMany`], [`Error::NoSuchAccount`].
    pub async fn verification(&self, account: AccountId) -> Result<Mailing, Error> {
        let account = self.account(account).await?;
        if account.is_verified() {
            return Err(Error::Refused(format!("{} is verified already", account.email)));
        }
        self.try_once(&[throttle::key("verify", &[&account.email], Limit::MAIL)]).await?;
        let email = account.email.clone();
        self.new_code(&account, Purpose::EmailVerification, &email).await
    }

    /// A code to prove another address for the account of whoever has the session, to be mailed there; only then it
    /// becomes the account's. Whether another account has it already comes out then, and not before.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::WrongPassword`], [`Error::TooMany`], [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn change_email(
        &self,
        secret: &str,
        proof: &str,
        email: &str,
        client: &Client,
    ) -> Result<Mailing, Error> {
        let session = self.own_session(secret).await?;
        let email = Email::parse(email).map_err(|fault| Error::faults(vec![*fault]))?;
        self.prove(&session.account, proof, client).await?;
        self.try_once(&[throttle::key("verify", &[email.as_str()], Limit::MAIL)]).await?;
        self.new_code(&session.account, Purpose::EmailVerification, email.as_str()).await
    }

    /// Proves an address by the code; it becomes the account's if it was not.
    ///
    /// # Errors
    /// [`Error::WrongCode`]; [`Error::Refused`] when another account has got the address.
    pub async fn verify_email(&self, code: &str) -> Result<Account, Error> {
        let found = self.find_code(code, Purpose::EmailVerification).await?;
        let id = found.account_id;
        let mut transaction = self.room.begin().await?;
        let sql = "delete from code where hash = $1";
        let used = transaction.execute(sql, vec![secret::text(&secret::hash(code)).into()]).await?;
        if used.rows_affected == 0 {
            return Err(Error::WrongCode(NO_CODE));
        }
        let sql = "select id from account where email = $1 and id <> $2";
        let others = transaction.query(sql, vec![found.email.as_str().into(), id.into()]).await?;
        if !others.is_empty() {
            let email = Email::parse(&found.email).map_err(|fault| Error::faults(vec![*fault]))?;
            return Err(taken(&email));
        }
        // Codes that went to the address before open nothing any more.
        let sql = "delete from code where account_id = $1 and email <> $2";
        transaction.execute(sql, vec![id.into(), found.email.as_str().into()]).await?;
        let sql = "update account set email = $2, email_verified_at = $3 where id = $1";
        let now = moment::text(self.now());
        transaction.execute(sql, vec![id.into(), found.email.into(), now.into()]).await?;
        transaction.commit().await?;
        self.forget(id).await;
        self.account(id).await
    }

    /// A new code; those before of its kind serve no more.
    async fn new_code(&self, account: &Account, purpose: Purpose, email: &str) -> Result<Mailing, Error> {
        let code = secret::new_secret(&*self.random);
        let expires_at = moment::later(self.now(), purpose.lasts());
        let mut transaction = self.room.begin().await?;
        let sql = "delete from code where account_id = $1 and purpose = $2";
        transaction.execute(sql, vec![account.id.into(), purpose.as_str().into()]).await?;
        let sql =
            "insert into code (hash, account_id, purpose, email, expires_at) values ($1, $2, $3, $4, $5)";
        let params: Vec<Value> = vec![
            secret::text(&secret::hash(&code)).into(),
            account.id.into(),
            purpose.as_str().into(),
            email.into(),
            moment::text(expires_at).into(),
        ];
        transaction.execute(sql, params).await?;
        transaction.commit().await?;
        Ok(Mailing { purpose, email: email.to_owned(), name: account.name.clone(), code, expires_at })
    }

    async fn find_code(&self, code: &str, purpose: Purpose) -> Result<CodeRow, Error> {
        let sql = "select account_id, email from code where hash = $1 and purpose = $2 and expires_at > $3";
        let hash = secret::text(&secret::hash(code));
        let params = vec![hash.into(), purpose.as_str().into(), moment::text(self.now()).into()];
        self.first(sql, params).await?.ok_or(Error::WrongCode(NO_CODE))
    }
}
