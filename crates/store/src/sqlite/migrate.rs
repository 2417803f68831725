//! Bringing a room's tables to where its owner expects them, and back.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::authorizer::Face;
use super::link::Link;
use super::room::Room;
use crate::migration::{Applied, checksum};
use crate::name::RESERVED;
use crate::{Error, Migration};

/// How long one migration may take.
const MIGRATION_TIME: Duration = Duration::from_secs(600);

const TABLE: &str = "create table if not exists _switchboard_migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    success integer not null,
    error text,
    at text not null
) strict";

impl Room {
    /// Applies those migrations that were not applied yet, each in a transaction of its own, and gives their number.
    ///
    /// One that fails is undone and recorded with its error; those before it hold, those after it are not tried. It is
    /// tried again the next time.
    ///
    /// # Errors
    /// [`Error::Migration`] when one fails, has changed since it was applied, or is no longer among those given.
    pub(crate) async fn migrate(&self, migrations: &[Migration]) -> Result<usize, Error> {
        let migrations = migrations.to_vec();
        self.inner.writer.alone(move |link| up(link, &migrations)).await
    }

    /// Takes back the migrations above `number`, the last first, each in a transaction of its own, and gives how many.
    ///
    /// # Errors
    /// [`Error::Migration`] when one fails or has no statements that take it back; those after it are taken back then.
    pub(crate) async fn migrate_down(&self, migrations: &[Migration], number: u32) -> Result<usize, Error> {
        let migrations = migrations.to_vec();
        self.inner.writer.alone(move |link| down(link, &migrations, number)).await
    }

    /// The migrations that were tried in this room, in order.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Io`].
    pub(crate) async fn migrations(&self) -> Result<Vec<Applied>, Error> {
        self.inner
            .writer
            .alone(|link| Ok(recorded(link)?.into_iter().map(|record| record.applied).collect()))
            .await
    }
}

struct Record {
    applied: Applied,
    checksum: String,
}

fn up(link: &mut Link, migrations: &[Migration]) -> Result<usize, Error> {
    link.with_connection(Face::Store, None, |connection| connection.execute_batch(TABLE))?;
    let before = recorded(link)?;
    for record in before.iter().filter(|record| record.applied.success) {
        agrees(link, record, migrations)?;
    }
    let holds = |number: u32| before.iter().any(|it| it.applied.success && it.applied.number == number);
    let mut done = 0;
    for migration in migrations.iter().filter(|migration| !holds(migration.number)) {
        let change = apply(link, &migration.up, |connection| record(connection, migration, None));
        if let Err(error) = change {
            let why = reason(&error);
            link.with_connection(Face::Store, None, |connection| record(connection, migration, Some(&why)))?;
            return Err(failed(link, migration.number, &migration.name, why));
        }
        done += 1;
    }
    Ok(done)
}

fn down(link: &mut Link, migrations: &[Migration], number: u32) -> Result<usize, Error> {
    let mut done = 0;
    for record in recorded(link)?.into_iter().rev().filter(|record| record.applied.number > number) {
        let Applied { number, name, success, .. } = record.applied;
        let forget = |connection: &Connection| {
            connection.execute("delete from _switchboard_migration where number = ?1", [number]).map(drop)
        };
        if !success {
            link.with_connection(Face::Store, None, forget)?;
            continue;
        }
        let given = migrations.iter().find(|migration| migration.number == number);
        let Some(text) = given.and_then(|migration| migration.down.as_deref()) else {
            let why = format!("it cannot be taken back, as there is no {number:03}_{name}.down.sql");
            return Err(failed(link, number, &name, why));
        };
        if let Err(error) = apply(link, text, forget) {
            let why = format!("it could not be taken back: {}", reason(&error));
            return Err(failed(link, number, &name, why));
        }
        done += 1;
    }
    Ok(done)
}

/// Runs the statements and the note of them in one transaction.
fn apply(
    link: &mut Link,
    statements: &str,
    note: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<(), Error> {
    let whole = (|| {
        if statements.contains('\0') {
            return Err(Error::statement(link.room(), "its text holds a zero byte"));
        }
        link.control("begin immediate")?;
        let before = reserved(link)?;
        link.with_connection(Face::Migration, Some(MIGRATION_TIME), |connection| {
            connection.execute_batch(statements)
        })?;
        // SQLite asks nobody about the new name when a table is renamed.
        if reserved(link)? != before {
            let why =
                format!("a migration makes or changes what begins with {RESERVED}, which is the host's");
            return Err(Error::Forbidden { room: link.room().clone(), why });
        }
        link.with_connection(Face::Store, None, note)?;
        link.control("commit")
    })();
    if whole.is_err() && !link.is_outside_transactions() {
        link.control("rollback")?;
    }
    whole
}

/// The definitions of all that has to do with the host's own tables.
fn reserved(link: &Link) -> Result<Vec<String>, Error> {
    link.with_connection(Face::Store, None, |connection| {
        let sql = r"select concat_ws(' ', type, name, tbl_name, sql) from sqlite_schema
                    where name like ?1 escape '\' or tbl_name like ?1 escape '\' order by 1";
        let pattern = format!("{}%", RESERVED.replace('_', r"\_"));
        connection.prepare(sql)?.query_map([pattern], |row| row.get(0))?.collect()
    })
}

/// Whether what was applied is still what is given under its number.
fn agrees(link: &Link, record: &Record, migrations: &[Migration]) -> Result<(), Error> {
    let Applied { number, name, .. } = &record.applied;
    let why = match migrations.iter().find(|migration| migration.number == *number) {
        Some(migration) if checksum(&migration.up) == record.checksum => return Ok(()),
        Some(_) => {
            "its file has changed since it was applied. Put it back as it was, and write the change as a new one"
        }
        None => "it was applied, but there is no such file any more: these tables belong to a newer version",
    };
    Err(failed(link, *number, name, why.to_owned()))
}

fn failed(link: &Link, number: u32, name: &str, why: String) -> Error {
    Error::Migration { room: link.room().clone(), number, name: name.to_owned(), why }
}

/// What SQLite said, without the frame that names the room once more.
fn reason(error: &Error) -> String {
    match error {
        Error::Constraint { why, .. }
        | Error::Forbidden { why, .. }
        | Error::Statement { why, .. }
        | Error::TooLarge { why, .. } => why.clone(),
        other => other.to_string(),
    }
}

fn record(connection: &Connection, migration: &Migration, error: Option<&str>) -> rusqlite::Result<()> {
    let sql = "insert or replace into _switchboard_migration (number, name, checksum, success, error, at)
               values (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
    let checksum = checksum(&migration.up);
    connection
        .execute(sql, params![migration.number, migration.name, checksum, error.is_none(), error])
        .map(drop)
}

fn recorded(link: &Link) -> Result<Vec<Record>, Error> {
    link.with_connection(Face::Store, None, |connection| {
        let exists = "select 1 from sqlite_schema where type = 'table' and name = '_switchboard_migration'";
        if connection.query_row(exists, [], |_| Ok(())).optional()?.is_none() {
            return Ok(Vec::new());
        }
        let sql =
            "select number, name, success, error, at, checksum from _switchboard_migration order by number";
        let mut statement = connection.prepare(sql)?;
        let records = statement.query_map([], |row| {
            let applied = Applied {
                number: row.get(0)?,
                name: row.get(1)?,
                success: row.get(2)?,
                error: row.get(3)?,
                at: row.get(4)?,
            };
            Ok(Record { applied, checksum: row.get(5)? })
        })?;
        records.collect()
    })
}
