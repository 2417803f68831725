//! One connection to a room's file: opened as confined as can be, and running one statement at a time.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::authorizer::{Face, Worn};
use super::confined::Confined;
use super::functions;
use super::schema::{Schema, Turn};
use super::statement::{Columns, Fault, Outcome, Statement, Want, bind, collect};
use super::tables::{IS_FOREIGN, Tables, quoted};
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
    purpose: Purpose,
    connection: Connection,
    worn: Worn,
    clock: Clock,
    columns: RefCell<Columns>,
    schema: Arc<Schema>,
    known: RefCell<Known>,
    /// For which tables every row that is written is looked at.
    guarded: Cell<Option<Turn>>,
}

/// What the connection knows of the tables, and of statements upon them.
#[derive(Default)]
struct Known {
    /// Until when it holds.
    turn: Option<Turn>,
    tables: Arc<Tables>,
    /// By the statement's text.
    confined: HashMap<String, Arc<Confined>>,
}

impl Known {
    /// How many statements are kept: somewhat more than prepared ones.
    const MOST: usize = 256;
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
        if self.0.purpose == Purpose::Writing && self.0.is_outside_transactions() {
            self.0.schema.settles();
        }
    }
}

impl Link {
    /// Opens the file; a writer makes it if there is none.
    pub(crate) fn open(
        room: &Arc<str>,
        file: &Path,
        purpose: Purpose,
        options: &Options,
        schema: &Arc<Schema>,
    ) -> Result<Self, Error> {
        Self::open_raw(file, purpose, options, schema)
            .map(|(connection, worn, clock)| Self {
                room: Arc::clone(room),
                purpose,
                connection,
                worn,
                clock,
                columns: RefCell::default(),
                schema: Arc::clone(schema),
                known: RefCell::default(),
                guarded: Cell::default(),
            })
            .map_err(|error| Error::sqlite(room, error, None, BUSY))
    }

