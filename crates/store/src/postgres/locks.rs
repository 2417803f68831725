//! Names that one process at a time has. All of a process's hang on one connection of its own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_postgres::Client;

use super::fault::Fault;
use super::roles::number;
use super::room::Room;
use super::store::House;

/// How often it is looked whether another process has given a name back.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(crate) struct Locks {
    /// Held while one is asked for.
    connection: tokio::sync::Mutex<Option<Arc<Session>>>,
    held: Mutex<HashSet<i64>>,
    /// Told when this process has given one back.
    given_back: Notify,
}

/// One connection; when it ends PostgreSQL gives everything back that it had.
struct Session {
    client: Client,
    /// Closed when the connection ends.
    alive: watch::Receiver<()>,
}

/// A name that is held. Dropping it gives it back.
pub(crate) struct Held {
    number: i64,
    session: Arc<Session>,
    house: Arc<House>,
}

impl Held {
    /// Waits until the connection ends.
    pub(crate) async fn lost(&mut self) {
        let mut alive = self.session.alive.clone();
        while alive.changed().await.is_ok() {}
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Held").field(&self.number).finish()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (number, session, house) = (self.number, Arc::clone(&self.session), Arc::clone(&self.house));
        self.house.runtime.spawn(async move {
            let _ = session
                .client
                .batch_execute(&format!("select pg_catalog.pg_advisory_unlock({number})"))
                .await;
            house.locks.held().remove(&number);
            house.locks.given_back.notify_waiters();
        });
    }
}

impl Locks {
    fn held(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up the connection, once nobody has anything of it.
    pub(crate) fn close(&self) {
        if let Ok(mut connection) = self.connection.try_lock() {
            *connection = None;
        }
    }

    async fn session(&self, house: &House) -> Result<Arc<Session>, Fault> {
        let mut connection = self.connection.lock().await;
        if let Some(session) = connection.as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(Arc::clone(session));
        }
        let (client, wire) = house.connections.address().connect(house.owner()).await?;
        let (sender, alive) = watch::channel(());
        tokio::spawn(async move {
            let _ = match wire {
                super::address::Wire::Plain(wire) => wire.await,
                super::address::Wire::Tls(wire) => wire.await,
            };
            drop(sender);
        });
        let session = Arc::new(Session { client, alive });
        *connection = Some(Arc::clone(&session));
        Ok(session)
    }
}

impl Room {
    pub(crate) async fn alone(&self, name: &str) -> Result<Held, Fault> {
        loop {
            let given_back = self.inner.house.locks.given_back.notified();
            if let Some(held) = self.try_alone(name).await? {
                return Ok(held);
            }
            let _ = tokio::time::timeout(LOOK_EVERY, given_back).await;
        }
    }

    pub(crate) async fn try_alone(&self, name: &str) -> Result<Option<Held>, Fault> {
        let house = &self.inner.house;
        let number = number(&["alone", self.name(), name]);
        // The same connection would be given it twice.
        if !house.locks.held().insert(number) {
            return Ok(None);
        }
        let asked = async {
            let session = house.locks.session(house).await?;
            let row =
                session.client.query_one("select pg_catalog.pg_try_advisory_lock($1)", &[&number]).await?;
            Ok::<_, Fault>((row.try_get::<_, bool>(0)?, session))
        };
        match asked.await {
            Ok((true, session)) => Ok(Some(Held { number, session, house: Arc::clone(house) })),
            result => {
                house.locks.held().remove(&number);
                result.map(|_| None)
            }
        }
    }
}
