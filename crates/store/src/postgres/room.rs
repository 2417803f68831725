//! A room: one schema with its roles, and its two faces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use switchboard_sql::{Rows, Value};
use tokio::sync::RwLock;
use tokio_postgres::error::SqlState;

use super::address::Login;
use super::connections::{Lent, Who};
use super::fault::Fault;
use super::link::{Outcome, Want, examine, is_stale};
use super::roles::{Names, hex};
use super::store::House;
use super::transaction::Transaction;
use super::wording::{defines, first_word, may_write, refused_to_guest};
use crate::stats::Counters;
use crate::{Error, Executed, Stats, Tenant};

/// How often a read is asked again when the connection breaks under it.
const ATTEMPTS: u32 = 3;

/// One schema, with the host's face. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) inner: Arc<Inner>,
}

/// One schema, with a guest's face for a tenant. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Guest {
    room: Room,
    tenant: Tenant,
}

pub(crate) struct Inner {
    pub(crate) name: Arc<str>,
    pub(crate) names: Names,
    pub(crate) who: Who,
    pub(crate) house: Arc<House>,
    pub(crate) counters: Counters,
    /// Held by every write, and by a transaction alone: what a transaction has read nobody changes before it ends, as on SQLite.
    /// Among several processes a lock of PostgreSQL does the same.
    pub(crate) turn: Arc<RwLock<()>>,
    is_closed: AtomicBool,
}

/// On whose behalf a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    Guest(Tenant),
    Host,
}

impl Room {
    pub(crate) async fn open(house: Arc<House>, name: Arc<str>) -> Result<Self, Error> {
        let limit = house.options.statement_time;
        let (names, who) = house.found(&name).await.map_err(|fault| fault.of(&name, limit))?;
        Ok(Self::with(name, names, who, house))
    }

    /// A copy of the room, in its schema, as a room of its own with the same roles.
    pub(crate) fn at(&self, copy: &str) -> Self {
        let Inner { name, names, who, house, .. } = &*self.inner;
        let login = Login { user: who.login.user.clone(), settings: house.settings_of(copy) };
        // Their connections have another search path than the room's own.
        let user = format!("{} at {copy} {}", who.user, hex(&rand::random::<[u8; 8]>(), 8));
        Self::with(Arc::clone(name), names.at(copy), Who { user: user.into(), login }, Arc::clone(house))
    }

    fn with(name: Arc<str>, names: Names, who: Who, house: Arc<House>) -> Self {
        let (counters, turn, is_closed) = (Counters::default(), Arc::default(), AtomicBool::new(false));
        Self { inner: Arc::new(Inner { name, names, who, house, counters, turn, is_closed }) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.inner.name
    }

    pub(crate) async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        self.inner.query(Face::Host, sql, params).await
    }

    pub(crate) async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        self.inner.execute(Face::Host, sql, params).await
    }

    pub(crate) fn begin(&self) -> Transaction {
        Transaction::new(&self.inner, Face::Host)
    }

    pub(crate) fn guest(&self, tenant: Tenant) -> Guest {
        Guest { room: self.clone(), tenant }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.inner.counters.read()
    }

    /// Waits for what writes, and refuses what comes later.
    pub(crate) async fn close(&self) {
        let turn = self.inner.turn.write().await;
        self.inner.is_closed.store(true, Ordering::Release);
        drop(turn);
    }
}

impl Guest {
    pub(crate) async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        self.room.inner.query(Face::Guest(self.tenant), sql, params).await
    }

    pub(crate) async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        self.room.inner.execute(Face::Guest(self.tenant), sql, params).await
    }

    pub(crate) fn begin(&self) -> Transaction {
        Transaction::new(&self.room.inner, Face::Guest(self.tenant))
    }
}

impl Inner {
    async fn query(self: &Arc<Self>, face: Face, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        self.may_run(face, sql, &params).map_err(|fault| self.error(fault))?;
        if !may_write(sql) {
            match self.read_again(face, sql, &params).await {
                Err(fault) if fault.is(&SqlState::READ_ONLY_SQL_TRANSACTION) => {}
                Err(fault) => return Err(self.error(fault)),
                Ok(rows) => {
                    Counters::one_more(&self.counters.reads);
                    return Ok(rows);
                }
            }
        }
        Ok(self.write(face, sql, params, Want::Rows).await?.into_rows())
    }

    async fn execute(self: &Arc<Self>, face: Face, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        self.may_run(face, sql, &params).map_err(|fault| self.error(fault))?;
        let only_reads = !may_write(sql);
        let count = self.write(face, sql, params, Want::Count).await?.into_count();
        Ok(Executed { rows_affected: if only_reads { 0 } else { count } })
    }

    /// What is wrong before PostgreSQL is asked.
    pub(crate) fn may_run(&self, face: Face, sql: &str, params: &[Value]) -> Result<(), Fault> {
        self.is_served()?;
        examine(sql, params)?;
        let why = match face {
            Face::Guest(_) => refused_to_guest(sql),
            // A transaction that were opened by hand would be the next one's, who gets the connection.
            Face::Host => match first_word(sql).as_str() {
                "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" => {
                    Some("a statement controls transactions by itself; use begin and commit".to_owned())
                }
                "set" | "reset" => Some("a statement changes settings, which outlast it".to_owned()),
                _ => None,
            },
        };
        why.map_or(Ok(()), |why| Err(Fault::Forbidden(why)))
    }

