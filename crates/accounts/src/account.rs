//! Accounts: who there is.

use serde::Deserialize;
use serde_json::Value as Json;
use switchboard_api::{AccountId, Fault, Timestamp, Value};

use crate::{
    Client,
    accounts::Accounts,
    email::Email,
    error::Error,
    moment, password,
    session::SignedIn,
    throttle::{self, Limit},
};

/// The most characters of a name.
const MOST_NAME: usize = 80;

/// The most numbers in one statement: as many as either database takes.
const MOST_NUMBERS: usize = 1000;

/// An account, as it is at a moment. Its password's hash is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its e-mail address, in small letters.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// When it was proved that the address is theirs.
    pub email_verified_at: Option<Timestamp>,
    /// Whether they are a global administrator.
    pub is_administrator: bool,
    /// Since when nobody can sign in.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it has a password; one who only ever signs in by a provider has none.
    pub has_password: bool,
    /// Whether signing in takes a second factor.
    pub has_second_factor: bool,
}

impl Account {
    /// Whether nobody can sign in.
    pub fn is_disabled(&self) -> bool {
        self.disabled_at.is_some()
    }

    /// Whether it was proved that the address is theirs.
    pub fn is_verified(&self) -> bool {
        self.email_verified_at.is_some()
    }
}

/// The columns of an [`Account`].
pub(crate) const COLUMNS: &str = "id, email, name, email_verified_at, is_administrator, disabled_at, created_at, \
     password_hash is not null as has_password, exists (select 1 from second_factor where \
     second_factor.account_id = account.id and second_factor.confirmed_at is not null) as has_second_factor";

/// An account to be made.
#[derive(Debug, Clone, Default)]
pub struct NewAccount<'a> {
    /// The e-mail address.
    pub email: &'a str,
    /// What people call them; the part of the address before the `@` when empty.
    pub name: &'a str,
    /// The password; without one they sign in by a provider, or set one by mail.
    pub password: Option<&'a str>,
    /// Whether they are a global administrator.
    pub is_administrator: bool,
    /// Whether it is known that the address is theirs.
    pub is_verified: bool,
}

impl Accounts {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault by field; [`Error::Refused`] when another account has the address.
    pub async fn create(&self, new: NewAccount<'_>) -> Result<Account, Error> {
        let (email, name) = self.checked(&new)?;
        // Before the work of hashing; the table has the last word.
        if self.find_by_email(email.as_str()).await?.is_some() {
            return Err(taken(&email));
        }
        let hash = match new.password {
            Some(password) => Some(self.hasher.hash(password).await?),
            None => None,
        };
        let now = moment::text(self.now());
        let sql = "insert into account (email, name, password_hash, email_verified_at, is_administrator, created_at) \
                   values ($1, $2, $3, $4, $5, $6) on conflict (email) do nothing returning id";
        let params = vec![
            email.as_str().into(),
            name.into(),
            hash.into(),
            new.is_verified.then(|| now.clone()).into(),
            new.is_administrator.into(),
            now.into(),
        ];
        let id: Option<AccountId> = self.first(sql, params).await?;
        self.account(id.ok_or_else(|| taken(&email))?).await
    }

    /// As [`create`](Self::create), for somebody whom nobody knows: how many they make is bounded by where they are.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`Error::TooMany`].
    pub async fn register(&self, new: NewAccount<'_>, client: &Client) -> Result<Account, Error> {
        self.checked(&new)?;
        self.try_once(&[throttle::key("register", &[&client.counted_as()], Limit::REGISTER)]).await?;
        let new = NewAccount { is_administrator: false, ..new };
        self.create(new).await
    }

