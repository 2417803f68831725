//! Signing in by e-mail address and password.

use serde::Deserialize;
use switchboard_api::AccountId;

use crate::{
    accounts::Accounts,
    client::Client,
    email::Email,
    error::Error,
    not_signed_in::{NotSignedIn, Reason},
    session::SignedIn,
    throttle::{self, Limit},
};

#[derive(Deserialize)]
struct CredentialsRow {
    id: AccountId,
    password_hash: Option<String>,
    is_disabled: bool,
}

impl Accounts {
    /// Signs in. Where the account has a second factor, the session can do nothing until
    /// [`finish_sign_in`](Self::finish_sign_in).
    ///
    /// Whether there is such an account, whether it is disabled and whether the password is wrong makes no difference: a
    /// hash is verified whatever is the case, and the answer is the same.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`]; [`Error::TooMany`] after five tries in vain; [`Error::Busy`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        client: &Client,
    ) -> Result<SignedIn, NotSignedIn> {
        let email = Email::known_as(email);
        let from = client.counted_as();
        let tried = [
            throttle::key("sign_in", &[&email, &from], Limit::SIGN_IN),
            throttle::key("sign_in_address", &[&from], Limit::ADDRESS),
        ];
        let counted = self.try_once(&tried).await;
        let sql =
            "select id, password_hash, disabled_at is not null as is_disabled from account where email = $1";
        let found: Option<CredentialsRow> = self.first(sql, vec![email.into()]).await?;
        let account = found.as_ref().map(|row| row.id);
        match counted {
            Ok(()) => {}
            Err(error @ Error::TooMany { .. }) => return Err(Reason::Throttled.against(account, error)),
            Err(error) => return Err(error.into()),
        }
        let usable = found.filter(|row| !row.is_disabled);
        let hash = usable.as_ref().and_then(|row| row.password_hash.as_deref());
        let is_right = self.hasher.verify(password, hash).await?;
        let (Some(row), true) = (&usable, is_right) else {
            let reason = match (account, &usable) {
                (None, _) => Reason::UnknownAddress,
                (Some(_), None) => Reason::Disabled,
                (Some(_), Some(_)) => Reason::WrongPassword,
            };
            return Err(reason.against(account, Error::WrongCredentials));
        };
        self.forgive(&tried).await?;
        if hash.is_some_and(|hash| self.hasher.is_weak(hash)) {
            let stronger = self.hasher.hash(password).await?;
            // Not over a password that was changed meanwhile.
            let sql = "update account set password_hash = $2 where id = $1 and password_hash = $3";
            self.room.execute(sql, vec![row.id.into(), stronger.into(), hash.into()]).await?;
        }
        let account = self.account(row.id).await?;
        Ok(self.begin_session(&account, client).await?)
    }
}
