//! All accounts, in a room of their own.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use serde::de::DeserializeOwned;
use switchboard_api::{
    Timestamp, Value,
    capability::{Clock, Random},
};
use switchboard_store::{Migration, Room, Store, parse_migration_files};

use crate::{
    error::Error,
    forgetting::follow,
    hasher::{Hasher, Strength},
    moment,
    second_factor::Sealer,
    session_cache::SessionCache,
};

/// The name of the room.
pub const ACCOUNTS_ROOM: &str = "accounts";

/// How often what was seen of sessions is written down.
const WRITE_BEHIND: Duration = Duration::from_secs(60);

/// After how many of those what is over is removed.
const SWEEP_EVERY: u32 = 60;

const MIGRATIONS: [(&str, &str); 3] = [
    ("001_initial.sql", include_str!("../migrations/001_initial.sql")),
    ("001_initial.postgres.sql", include_str!("../migrations/001_initial.postgres.sql")),
    ("001_initial.down.sql", include_str!("../migrations/001_initial.down.sql")),
];

/// What makes the tables of accounts, in order.
///
/// # Errors
/// [`Error::Store`] when they are no sequence.
pub fn migrations() -> Result<Vec<Migration>, Error> {
    Ok(parse_migration_files(MIGRATIONS)?)
}

/// What accounts are put together from.
pub struct Parts {
    /// The databases.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// Seals the secrets of second factors.
    pub sealer: Arc<dyn Sealer>,
    /// What a hash of a password costs.
    pub strength: Strength,
    /// What the installation is called in people's applications for second factors.
    pub issuer: String,
}

/// All accounts, with what belongs to them: passwords, sessions, second factors, external identities.
///
/// Every method that makes somebody sign in gives a new secret for their session and ends the one before, so that a
/// secret that somebody was made to use is worth nothing afterwards.
pub struct Accounts {
    pub(crate) store: Store,
    pub(crate) room: Room,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) issuer: String,
    pub(crate) hasher: Hasher,
    pub(crate) cache: SessionCache,
}

impl Accounts {
    /// Opens the room, and makes its tables if there are none.
    ///
    /// # Errors
    /// [`Error::Store`] when the database cannot be opened or migrated; [`Error::Data`] when the strength is none.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, Error> {
        let room = parts.store.room(ACCOUNTS_ROOM).await?;
        room.migrate(&migrations()?).await?;
        let changes = parts.store.changes();
        let accounts = Arc::new(Self {
            store: parts.store,
            room,
            clock: parts.clock,
            hasher: Hasher::new(parts.strength, Arc::clone(&parts.random))?,
            random: parts.random,
            sealer: parts.sealer,
            issuer: parts.issuer.replace(':', " "),
            cache: SessionCache::default(),
        });
        tokio::spawn(keep_up(Arc::downgrade(&accounts)));
        tokio::spawn(follow(Arc::downgrade(&accounts), changes));
        Ok(accounts)
    }

    /// How many passwords were verified since this was opened, those of nobody among them.
    pub fn verified_passwords(&self) -> u64 {
        self.hasher.verified()
    }

    /// Removes sessions, codes and counts of tries whose time is over.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.now();
        let idle = moment::earlier(now, crate::session::IDLE);
        let day = moment::earlier(now, Duration::from_secs(86400));
        let mut transaction = self.room.begin().await?;
        transaction
            .execute(
                "delete from session where expires_at <= $1 or last_seen_at <= $2",
                vec![moment::text(now).into(), moment::text(idle).into()],
            )
            .await?;
        transaction
            .execute("delete from code where expires_at <= $1", vec![moment::text(now).into()])
            .await?;
        transaction
            .execute("delete from throttle where last_at <= $1", vec![moment::text(day).into()])
            .await?;
        Ok(transaction.commit().await?)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The rows of a query.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: Vec<Value>,
    ) -> Result<Vec<T>, Error> {
        Ok(self.room.query(sql, params).await?.to::<T>()?)
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn first<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: Vec<Value>,
    ) -> Result<Option<T>, Error> {
        Ok(self.all(sql, params).await?.into_iter().next())
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

/// Writes down what was seen of sessions and removes what is over, for as long as somebody holds the accounts.
async fn keep_up(accounts: Weak<Accounts>) {
    let mut rounds: u32 = 0;
    loop {
        tokio::time::sleep(WRITE_BEHIND).await;
        let Some(accounts) = accounts.upgrade() else { return };
        let mut done = accounts.write_last_seen().await;
        if rounds.is_multiple_of(SWEEP_EVERY) {
            done = done.and(accounts.sweep().await);
        }
        rounds = rounds.wrapping_add(1);
        if let Err(error) = done {
            tracing::warn!("accounts are not kept up: {error}");
        }
    }
}
