//! The second factor: beginning, confirming and removing it, and showing it when signing in.

use serde::Deserialize;
use switchboard_api::AccountId;
use zeroize::Zeroizing;

use crate::{
    account::Account,
    accounts::Accounts,
    client::Client,
    error::Error,
    moment,
    not_signed_in::{NotSignedIn, Reason},
    secret,
    session::SignedIn,
    throttle::{self, Limit},
    totp::{self, Enrolment},
};

/// How many recovery codes there are at first.
const RECOVERY_CODES: usize = 10;

/// Seals secrets with a key that stands outside of the database.
pub trait Sealer: Send + Sync {
    /// Seals a secret of an account.
    ///
    /// # Errors
    /// Why it cannot be.
    fn seal(&self, account: AccountId, secret: &[u8]) -> Result<String, String>;

    /// Opens what was sealed for that account.
    ///
    /// # Errors
    /// Why it cannot be.
    fn open(&self, account: AccountId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, String>;
}

#[derive(Deserialize)]
struct SecondFactorRow {
    secret: String,
    last_step: i64,
}

const WRONG: &str = "the code is wrong, too old or was used already; wait for the next one";

impl Accounts {
    /// Begins to give whoever has the session a second factor, which asks for nothing until it is
    /// [confirmed](Self::confirm_second_factor). `proof` is their password.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is one already; [`Error::WrongPassword`], [`Error::TooMany`], [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn begin_second_factor(
        &self,
        secret: &str,
        proof: &str,
        client: &Client,
    ) -> Result<Enrolment, Error> {
        let session = self.own_session(secret).await?;
        let account = &session.account;
        if account.has_second_factor {
            return Err(Error::Refused("there is a second factor already; remove it first".to_owned()));
        }
        self.prove(account, proof, client).await?;
        let mut bytes = Zeroizing::new([0; 20]);
        self.random.fill(&mut *bytes);
        let totp = totp::totp(bytes.as_slice(), &account.email, &self.issuer)?;
        let sealed = self.sealer.seal(account.id, bytes.as_slice());
        let sealed = sealed.map_err(|why| Error::Sealed { what: "sealed", why })?;
        let sql = "insert into second_factor (account_id, secret, last_step) values ($1, $2, 0) \
                   on conflict (account_id) do update set secret = excluded.secret, last_step = 0 \
                   where second_factor.confirmed_at is null";
        self.room.execute(sql, vec![account.id.into(), sealed.into()]).await?;
        totp::enrolment(&totp)
    }

