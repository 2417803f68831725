//! The connections to the database, of all rooms together.
//!
//! Each room signs in with a role of its own, so that a connection serves one room; a pool for each would hold on to many
//! times what PostgreSQL allows. So there is one bound for all: whoever needs a connection and finds none of its role takes the
//! place of the one that was idle for longest.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::{Address, Login};
use super::fault::Fault;
use super::link::Link;

/// How long a connection may be idle before it is closed.
const IDLE: Duration = Duration::from_secs(60);

/// How long a free connection is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Connections {
    address: Address,
    most: usize,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Link>>,
}

/// As whom to sign in, with what is done first on a new connection.
pub(crate) struct Who {
    pub(crate) user: Arc<str>,
    pub(crate) login: Login,
}

/// A connection lent out. Dropping it gives it back, unless a transaction may be open on it.
pub(crate) struct Lent {
    link: Option<Link>,
    connections: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(address: Address, most: usize) -> Arc<Self> {
        let most = most.max(2);
        Arc::new(Self { address, most, free: Arc::new(Semaphore::new(most)), idle: Mutex::default() })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for a connection of that role, and opens one if there is none. `begin` is said on a new one, for the process that
    /// serves it.
    pub(crate) async fn get(
        self: &Arc<Self>,
        who: &Who,
        begin: impl Fn(i32) -> String,
    ) -> Result<Lent, Fault> {
        let waited = tokio::time::timeout(PATIENCE, Arc::clone(&self.free).acquire_owned()).await;
        let Ok(Ok(permit)) = waited else {
            let most = self.most;
            return Err(Fault::Unavailable(format!("all {most} connections to PostgreSQL are in use")));
        };
        let link = match self.take(&who.user) {
            Some(link) => link,
            None => self.open(who, begin).await?,
        };
        Ok(Lent { link: Some(link), connections: Arc::clone(self), _permit: permit })
    }

    fn take(&self, user: &str) -> Option<Link> {
        let mut idle = self.idle();
        idle.retain(|link| !link.client.is_closed());
        if let Some(place) = idle.iter().rposition(|link| &*link.user == user) {
            return Some(idle.remove(place));
        }
        // One that is lent counts for the permit that it has; the others may take all the rest.
        let lent = self.most.saturating_sub(self.free.available_permits());
        let room = self.most.saturating_sub(lent);
        let too_many = idle.len().saturating_sub(room);
        idle.drain(..too_many);
        None
    }

    async fn open(&self, who: &Who, begin: impl Fn(i32) -> String) -> Result<Link, Fault> {
        let (client, wire) = self.address.connect(&who.login).await?;
        wire.run();
        let row = client.query_one("select pg_catalog.pg_backend_pid()", &[]).await?;
        let pid: i32 = row.try_get(0)?;
        let link = Link::new(client, pid, Arc::clone(&who.user));
        let begin = begin(pid);
        if !begin.is_empty() {
            link.control(&begin).await?;
        }
        Ok(link)
    }

    /// Closes all that nobody uses.
    pub(crate) fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    pub(crate) fn link(&mut self) -> Result<&mut Link, Fault> {
        self.link.as_mut().ok_or_else(|| Fault::Unavailable("its connection is gone".to_owned()))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        if link.is_open || link.client.is_closed() {
            return;
        }
        link.used = Instant::now();
        let mut idle = self.connections.idle();
        // They stand in the order in which they were used.
        idle.retain(|link| link.used.elapsed() < IDLE);
        idle.push(link);
    }
}
