//! One connection to a room's file: opened as confined as can be, and running one statement at a time.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::authorizer::{Face, Worn};
use super::functions;
use super::statement::{Columns, Fault, Outcome, Statement, Want, bind, collect};
use crate::Error;
use crate::options::{Options, VALUE_BYTES};

/// The longest text of a statement, in bytes.
const STATEMENT_BYTES: usize = 100 << 10;
/// The longest text of a migration, in bytes.
const MIGRATION_BYTES: i32 = 16 << 20;
/// How much memory SQLite may take for all rooms of the process. What needs more fails, rather than the process.
const MEMORY_BYTES: i64 = 1 << 30;
/// How many steps of SQLite's machine pass between two looks at the clock. One step may be as slow as building
/// a value of 16 MB.
const STEPS_BETWEEN_LOOKS: i32 = 200;
/// How long another process's lock is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Reading,
    Writing,
}

pub(crate) struct Link {
    room: Arc<str>,
    connection: Connection,
    worn: Worn,
    clock: Clock,
    columns: RefCell<Columns>,
}

/// Until when the statement that runs may run; SQLite looks at it every few steps.
#[derive(Clone)]
struct Clock {
    born: Instant,
    /// In nanoseconds since `born`.
    until: Arc<AtomicU64>,
}

impl Clock {
    fn set(&self, limit: Option<Duration>) {
        let until = limit.map_or(u64::MAX, |limit| {
            u64::try_from((self.born.elapsed().saturating_add(limit)).as_nanos()).unwrap_or(u64::MAX)
        });
        self.until.store(until, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until != u64::MAX && self.born.elapsed().as_nanos() > u128::from(until)
    }
}

/// While this lives the connection wears a face; afterwards it wears the guest's, which may do least.
struct Wearing<'a>(&'a Link);

impl Drop for Wearing<'_> {
    fn drop(&mut self) {
        self.0.worn.put_on(Face::Guest);
        self.0.clock.set(None);
    }
}

impl Link {
    /// Opens the file; a writer makes it if there is none.
    pub(crate) fn open(
        room: &Arc<str>,
        file: &Path,
        purpose: Purpose,
        options: &Options,
    ) -> Result<Self, Error> {
        Self::open_raw(file, purpose, options)
            .map(|(connection, worn, clock)| Self {
                room: Arc::clone(room),
                connection,
                worn,
                clock,
                columns: RefCell::default(),
            })
            .map_err(|error| Error::sqlite(room, error, None, BUSY))
    }

    fn open_raw(
        file: &Path,
        purpose: Purpose,
        options: &Options,
    ) -> rusqlite::Result<(Connection, Worn, Clock)> {
        let access = match purpose {
            Purpose::Reading => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Purpose::Writing => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let mut connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        if purpose == Purpose::Writing {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", options.synchronous.word())?;
            connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
        } else {
            connection.pragma_update(None, "query_only", true)?;
        }
        connection.pragma_update(None, "cache_size", -1000)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.query_row(&format!("pragma hard_heap_limit = {MEMORY_BYTES}"), [], |_| Ok(()))?;
        for (setting, on) in [
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
            // Otherwise SQLite prepares a statement with a range anew for each value that it is given.
            (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
            // Otherwise a misspelt column in double quotes is silently a text.
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        ] {
            connection.set_db_config(setting, on)?;
        }
        for (limit, most) in [
            (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, MIGRATION_BYTES),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1000),
            (Limit::SQLITE_LIMIT_COLUMN, 500),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 250),
            (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 32),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            connection.set_limit(limit, most)?;
        }
        functions::replace_slow_ones(&connection)?;
        connection.set_prepared_statement_cache_capacity(128);
        let clock = Clock { born: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) };
        let asked = clock.clone();
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || asked.is_over()))?;
        let worn = Worn::default();
        connection.authorizer(Some(worn.authorizer()))?;
        Ok((connection, worn, clock))
    }

    pub(crate) fn room(&self) -> &Arc<str> {
        &self.room
    }

    /// Whether no transaction is open; SQLite ends one by itself after some failures.
    pub(crate) fn is_outside_transactions(&self) -> bool {
        self.connection.is_autocommit()
    }

    pub(crate) fn forget_statements(&self) {
        self.connection.flush_prepared_statement_cache();
    }

    fn wear(&self, face: Face, limit: Option<Duration>) -> Wearing<'_> {
        // A refusal that SQLite then got over is not the reason of what fails next.
        self.worn.take_denied();
        self.worn.put_on(face);
        self.clock.set(limit);
        Wearing(self)
    }

    /// Runs one statement to its end.
    ///
    /// With `only_reading`, one that writes is left alone and gives [`Outcome::Writes`].
    pub(crate) fn run(
        &self,
        statement: &Statement,
        limit: Duration,
        only_reading: bool,
    ) -> Result<Outcome, Error> {
        let _wearing = self.wear(statement.face, Some(limit));
        self.run_confined(statement, only_reading).map_err(|fault| match fault {
            Fault::Sqlite(error) => Error::sqlite(&self.room, error, self.worn.take_denied(), limit),
            Fault::Wrong(why) => Error::statement(&self.room, why),
            Fault::TooLarge(why) => Error::TooLarge { room: Arc::clone(&self.room), why },
        })
    }

    fn run_confined(&self, statement: &Statement, only_reading: bool) -> Result<Outcome, Fault> {
        let text = statement.text();
        if text.len() > STATEMENT_BYTES {
            return Err(Fault::TooLarge(
                "a statement is longer than 100 KB. Give its values as parameters".into(),
            ));
        }
        if text.contains('\0') {
            return Err(Fault::Wrong("its text holds a zero byte".to_owned()));
        }
        let mut prepared = self.connection.prepare_cached(&statement.sql)?;
        if only_reading && !prepared.readonly() {
            return Ok(Outcome::Writes);
        }
        bind(&mut prepared, &statement.params)?;
        let before = self.connection.total_changes();
        let rows =
            collect(&mut prepared, &statement.sql, &mut self.columns.borrow_mut()).map_err(|fault| {
                match fault {
                    Fault::Sqlite(rusqlite::Error::SqliteFailure(failure, _))
                        if failure.code == rusqlite::ErrorCode::ApiMisuse =>
                    {
                        Fault::Wrong("its text holds no statement".to_owned())
                    }
                    other => other,
                }
            })?;
        Ok(match statement.want {
            Want::Rows => Outcome::Rows(rows),
            // What SQLite calls changes is of the last statement that changed any, which may not be this one.
            Want::Count if self.connection.total_changes() == before => Outcome::Count(0),
            Want::Count => Outcome::Count(self.connection.changes()),
        })
    }

    /// Runs a statement of the store's own.
    pub(crate) fn control(&self, sql: &'static str) -> Result<(), Error> {
        self.with_connection(Face::Store, None, |connection| {
            connection.prepare_cached(sql).and_then(|mut prepared| prepared.raw_execute()).map(|_| ())
        })
    }

    /// Lends the connection itself, for what is no single statement.
    pub(crate) fn with_connection<T>(
        &self,
        face: Face,
        limit: Option<Duration>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let _wearing = self.wear(face, limit);
        work(&self.connection)
            .map_err(|error| Error::sqlite(&self.room, error, self.worn.take_denied(), limit.unwrap_or(BUSY)))
    }

    /// Lends the connection to be overwritten, as a whole.
    pub(crate) fn with_connection_mut<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.worn.put_on(Face::Store);
        let result = work(&mut self.connection);
        self.worn.put_on(Face::Guest);
        result.map_err(|error| Error::sqlite(&self.room, error, self.worn.take_denied(), BUSY))
    }
}