    /// Confirms the second factor by a code of it, and gives the recovery codes, which are shown this once. All other
    /// sessions end.
    ///
    /// # Errors
    /// [`Error::WrongCode`], [`Error::Refused`] when none was begun; [`Error::TooMany`], [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn confirm_second_factor(
        &self,
        secret: &str,
        code: &str,
    ) -> Result<(SignedIn, Vec<String>), Error> {
        let session = self.own_session(secret).await?;
        let id = session.account.id;
        let pending = "select account_id from second_factor where account_id = $1 and confirmed_at is null";
        if self.first::<i64>(pending, vec![id.into()]).await?.is_none() {
            return Err(Error::Refused("no second factor was begun that waits for its code".to_owned()));
        }
        let tried = [throttle::key("second_factor", &[&id.to_string()], Limit::SECOND_FACTOR)];
        self.try_once(&tried).await?;
        if !self.is_totp(id, code).await? {
            return Err(Error::WrongCode(WRONG));
        }
        self.forgive(&tried).await?;
        let sql = "update second_factor set confirmed_at = $2 where account_id = $1";
        self.room.execute(sql, vec![id.into(), moment::text(self.now()).into()]).await?;
        self.end_sessions(id, Some(session.id)).await?;
        let codes = self.replace_recovery_codes(id).await?;
        Ok((self.rotate(secret).await?, codes))
    }

    /// Removes the second factor and the recovery codes. `proof` is the password.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none; [`Error::WrongPassword`], [`Error::TooMany`], [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn remove_second_factor(
        &self,
        secret: &str,
        proof: &str,
        client: &Client,
    ) -> Result<(), Error> {
        let session = self.own_session(secret).await?;
        if !session.account.has_second_factor {
            return Err(Error::Refused("there is no second factor".to_owned()));
        }
        self.prove(&session.account, proof, client).await?;
        self.drop_second_factor(session.account.id).await
    }

    /// Removes somebody's second factor without asking them: for operators, when they lost it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn drop_second_factor(&self, account: AccountId) -> Result<(), Error> {
        let mut transaction = self.room.begin().await?;
        for table in ["second_factor", "recovery_code"] {
            let sql = format!("delete from {table} where account_id = $1");
            transaction.execute(&sql, vec![account.into()]).await?;
        }
        transaction.commit().await?;
        self.forget(account).await;
        Ok(())
    }

    /// New recovery codes in place of those there are; shown this once. `proof` is the password.
    ///
    /// # Errors
    /// [`Error::Refused`] without a second factor; [`Error::WrongPassword`], [`Error::TooMany`], [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn new_recovery_codes(
        &self,
        secret: &str,
        proof: &str,
        client: &Client,
    ) -> Result<Vec<String>, Error> {
        let session = self.own_session(secret).await?;
        if !session.account.has_second_factor {
            return Err(Error::Refused(
                "recovery codes stand in for a second factor, and there is none".to_owned(),
            ));
        }
        self.prove(&session.account, proof, client).await?;
        self.replace_recovery_codes(session.account.id).await
    }

    /// How many recovery codes are left.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn recovery_codes_left(&self, account: AccountId) -> Result<i64, Error> {
        let sql = "select count(*) from recovery_code where account_id = $1";
        Ok(self.first(sql, vec![account.into()]).await?.unwrap_or_default())
    }

    /// Makes the half session of that secret a whole one, by a code of the second factor or a recovery code.
    ///
    /// # Errors
    /// [`Error::WrongCode`], [`Error::TooMany`]; [`Error::NoSession`] when there is no session that waits for it.
    pub async fn finish_sign_in(&self, secret: &str, code: &str) -> Result<SignedIn, NotSignedIn> {
        let session = self.session(secret).await?;
        let session = session.filter(|session| session.needs_second_factor).ok_or(Error::NoSession)?;
        let id = session.account.id;
        let tried = [throttle::key("second_factor", &[&id.to_string()], Limit::SECOND_FACTOR)];
        match self.try_once(&tried).await {
            Ok(()) => {}
            Err(error @ Error::TooMany { .. }) => return Err(Reason::Throttled.against(Some(id), error)),
            Err(error) => return Err(error.into()),
        }
        if !self.is_code(id, code).await? {
            return Err(Reason::SecondFactor.against(Some(id), Error::WrongCode(WRONG)));
        }
        self.forgive(&tried).await?;
        Ok(self.complete(secret).await?)
    }

    /// Whether it is a code of the account's second factor that was not used yet, or a recovery code. It is used then.
    pub(crate) async fn is_code(&self, id: AccountId, code: &str) -> Result<bool, Error> {
        if self.is_totp(id, code).await? {
            return Ok(true);
        }
        let sql = "delete from recovery_code where account_id = $1 and hash = $2";
        let hash = secret::text(&totp::recovery_hash(code));
        Ok(self.room.execute(sql, vec![id.into(), hash.into()]).await?.rows_affected > 0)
    }

    /// What is sealed, each with whose it is: for whoever rotates the keys.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sealed_secrets(&self) -> Result<Vec<(AccountId, String)>, Error> {
        self.all("select account_id, secret from second_factor order by account_id", vec![]).await
    }

    /// Puts the same secret, sealed with another key, in the place of one; false when that is no longer what it was.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn replace_sealed_secret(
        &self,
        account: AccountId,
        before: &str,
        after: &str,
    ) -> Result<bool, Error> {
        let sql = "update second_factor set secret = $3 where account_id = $1 and secret = $2";
        let params = vec![account.into(), before.into(), after.into()];
        Ok(self.room.execute(sql, params).await?.rows_affected > 0)
    }

    async fn is_totp(&self, id: AccountId, code: &str) -> Result<bool, Error> {
        let sql = "select secret, last_step from second_factor where account_id = $1";
        let Some(row) = self.first::<SecondFactorRow>(sql, vec![id.into()]).await? else { return Ok(false) };
        let account: Account = self.account(id).await?;
        let bytes = self.sealer.open(id, &row.secret);
        let bytes = bytes.map_err(|why| Error::Sealed { what: "opened", why })?;
        let totp = totp::totp(&bytes, &account.email, &self.issuer)?;
        let now = u64::try_from(self.now().as_second()).unwrap_or_default();
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let Some(step) = totp.check(&digits, now).and_then(|step| i64::try_from(step).ok()) else {
            return Ok(false);
        };
        if step <= row.last_step {
            return Ok(false);
        }
        // Of two that show the same code at once, one is first.
        let sql = "update second_factor set last_step = $2 where account_id = $1 and last_step < $2";
        Ok(self.room.execute(sql, vec![id.into(), step.into()]).await?.rows_affected > 0)
    }

    async fn replace_recovery_codes(&self, id: AccountId) -> Result<Vec<String>, Error> {
        let codes: Vec<String> =
            (0..RECOVERY_CODES).map(|_| totp::new_recovery_code(&*self.random)).collect();
        let mut transaction = self.room.begin().await?;
        transaction.execute("delete from recovery_code where account_id = $1", vec![id.into()]).await?;
        for code in &codes {
            let sql = "insert into recovery_code (account_id, hash) values ($1, $2)";
            let hash = secret::text(&totp::recovery_hash(code));
            transaction.execute(sql, vec![id.into(), hash.into()]).await?;
        }
        transaction.commit().await?;
        Ok(codes)
    }
}