    /// Takes an account back that was only just made, as what it was made for came to nothing.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn withdraw(&self, id: AccountId) -> Result<(), Error> {
        self.room.execute("delete from account where id = $1", vec![id.into()]).await?;
        self.forget(id).await;
        Ok(())
    }

    /// The accounts of these numbers; those that there are not are left out.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn accounts(&self, ids: &[AccountId]) -> Result<Vec<Account>, Error> {
        let mut accounts = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MOST_NUMBERS) {
            let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
            let sql = format!("select {COLUMNS} from account where id in ({})", places.join(", "));
            accounts.extend(self.all::<Account>(&sql, ids.iter().map(|id| (*id).into()).collect()).await?);
        }
        Ok(accounts)
    }

    /// The account of that number.
    ///
    /// # Errors
    /// [`Error::NoSuchAccount`].
    pub async fn account(&self, id: AccountId) -> Result<Account, Error> {
        let sql = format!("select {COLUMNS} from account where id = $1");
        self.first(&sql, vec![id.into()]).await?.ok_or(Error::NoSuchAccount(id))
    }

    /// Whether somebody may act, by a token of theirs for example: there is such an account, and it is not disabled. Who was
    /// asked for of late is found without the database.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn is_usable(&self, id: AccountId) -> Result<bool, Error> {
        if let Some(is_usable) = self.cache.is_usable(id) {
            return Ok(is_usable);
        }
        let generation = self.cache.generation();
        let is_usable = match self.account(id).await {
            Ok(account) => !account.is_disabled(),
            Err(Error::NoSuchAccount(_)) => false,
            Err(error) => return Err(error),
        };
        self.cache.remember_usable(id, is_usable, generation);
        Ok(is_usable)
    }

    /// The account of that e-mail address, in whatever case it is written.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn find_by_email(&self, email: &str) -> Result<Option<Account>, Error> {
        let sql = format!("select {COLUMNS} from account where email = $1");
        self.first(&sql, vec![Email::known_as(email).into()]).await
    }

    /// Gives somebody another name.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NoSuchAccount`].
    pub async fn rename(&self, id: AccountId, name: &str) -> Result<Account, Error> {
        let mut faults = Vec::new();
        let name = checked_name(name, &mut faults);
        if !faults.is_empty() {
            return Err(Error::faults(faults));
        }
        self.update(id, "update account set name = $2 where id = $1", vec![id.into(), name.into()]).await?;
        self.account(id).await
    }

    /// Changes the password of whoever has the session, and ends all their other sessions. `proof` is the password until
    /// now; for an account without one, a code of its second factor if it has that.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::WrongPassword`], [`Error::TooMany`], [`Error::NoSession`];
    /// [`Error::Forbidden`] for one who acts as somebody else.
    pub async fn change_password(
        &self,
        secret: &str,
        proof: &str,
        new: &str,
        client: &Client,
    ) -> Result<SignedIn, Error> {
        let session = self.own_session(secret).await?;
        let account = &session.account;
        let faults = password::faults(new, &account.email, "new_password");
        if !faults.is_empty() {
            return Err(Error::faults(faults));
        }
        self.prove(account, proof, client).await?;
        let hash = self.hasher.hash(new).await?;
        self.replace_password(account.id, &hash, Some(session.id)).await?;
        self.rotate(secret).await
    }

    /// Sets a password without asking for the one before, and ends all sessions: for operators.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NoSuchAccount`].
    pub async fn set_password(&self, id: AccountId, new: &str) -> Result<(), Error> {
        let account = self.account(id).await?;
        let faults = password::faults(new, &account.email, "password");
        if !faults.is_empty() {
            return Err(Error::faults(faults));
        }
        let hash = self.hasher.hash(new).await?;
        self.replace_password(id, &hash, None).await
    }

    /// Replaces the hash, drops the codes that would replace it again, and ends all sessions but one.
    pub(crate) async fn replace_password(
        &self,
        id: AccountId,
        hash: &str,
        but: Option<i64>,
    ) -> Result<(), Error> {
        let mut transaction = self.room.begin().await?;
        let sql = "update account set password_hash = $2 where id = $1";
        transaction.execute(sql, vec![id.into(), hash.into()]).await?;
        transaction.execute("delete from code where account_id = $1", vec![id.into()]).await?;
        let sql = "delete from session where (account_id = $1 or acting_as = $1) and id <> $2";
        transaction.execute(sql, vec![id.into(), but.unwrap_or_default().into()]).await?;
        transaction.commit().await?;
        self.forget(id).await;
        Ok(())
    }

    /// Refuses unless the proof is the account's password or, where it has none, a code of its second factor.
    pub(crate) async fn prove(&self, account: &Account, proof: &str, client: &Client) -> Result<(), Error> {
        let id = account.id.to_string();
        let tries = [throttle::key("proof", &[&id, &client.counted_as()], Limit::SIGN_IN)];
        self.try_once(&tries).await?;
        let hash: Option<Option<String>> =
            self.first("select password_hash from account where id = $1", vec![account.id.into()]).await?;
        let is_right = match hash.flatten() {
            Some(hash) => self.hasher.verify(proof, Some(&hash)).await?,
            None if account.has_second_factor => self.is_code(account.id, proof).await?,
            None => true,
        };
        if !is_right {
            return Err(Error::WrongPassword);
        }
        self.forgive(&tries).await
    }

    /// Changes a row of an account, and forgets what was known of it.
    pub(crate) async fn update(&self, id: AccountId, sql: &str, params: Vec<Value>) -> Result<(), Error> {
        let changed = self.room.execute(sql, params).await?.rows_affected;
        self.forget(id).await;
        if changed == 0 { Err(Error::NoSuchAccount(id)) } else { Ok(()) }
    }

    fn checked(&self, new: &NewAccount<'_>) -> Result<(Email, String), Error> {
        let mut faults = Vec::new();
        let email = Email::parse(new.email).map_err(|fault| faults.push(*fault)).ok();
        let known = Email::known_as(new.email);
        let name = match new.name.trim() {
            "" => known.split('@').next().unwrap_or_default(),
            name => name,
        };
        let name = checked_name(name, &mut faults);
        if let Some(password) = new.password {
            faults.extend(password::faults(password, &known, "password"));
        }
        match email {
            Some(email) if faults.is_empty() => Ok((email, name)),
            _ => Err(Error::faults(faults)),
        }
    }
}

pub(crate) fn taken(email: &Email) -> Error {
    Error::Refused(format!("an account with the e-mail address {email} exists already"))
}

/// A name without what could mislead where it is shown.
fn checked_name(name: &str, faults: &mut Vec<Fault>) -> String {
    let name = name.trim();
    let mut fault = |kind, msg: String| faults.push(Fault::new(kind, ["body", "name"], msg, Json::Null));
    match name.chars().count() {
        0 => fault("string_too_short", "a name has at least 1 character".to_owned()),
        1..=MOST_NAME if name.chars().any(char::is_control) => {
            fault("name", "a name has no line breaks and no control characters".to_owned());
        }
        1..=MOST_NAME => {}
        _ => fault("string_too_long", format!("a name has at most {MOST_NAME} characters")),
    }
    name.to_owned()
}