    fn open_raw(
        file: &Path,
        purpose: Purpose,
        options: &Options,
        schema: &Arc<Schema>,
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
            // What is deleted or written over is wiped where that costs no further write: a secret that was stored before it
            // was sealed does not stay behind in the file.
            connection.pragma_update(None, "secure_delete", "fast")?;
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
            // One more than a statement may have: the tenant's.
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1001),
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
        let worn = Worn::new(schema);
        connection.authorizer(Some(worn.authorizer()))?;
        let tenancy = worn.tenancy.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        connection.create_scalar_function(IS_FOREIGN, 2, flags, move |context| {
            Ok(tenancy.is_foreign(context.get_raw(0), context.get_raw(1)))
        })?;
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
        let outcome = match statement.face {
            Face::Tenant(tenant) => self.run_for(tenant, statement, limit, only_reading),
            face => {
                let _wearing = self.wear(face, Some(limit));
                looked_at(statement).and_then(|()| self.run_as(statement, &statement.sql, None, only_reading))
            }
        };
        outcome.map_err(|fault| match fault {
            Fault::Sqlite(error) => Error::sqlite(&self.room, error, self.worn.take_denied(), limit),
            Fault::Wrong(why) => Error::statement(&self.room, why),
            Fault::Forbidden(why) => Error::Forbidden { room: Arc::clone(&self.room), why },
            Fault::TooLarge(why) => Error::TooLarge { room: Arc::clone(&self.room), why },
        })
    }

    /// As [`run`](Self::run), confined to a tenant's rows. While the tables change, those who read leave it to the
    /// connection that changes them.
    fn run_for(
        &self,
        tenant: i64,
        statement: &Statement,
        limit: Duration,
        only_reading: bool,
    ) -> Result<Outcome, Fault> {
        looked_at(statement)?;
        let turn = self.schema.turn();
        let is_reader = self.purpose == Purpose::Reading;
        if is_reader && turn.is_none() {
            return Ok(Outcome::Writes);
        }
        let (tables, confined) = self.confine(statement.text(), turn)?;
        let _wearing = self.wear(statement.face, Some(limit));
        self.worn.tenancy.begin(tenant, &tables, &confined);
        let outcome = self.run_as(statement, &confined.sql, Some(tenant), only_reading);
        let trespass = self.worn.tenancy.end();
        if is_reader && self.schema.turn() != turn {
            return Ok(Outcome::Writes);
        }
        match (outcome, trespass) {
            // Whatever else came of it is of a row that it should not have met.
            (Ok(_) | Err(Fault::Wrong(_) | Fault::TooLarge(_)), Some(why)) => Err(Fault::Forbidden(why)),
            (Err(Fault::Sqlite(error)), Some(why)) if is_of_the_statement(&error) => {
                Err(Fault::Forbidden(why))
            }
            (outcome, _) => outcome,
        }
    }

    /// The statement as it is run for a tenant, and the tables by which that was found.
    fn confine(&self, text: &str, turn: Option<Turn>) -> Result<(Arc<Tables>, Arc<Confined>), Fault> {
        let tables = self.tables(turn)?;
        let mut known = self.known.borrow_mut();
        if let Some(confined) = known.confined.get(text) {
            return Ok((tables, Arc::clone(confined)));
        }
        let confined = Arc::new(Confined::new(text, &tables)?);
        if known.confined.len() >= Known::MOST {
            known.confined.clear();
        }
        known.confined.insert(text.to_owned(), Arc::clone(&confined));
        Ok((tables, confined))
    }

    fn tables(&self, turn: Option<Turn>) -> rusqlite::Result<Arc<Tables>> {
        let mut known = self.known.borrow_mut();
        if turn.is_none() || known.turn != turn {
            let tables = match turn.and_then(|turn| self.schema.known_in(turn)) {
                Some(tables) => tables,
                None => {
                    let _wearing = self.wear(Face::Store, None);
                    Arc::new(Tables::load(&self.connection)?)
                }
            };
            if let Some(turn) = turn {
                self.schema.learn(turn, &tables);
            }
            *known = Known { turn, tables, ..Known::default() };
        }
        Ok(Arc::clone(&known.tables))
    }

    /// Whether every row that is written is looked at.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded.get().is_some() && self.guarded.get() == self.schema.turn()
    }

    /// Has every row that is written looked at. Only outside of transactions, as it would be undone with them.
    pub(crate) fn guard(&self) -> Result<(), Error> {
        let Some(turn) = self.schema.turn().filter(|_| self.is_outside_transactions()) else {
            return Err(Error::unavailable(&self.room, "its tables are being changed"));
        };
        self.unguard()?;
        let tables = self
            .tables(Some(turn))
            .map_err(|error| Error::sqlite(&self.room, error, self.worn.take_denied(), BUSY))?;
        let sql: String = tables.guards().iter().map(|guard| format!("{};\n", guard.sql)).collect();
        self.with_connection(Face::Store, Some(BUSY), |connection| {
            connection.execute_batch(&format!("begin;\n{sql}commit;"))
        })?;
        self.guarded.set(Some(turn));
        Ok(())
    }

    /// Takes away what looks at rows, before tables change: it would be in the way.
    pub(crate) fn unguard(&self) -> Result<(), Error> {
        self.guarded.set(None);
        self.with_connection(Face::Store, Some(BUSY), |connection| {
            let guards = "select name from sqlite_temp_schema where type = 'trigger'";
            let guards: Vec<String> = connection
                .prepare_cached(guards)?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            guards
                .iter()
                .try_for_each(|name| connection.execute_batch(&format!("drop trigger temp.{}", quoted(name))))
        })
    }

    fn run_as(
        &self,
        statement: &Statement,
        sql: &str,
        tenant: Option<i64>,
        only_reading: bool,
    ) -> Result<Outcome, Fault> {
        let mut prepared = self.connection.prepare_cached(sql)?;
        if !prepared.readonly() {
            if only_reading {
                return Ok(Outcome::Writes);
            }
            if tenant.is_some() && !self.is_guarded() {
                return Err(Fault::Wrong("its tables are being changed".to_owned()));
            }
        }
        bind(&mut prepared, &statement.params, tenant)?;
        if tenant.is_some() {
            self.worn.tenancy.runs();
        }
        let before = self.connection.total_changes();
        let rows =
            collect(&mut prepared, sql, &mut self.columns.borrow_mut()).map_err(|fault| match fault {
                Fault::Sqlite(rusqlite::Error::SqliteFailure(failure, _))
                    if failure.code == rusqlite::ErrorCode::ApiMisuse =>
                {
                    Fault::Wrong("its text holds no statement".to_owned())
                }
                other => other,
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
        self.schema.changes();
        self.worn.put_on(Face::Store);
        let result = work(&mut self.connection);
        self.worn.put_on(Face::Guest);
        self.schema.settles();
        result.map_err(|error| Error::sqlite(&self.room, error, self.worn.take_denied(), BUSY))
    }
}

/// What is refused before SQLite sees the text.
fn looked_at(statement: &Statement) -> Result<(), Fault> {
    let text = statement.text();
    if text.len() > STATEMENT_BYTES {
        let why = "a statement is longer than 100 KB. Give its values as parameters";
        return Err(Fault::TooLarge(why.into()));
    }
    if text.contains('\0') {
        return Err(Fault::Wrong("its text holds a zero byte".to_owned()));
    }
    Ok(())
}

/// Whether the statement is why it failed, and not the machine.
fn is_of_the_statement(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    !matches!(
        error.sqlite_error_code(),
        Some(
            Code::OperationInterrupted
                | Code::DiskFull
                | Code::SystemIoFailure
                | Code::OutOfMemory
                | Code::DatabaseCorrupt
                | Code::DatabaseBusy
        )
    )
}
