//! Bringing a room's tables to where its owner expects them, and back.

use switchboard_sql::Value;

use super::fault::Fault;
use super::link::{Link, Want};
use super::room::Room;
use super::store::text_of;
use super::wording::{pieces, refused_to_migration};
use crate::migration::{Applied, checksum};
use crate::name::RESERVED;
use crate::{Error, Migration};

/// How long one migration may take.
const MIGRATION_SECONDS: u32 = 600;

const TABLE: &str = "create table if not exists _switchboard_migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    success boolean not null,
    error text,
    at text not null
)";

struct Record {
    applied: Applied,
    checksum: String,
}

/// What becomes of a migration's place among those that were tried.
enum Note<'a> {
    Done(&'a Migration),
    Gone(u32),
}

impl Room {
    pub(crate) async fn migrate(&self, migrations: &[Migration]) -> Result<usize, Error> {
        let _turn = self.inner.turn.write().await;
        self.inner.is_served().map_err(|fault| self.inner.error(fault))?;
        let mut lent = self.inner.connection().await.map_err(|fault| self.inner.error(fault))?;
        let link = lent.link().map_err(|fault| self.inner.error(fault))?;
        self.up(link, migrations).await
    }

    pub(crate) async fn migrate_down(&self, migrations: &[Migration], above: u32) -> Result<usize, Error> {
        let _turn = self.inner.turn.write().await;
        let mut lent = self.inner.connection().await.map_err(|fault| self.inner.error(fault))?;
        let link = lent.link().map_err(|fault| self.inner.error(fault))?;
        let mut done = 0;
        for record in self.recorded(link).await?.into_iter().rev().filter(|it| it.applied.number > above) {
            let Applied { number, name, success, .. } = record.applied;
            let given = migrations.iter().find(|migration| migration.number == number);
            let statements = match given.and_then(Migration::down_on_postgres) {
                _ if !success => "",
                Some(statements) => statements,
                None => {
                    let why = format!("it cannot be taken back, as there is no {number:03}_{name}.down.sql");
                    return Err(self.failed(number, &name, why));
                }
            };
            if let Err(fault) = self.apply(link, number, statements, &Note::Gone(number)).await {
                let why = format!("it could not be taken back: {}", self.reason(fault));
                return Err(self.failed(number, &name, why));
            }
            done += usize::from(success);
        }
        Ok(done)
    }

    pub(crate) async fn migrations(&self) -> Result<Vec<Applied>, Error> {
        self.inner.is_served().map_err(|fault| self.inner.error(fault))?;
        let mut lent = self.inner.connection().await.map_err(|fault| self.inner.error(fault))?;
        let link = lent.link().map_err(|fault| self.inner.error(fault))?;
        Ok(self.recorded(link).await?.into_iter().map(|record| record.applied).collect())
    }

    async fn up(&self, link: &mut Link, migrations: &[Migration]) -> Result<usize, Error> {
        let lock = self.inner.names.lock;
        let table = format!("begin; select pg_catalog.pg_advisory_xact_lock({lock}); {TABLE}; commit");
        link.control(&table).await.map_err(|fault| self.inner.error(fault))?;
        let before = self.recorded(link).await?;
        for record in before.iter().filter(|record| record.applied.success) {
            self.agrees(record, migrations)?;
        }
        let holds = |number: u32| before.iter().any(|it| it.applied.success && it.applied.number == number);
        let mut done = 0;
        for migration in migrations.iter().filter(|migration| !holds(migration.number)) {
            let statements = migration.up_on_postgres();
            match self.apply(link, migration.number, statements, &Note::Done(migration)).await {
                Ok(is_new) => done += usize::from(is_new),
                Err(fault) => {
                    let why = self.reason(fault);
                    let note = note(&Note::Done(migration), Some(&why));
                    self.say(link, note).await.map_err(|fault| self.inner.error(fault))?;
                    return Err(self.failed(migration.number, &migration.name, why));
                }
            }
        }
        Ok(done)
    }

    /// Runs the statements and the note of them in one transaction; not at all when another server has done so meanwhile.
    async fn apply(
        &self,
        link: &mut Link,
        number: u32,
        statements: &str,
        what: &Note<'_>,
    ) -> Result<bool, Fault> {
        link.is_open = true;
        let result = self.apply_within(link, number, statements, what).await;
        let end = if matches!(result, Ok(true)) { "commit" } else { "rollback" };
        link.control(end).await?;
        link.is_open = false;
        result
    }

