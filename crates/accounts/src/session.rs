//! Sessions: who is signed in, from where and until when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use switchboard_api::{AccountId, Timestamp, Value};

use crate::{
    account::{Account, COLUMNS},
    accounts::Accounts,
    client::Client,
    error::Error,
    moment,
    secret::{self, Hash},
};

/// After how long without a request a session ends.
pub(crate) const IDLE: Duration = Duration::from_secs(7 * 86400);
/// How long a session lasts at most.
const LASTS: Duration = Duration::from_secs(30 * 86400);
/// How long there is to show the second factor.
const HALF_LASTS: Duration = Duration::from_secs(600);
/// How exactly it is known when a session was last seen.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Somebody who is signed in, as they are at a moment.
#[derive(Debug)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub account: Arc<Account>,
    /// As whom they act, when that is not themselves.
    pub acting_as: Option<Arc<Account>>,
    /// Whether it can do nothing yet but show the second factor.
    pub needs_second_factor: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// The address from which it began.
    pub address: Option<String>,
    /// What the browser called itself.
    pub user_agent: Option<String>,
    /// Microseconds since 1970.
    last_seen: AtomicI64,
    /// What was written down of it.
    written: AtomicI64,
}

/// A session that just began or got another secret.
#[derive(Debug)]
pub struct SignedIn {
    /// The secret that stands for it, kept nowhere but in what this returns.
    pub secret: String,
    /// The session.
    pub session: Arc<Session>,
}

impl Session {
    /// Whoever acts in it: whose it is, or as whom they act.
    pub fn actor(&self) -> &Arc<Account> {
        self.acting_as.as_ref().unwrap_or(&self.account)
    }

    /// The administrator who acts as somebody else, if one does.
    pub fn impersonator(&self) -> Option<&Arc<Account>> {
        self.acting_as.as_ref().map(|_| &self.account)
    }

    /// When it was last used, to the minute.
    pub fn last_seen_at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.last_seen.load(Ordering::Relaxed)).unwrap_or(self.created_at)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now || moment::later(self.last_seen_at(), IDLE) <= now
    }

    /// Whether somebody may still act in it as they do.
    fn is_allowed(&self) -> bool {
        let as_other = self.acting_as.as_ref().is_none_or(|other| {
            self.account.is_administrator && !other.is_administrator && !other.is_disabled()
        });
        !self.account.is_disabled() && as_other
    }

    /// Notes that it was used now.
    fn see(&self, now: Timestamp) {
        let (now, last) = (now.as_microsecond(), self.last_seen.load(Ordering::Relaxed));
        if now - last >= SEEN_EVERY.as_micros() as i64 {
            self.last_seen.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// When it was last used, unless that is written down.
    pub(crate) fn unwritten(&self) -> Option<i64> {
        let seen = self.last_seen.load(Ordering::Relaxed);
        (self.written.swap(seen, Ordering::Relaxed) < seen).then_some(seen)
    }
}

/// The token that a page of a session sends along with what changes something, so that pages elsewhere cannot: it
/// follows from the session's secret.
pub fn csrf_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(secret::derive("csrf", secret))
}

/// Whether it is the session's token. How long this takes tells nothing about the right one, as hashes are compared.
pub fn is_csrf_token(secret: &str, given: &str) -> bool {
    secret::hash(&csrf_token(secret)) == secret::hash(given)
}

#[derive(Deserialize)]
struct SessionRow {
    id: i64,
    account_id: AccountId,
    acting_as: Option<AccountId>,
    needs_second_factor: bool,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    address: Option<String>,
    user_agent: Option<String>,
}

const SESSION_COLUMNS: &str = "id, account_id, acting_as, needs_second_factor, created_at, last_seen_at, expires_at, \
     address, user_agent";