    pub(crate) fn is_served(&self) -> Result<(), Fault> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Fault::Unavailable("its store was closed".to_owned()));
        }
        Ok(())
    }

    pub(crate) fn error(&self, fault: Fault) -> Error {
        if fault.is(&SqlState::QUERY_CANCELED) {
            Counters::one_more(&self.counters.timeouts);
        }
        fault.of(&self.name, self.house.options.statement_time)
    }

    pub(crate) async fn connection(&self) -> Result<Lent, Fault> {
        self.house.as_host(&self.who).await
    }

    /// A read that loses its connection has done nothing, so that it may be done again.
    async fn read_again(&self, face: Face, sql: &str, params: &[Value]) -> Result<Rows, Fault> {
        for _ in 1..ATTEMPTS {
            match self.read(face, sql, params).await {
                Err(fault) if fault.is_broken() => self.house.connections.close_idle(),
                result => return result,
            }
        }
        self.read(face, sql, params).await
    }

    async fn read(&self, face: Face, sql: &str, params: &[Value]) -> Result<Rows, Fault> {
        let mut lent = self.connection().await?;
        let link = lent.link()?;
        for is_last in [false, true] {
            let prepared = link.prepare(sql, params).await?;
            let (before, after) = match face {
                Face::Host => ("begin read only".to_owned(), "commit"),
                Face::Guest(_) => (format!("begin read only; {}", self.put_on(face, link.pid)), "commit"),
            };
            // All of it is sent at once, so that nothing is left open when nobody waits any more.
            match link.run(&before, &prepared, params, Want::Rows, after).await {
                Err(fault) if is_stale(&fault) && !is_last => link.forget(sql),
                result => return result.map(Outcome::into_rows),
            }
        }
        Err(Fault::Unavailable("its tables changed while a statement was read".to_owned()))
    }

    /// Runs to its end also when nobody waits for it any more.
    async fn write(
        self: &Arc<Self>,
        face: Face,
        sql: &str,
        params: Vec<Value>,
        want: Want,
    ) -> Result<Outcome, Error> {
        let (room, sql) = (Arc::clone(self), sql.to_owned());
        let writing = tokio::spawn(async move {
            let _turn = room.turn.read().await;
            room.is_served().map_err(|fault| room.error(fault))?;
            let mut lent = room.connection().await.map_err(|fault| room.error(fault))?;
            let result = room.write_on(&mut lent, face, &sql, &params, want).await;
            let counters = &room.counters;
            match result {
                Ok(outcome) => {
                    Counters::one_more(&counters.writes);
                    Counters::one_more(&counters.commits);
                    Ok(outcome)
                }
                Err(fault) => {
                    Counters::one_more(&counters.undone);
                    if fault.is(&SqlState::QUERY_CANCELED) {
                        Counters::one_more(&counters.timeouts);
                    }
                    Err(fault.of_write(&room.name, room.house.options.statement_time))
                }
            }
        });
        match writing.await {
            Ok(result) => result,
            Err(error) => Err(Error::unavailable(&self.name, format!("its work did not end well: {error}"))),
        }
    }

    async fn write_on(
        &self,
        lent: &mut Lent,
        face: Face,
        sql: &str,
        params: &[Value],
        want: Want,
    ) -> Result<Outcome, Fault> {
        let link = lent.link()?;
        if face == Face::Host && defines(sql) {
            // What tables there are has changed, and with it what guests may.
            link.is_open = true;
            link.control(&format!("begin; {}", self.wait_for_turn(false))).await?;
            link.client.execute(sql, &[]).await?;
            link.control(&format!("{}; commit", self.names.settle())).await?;
            link.is_open = false;
            return Ok(Outcome::Count(0));
        }
        for is_last in [false, true] {
            let prepared = match link.prepare(sql, params).await {
                Ok(prepared) => prepared,
                // Nothing was done yet, so that this is no uncertainty.
                Err(fault) if fault.is_broken() => {
                    return Err(Fault::Unavailable("its connection to PostgreSQL broke".to_owned()));
                }
                Err(fault) => return Err(fault),
            };
            let before = format!("begin; {}{}", self.wait_for_turn(true), self.put_on(face, link.pid));
            // Rows may be too many, which shows only when they are there.
            let after = if want == Want::Rows { "" } else { "commit" };
            link.is_open = true;
            let result = link.run(&before, &prepared, params, want, after).await;
            match (result, want) {
                (Ok(outcome), Want::Rows) => {
                    link.control("commit").await?;
                    link.is_open = false;
                    return Ok(outcome);
                }
                (Ok(outcome), Want::Count) => {
                    link.is_open = false;
                    return Ok(outcome);
                }
                (Err(fault), _) if fault.is_broken() => return Err(fault),
                (Err(fault), _) => {
                    link.control("rollback").await?;
                    link.is_open = false;
                    if is_last || !is_stale(&fault) {
                        return Err(fault);
                    }
                    link.forget(sql);
                }
            }
        }
        Err(Fault::Unavailable("its tables changed while a statement was written".to_owned()))
    }

    /// Has a transaction wait until nobody else holds the room; longer than a statement may take, as others come first.
    pub(crate) fn wait_for_turn(&self, is_shared: bool) -> String {
        let lock = self.names.lock;
        let kind = if is_shared { "_shared" } else { "" };
        let limit = self.house.options.statement_time.as_millis().max(1);
        format!(
            "set local statement_timeout = 60000; select pg_catalog.pg_advisory_xact_lock{kind}({lock}); \
             set local statement_timeout = {limit};"
        )
    }

    /// Puts a face on, until the transaction ends.
    pub(crate) fn put_on(&self, face: Face, pid: i32) -> String {
        match face {
            Face::Host => String::new(),
            Face::Guest(tenant) => {
                format!("{}set local role {};", self.house.say_tenant(tenant, pid, true), self.names.guest)
            }
        }
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Guest").field(&self.room.inner.name).field(&self.tenant).finish()
    }
}