    async fn apply_within(
        &self,
        link: &mut Link,
        number: u32,
        statements: &str,
        what: &Note<'_>,
    ) -> Result<bool, Fault> {
        let names = &self.inner.names;
        let lock = names.lock;
        link.control(&format!(
            "begin; set local statement_timeout = '{MIGRATION_SECONDS}s'; select pg_catalog.pg_advisory_xact_lock({lock})"
        ))
        .await?;
        let there = format!(
            "select coalesce((select success::text from _switchboard_migration where number = {number}), '')"
        );
        let there = text_of(link, &there).await?;
        let is_done = match what {
            Note::Done(_) => there == "true",
            Note::Gone(_) => there.is_empty(),
        };
        if is_done {
            return Ok(false);
        }
        let before = self.reserved(link).await?;
        link.control(&format!("set local role {}", names.maker)).await?;
        for piece in pieces(statements) {
            if let Some(why) = refused_to_migration(piece) {
                return Err(Fault::Forbidden(why));
            }
            link.client.execute(piece, &[]).await?;
        }
        link.control("set constraints all immediate; set local role none").await?;
        if self.reserved(link).await? != before {
            let why =
                format!("a migration makes or changes what begins with {RESERVED}, which is the host's");
            return Err(Fault::Forbidden(why));
        }
        link.control(&names.settle()).await?;
        self.say(link, note(what, None)).await?;
        Ok(true)
    }

    /// All that has a name of the host's own.
    async fn reserved(&self, link: &mut Link) -> Result<String, Fault> {
        let sql = format!(
            "select coalesce(string_agg(concat_ws(' ', c.oid, c.relkind, c.relname, c.relowner), ',' order by c.oid), '')
            from pg_catalog.pg_class c
            where c.relnamespace = '{}'::regnamespace and left(c.relname, {}) = '{RESERVED}'",
            self.inner.names.schema,
            RESERVED.len()
        );
        text_of(link, &sql).await
    }

    async fn say(&self, link: &mut Link, (sql, params): (&'static str, Vec<Value>)) -> Result<(), Fault> {
        let prepared = link.prepare(sql, &params).await?;
        link.run("", &prepared, &params, Want::Count, "").await.map(drop)
    }

    async fn recorded(&self, link: &mut Link) -> Result<Vec<Record>, Error> {
        let read = async {
            let there = "select coalesce(to_regclass('_switchboard_migration')::text, '')";
            if text_of(link, there).await?.is_empty() {
                return Ok(Vec::new());
            }
            let sql = "select number, name, success, error, at, checksum from _switchboard_migration order by number";
            let prepared = link.prepare(sql, &[]).await?;
            let rows = link.run("", &prepared, &[], Want::Rows, "").await?.into_rows();
            let rows = rows.to::<(u32, String, bool, Option<String>, String, String)>();
            rows.map_err(|error| Fault::Wrong(error.to_string()))
        };
        let rows = read.await.map_err(|fault| self.inner.error(fault))?;
        let record = |(number, name, success, error, at, checksum)| Record {
            applied: Applied { number, name, success, error, at },
            checksum,
        };
        Ok(rows.into_iter().map(record).collect())
    }

    /// Whether what was applied is still what is given under its number.
    fn agrees(&self, record: &Record, migrations: &[Migration]) -> Result<(), Error> {
        let Applied { number, name, .. } = &record.applied;
        let why = match migrations.iter().find(|migration| migration.number == *number) {
            Some(migration) if checksum(migration.up_on_postgres()) == record.checksum => return Ok(()),
            Some(_) => {
                "its file has changed since it was applied. Put it back as it was, and write the change as a new one"
            }
            None => {
                "it was applied, but there is no such file any more: these tables belong to a newer version"
            }
        };
        Err(self.failed(*number, name, why.to_owned()))
    }

    fn failed(&self, number: u32, name: &str, why: String) -> Error {
        Error::Migration { room: self.inner.name.clone(), number, name: name.to_owned(), why }
    }

    /// What PostgreSQL said, without the frame that names the room once more.
    fn reason(&self, fault: Fault) -> String {
        match self.inner.error(fault) {
            Error::Constraint { why, .. }
            | Error::Forbidden { why, .. }
            | Error::Statement { why, .. }
            | Error::TooLarge { why, .. } => why,
            other => other.to_string(),
        }
    }
}

fn note(what: &Note<'_>, error: Option<&str>) -> (&'static str, Vec<Value>) {
    match what {
        Note::Gone(number) => {
            ("delete from _switchboard_migration where number = $1", vec![(*number).into()])
        }
        Note::Done(migration) => {
            let sql = "insert into _switchboard_migration (number, name, checksum, success, error, at)
                values ($1, $2, $3, $4, $5, to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))
                on conflict (number) do update set name = excluded.name, checksum = excluded.checksum,
                    success = excluded.success, error = excluded.error, at = excluded.at";
            let checksum = checksum(migration.up_on_postgres());
            let name = migration.name.as_str();
            (
                sql,
                vec![
                    migration.number.into(),
                    name.into(),
                    checksum.into(),
                    error.is_none().into(),
                    error.into(),
                ],
            )
        }
    }
}