impl Accounts {
    /// The session of that secret, if it has not ended. Known ones are found without the database.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn session(&self, secret: &str) -> Result<Option<Arc<Session>>, Error> {
        let now = self.now();
        let hash = secret::hash(secret);
        if let Some(session) = self.cache.get(&hash)
            && !session.is_over(now)
        {
            session.see(now);
            return Ok(Some(session));
        }
        // One that seems idle may have been used by way of another process.
        let session = self.read_session(&hash).await?.filter(|session| !session.is_over(now));
        if let Some(session) = &session {
            session.see(now);
        }
        Ok(session)
    }

    /// The sessions in which somebody is signed in, the one used last first.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::NoSuchAccount`].
    pub async fn sessions(&self, account: AccountId) -> Result<Vec<Arc<Session>>, Error> {
        let now = self.now();
        self.write_last_seen().await?;
        let sql = format!(
            "select {SESSION_COLUMNS} from session where account_id = $1 order by last_seen_at desc, id desc"
        );
        let mut sessions = Vec::new();
        for row in self.all::<SessionRow>(&sql, vec![account.into()]).await? {
            sessions.push(Arc::new(self.of_row(row).await?));
        }
        sessions.retain(|session| !session.is_over(now) && session.is_allowed());
        Ok(sessions)
    }

    /// Ends the session of that secret, if there is one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sign_out(&self, secret: &str) -> Result<(), Error> {
        let hash = secret::hash(secret);
        self.room.execute("delete from session where hash = $1", vec![secret::text(&hash).into()]).await?;
        self.forget_session(&hash).await;
        Ok(())
    }

    /// Ends one of somebody's sessions; false when they have none of that number.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn end_session(&self, account: AccountId, id: i64) -> Result<bool, Error> {
        let sql = "delete from session where account_id = $1 and id = $2";
        let ended = self.room.execute(sql, vec![account.into(), id.into()]).await?.rows_affected;
        self.forget(account).await;
        Ok(ended > 0)
    }

    /// Ends all of somebody's sessions but one, or all; says how many those were.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn end_sessions(&self, account: AccountId, but: Option<i64>) -> Result<u64, Error> {
        let sql = "delete from session where (account_id = $1 or acting_as = $1) and id <> $2";
        let ended = self.room.execute(sql, vec![account.into(), but.unwrap_or_default().into()]).await?;
        self.forget(account).await;
        Ok(ended.rows_affected)
    }

    /// Writes down when sessions were last used. It happens by itself each minute.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn write_last_seen(&self) -> Result<(), Error> {
        let seen = self.cache.unwritten();
        if seen.is_empty() {
            return Ok(());
        }
        let mut transaction = self.room.begin().await?;
        for (id, seen) in seen {
            let seen = Timestamp::from_microsecond(seen).unwrap_or(Timestamp::MIN);
            let sql = "update session set last_seen_at = $2 where id = $1 and last_seen_at < $2";
            transaction.execute(sql, vec![id.into(), moment::text(seen).into()]).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Begins a session.
    pub(crate) async fn begin_session(&self, account: &Account, client: &Client) -> Result<SignedIn, Error> {
        let secret = secret::new_secret(&*self.random);
        let hash = secret::hash(&secret);
        let now = self.now();
        let lasts = if account.has_second_factor { HALF_LASTS } else { LASTS };
        let sql = "insert into session (hash, account_id, needs_second_factor, created_at, last_seen_at, expires_at, \
                   address, user_agent) values ($1, $2, $3, $4, $4, $5, $6, $7)";
        let params = vec![
            secret::text(&hash).into(),
            account.id.into(),
            account.has_second_factor.into(),
            moment::text(now).into(),
            moment::text(moment::later(now, lasts)).into(),
            client.address.map(|address| address.to_canonical().to_string()).into(),
            client.shown_agent().into(),
        ];
        self.room.execute(sql, params).await?;
        self.signed_in(secret, &hash).await
    }

    /// Gives a session another secret; the one before is worth nothing from then on.
    pub(crate) async fn rotate(&self, secret: &str) -> Result<SignedIn, Error> {
        self.rotate_with(secret, "", vec![]).await
    }

    /// The same, with more to be set in its row, such as `, acting_as = $3`.
    pub(crate) async fn rotate_with(
        &self,
        secret: &str,
        also: &str,
        more: Vec<Value>,
    ) -> Result<SignedIn, Error> {
        let new = secret::new_secret(&*self.random);
        let (before, after) = (secret::hash(secret), secret::hash(&new));
        let sql = format!("update session set hash = $2{also} where hash = $1");
        let mut params = vec![secret::text(&before).into(), secret::text(&after).into()];
        params.extend(more);
        let changed = self.room.execute(&sql, params).await?.rows_affected;
        self.forget_session(&before).await;
        if changed == 0 {
            return Err(Error::NoSession);
        }
        self.signed_in(new, &after).await
    }

    /// Makes a whole session of a half one, with another secret.
    pub(crate) async fn complete(&self, secret: &str) -> Result<SignedIn, Error> {
        let expires = moment::text(moment::later(self.now(), LASTS));
        let also = ", needs_second_factor = $3, expires_at = $4";
        self.rotate_with(secret, also, vec![false.into(), expires.into()]).await
    }

    /// The whole session of that secret.
    pub(crate) async fn whole_session(&self, secret: &str) -> Result<Arc<Session>, Error> {
        let session = self.session(secret).await?;
        session.filter(|session| !session.needs_second_factor).ok_or(Error::NoSession)
    }

    /// The whole session of that secret, of one who acts as themselves: an administrator who acts as somebody else
    /// changes nothing of how they sign in.
    pub(crate) async fn own_session(&self, secret: &str) -> Result<Arc<Session>, Error> {
        let session = self.whole_session(secret).await?;
        match &session.acting_as {
            None => Ok(session),
            Some(other) => Err(Error::Forbidden(format!(
                "how {} signs in is theirs alone to change; end acting as them first",
                other.email
            ))),
        }
    }

    async fn signed_in(&self, secret: String, hash: &Hash) -> Result<SignedIn, Error> {
        let session = self.read_session(hash).await?.ok_or(Error::NoSession)?;
        Ok(SignedIn { secret, session })
    }

    async fn read_session(&self, hash: &Hash) -> Result<Option<Arc<Session>>, Error> {
        let before = self.cache.generation();
        let sql = format!("select {SESSION_COLUMNS} from session where hash = $1");
        let Some(row) = self.first::<SessionRow>(&sql, vec![secret::text(hash).into()]).await? else {
            self.cache.forget_session(hash);
            return Ok(None);
        };
        let session = Arc::new(self.of_row(row).await?);
        if !session.is_allowed() {
            return Ok(None);
        }
        self.cache.remember(*hash, Arc::clone(&session), before);
        Ok(Some(session))
    }

    async fn of_row(&self, row: SessionRow) -> Result<Session, Error> {
        let seen = row.last_seen_at.as_microsecond();
        Ok(Session {
            id: row.id,
            account: Arc::new(self.account_of(row.account_id).await?),
            acting_as: match row.acting_as {
                Some(other) => Some(Arc::new(self.account_of(other).await?)),
                None => None,
            },
            needs_second_factor: row.needs_second_factor,
            created_at: row.created_at,
            expires_at: row.expires_at,
            address: row.address,
            user_agent: row.user_agent,
            last_seen: AtomicI64::new(seen),
            written: AtomicI64::new(seen),
        })
    }

    async fn account_of(&self, id: AccountId) -> Result<Account, Error> {
        let sql = format!("select {COLUMNS} from account where id = $1");
        self.first(&sql, vec![id.into()]).await?.ok_or(Error::NoSession)
    }
}
