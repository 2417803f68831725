//! Rooms that are filled with what rooms elsewhere hold, and what is noted of that.
//!
//! `switchboard.moving` has one row, from when a move begins; a server does not serve before it says that it is finished.
//! `_switchboard_moved` in each room has a row for each table that is whole, written in the transaction that filled it.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use switchboard_sql::{Rows, Value};

use super::cell::Cell;
use super::connections::Lent;
use super::fault::Fault;
use super::link::{Link, Want};
use super::roles::{HOUSE, number, quoted};
use super::room::Room;
use super::store::{Store, text_of};
use crate::Error;
use crate::moving::digest::{Digest, Kind, text_of as words_of};

/// How long PostgreSQL may take to see that a move has ended which was broken off.
const PATIENCE: Duration = Duration::from_secs(2);

/// A column that rows are put into.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A table that is filled.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

/// While it lives, nobody else moves anything into the database.
pub(crate) struct Turn {
    owner: Lent,
}

/// What stands in the way of a move into a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is in it.
    Empty,
    /// It holds rooms that no move has made.
    Serves,
    /// A move from there has begun.
    Begun(String),
    /// A move from there was finished.
    Finished(String),
}

impl Store {
    /// What is known of moves into the database.
    pub(crate) async fn moved(&self) -> Result<State, Error> {
        let house = &self.house;
        let asked = async {
            let mut owner = house.as_owner().await?;
            state_of(owner.link()?).await
        };
        asked.await.map_err(|fault| fault.of(house.address(), house.options.statement_time))
    }

    /// Notes that a move from there begins, unless it has begun before.
    pub(crate) async fn begin_move(&self, from: &str) -> Result<Turn, Error> {
        let house = &self.house;
        let begun = async {
            let mut owner = house.as_owner().await?;
            let link = owner.link()?;
            // It is closed and not given back, and the lock ends with it.
            link.is_open = true;
            let mine = format!("select pg_try_advisory_lock({})::text", number(&["move"]));
            let begun = Instant::now();
            while text_of(link, &mine).await? != "true" {
                if begun.elapsed() > PATIENCE {
                    return Err(Fault::Unavailable("another move into it is under way".to_owned()));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            match state_of(link).await? {
                State::Empty => {
                    let make = format!(
                        "create table if not exists {HOUSE}.moving (
                            single boolean primary key default true check (single), source text not null,
                            begun_at timestamptz not null default now(), finished_at timestamptz
                        );
                        revoke all on {HOUSE}.moving from public"
                    );
                    link.control(&make).await?;
                    let (note, params) =
                        (format!("insert into {HOUSE}.moving (source) values ($1)"), [from.into()]);
                    let prepared = link.prepare(&note, &params).await?;
                    link.run("", &prepared, &params, Want::Count, "").await?;
                }
                State::Begun(source) if source == from => {}
                State::Begun(source) => {
                    return Err(Fault::Unavailable(format!(
                        "a move from {source} into it has begun. Finish that one, or take an empty database"
                    )));
                }
                State::Finished(source) => {
                    return Err(Fault::Unavailable(format!(
                        "everything from {source} was moved into it before. Take an empty database to move once more"
                    )));
                }
                State::Serves => {
                    return Err(Fault::Unavailable(
                        "it holds rooms that no move has made: a server has served from it. Take an empty database"
                            .to_owned(),
                    ));
                }
            }
            Ok(Turn { owner })
        };
        begun.await.map_err(|fault| fault.of(house.address(), house.options.statement_time))
    }

    /// Notes that all of it is there.
    pub(crate) async fn finish_move(&self, mut turn: Turn, rooms: &[Room]) -> Result<(), Error> {
        let house = &self.house;
        let mut finish = format!("begin; update {HOUSE}.moving set finished_at = now();");
        for room in rooms {
            finish.push_str(&format!("drop table if exists {}._switchboard_moved;", room.inner.names.schema));
        }
        finish.push_str("commit");
        let finished = async { turn.owner.link()?.control(&finish).await };
        finished.await.map_err(|fault| fault.of(house.address(), house.options.statement_time))
    }
}

async fn state_of(link: &mut Link) -> Result<State, Fault> {
    let there = format!("select coalesce(to_regclass('{HOUSE}.moving')::text, '')");
    if !text_of(link, &there).await?.is_empty() {
        let noted = format!("select (finished_at is not null)::text || ' ' || source from {HOUSE}.moving");
        let noted = text_of(link, &noted).await?;
        match noted.split_once(' ') {
            Some(("true", source)) => return Ok(State::Finished(source.to_owned())),
            Some((_, source)) => return Ok(State::Begun(source.to_owned())),
            None => {}
        }
    }
    let rooms = "select count(*)::text from pg_namespace where obj_description(oid, 'pg_namespace') like 'Switchboard room: %'";
    Ok(if text_of(link, rooms).await? == "0" { State::Empty } else { State::Serves })
}

impl Room {
    /// The tables of the room, each after those that it refers to.
    pub(crate) async fn tables(&self) -> Result<Vec<Table>, Error> {
        let schema = &self.inner.names.schema;
        let asked = async {
            let mut lent = self.inner.connection().await?;
            let link = lent.link()?;
            let sql = format!(
                "select c.relname::text, a.attname::text, t.typname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)
                from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
                    join pg_catalog.pg_type t on t.oid = a.atttypid
                where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r'
                    and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                order by c.relname, a.attnum"
            );
            let columns =
                all_of(link, &sql).await?.to::<(String, String, String, String)>().map_err(wrong)?;
            let sql = format!(
                "select c.relname::text, r.relname::text from pg_catalog.pg_constraint k
                    join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_class r on r.oid = k.confrelid
                where k.contype = 'f' and c.relnamespace = '{schema}'::regnamespace and c.oid <> r.oid"
            );
            let references = all_of(link, &sql).await?.to::<(String, String)>().map_err(wrong)?;
            Ok((columns, references))
        };
        let (columns, references) = asked.await.map_err(|fault| self.inner.error(fault))?;
        let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
        for (table, name, kind, whole) in columns {
            let kind = match kind.as_str() {
                "bool" => Kind::Boolean,
                "int2" | "int4" | "int8" => Kind::Whole,
                "float4" => Kind::Single,
                "float8" => Kind::Double,
                "text" | "varchar" => Kind::Text,
                "bytea" => Kind::Bytes,
                _ => Kind::Other(whole),
            };
            tables.entry(table).or_default().push(Column { name, kind });
        }
        let mut ordered = Vec::new();
        let mut placed = BTreeSet::new();
        while let Some(next) = tables.keys().find(|name| {
            references.iter().filter(|(from, _)| from == *name).all(|(_, to)| placed.contains(to))
        }) {
            let name = next.clone();
            let columns = tables.remove(&name).unwrap_or_default();
            placed.insert(name.clone());
            ordered.push(Table { name, columns });
        }
        match tables.into_keys().next() {
            None => Ok(ordered),
            Some(name) => {
                let why = "it and another table refer to each other, so that neither can be filled first";
                Err(Error::moving(self.name(), &name, why))
            }
        }
    }

    /// Which tables are whole, of those that were filled from a source with that fingerprint. Where one was filled from another,
    /// or none was filled, all of them are emptied.
    pub(crate) async fn begin_filling(
        &self,
        tables: &[&Table],
        fingerprint: &str,
    ) -> Result<BTreeSet<String>, Error> {
        let begun = async {
            let mut lent = self.inner.connection().await?;
            let link = lent.link()?;
            link.is_open = true;
            link.control("begin").await?;
            link.control(
                "create table if not exists _switchboard_moved (name text primary key, fingerprint text not null)",
            )
            .await?;
            let noted = "select name, fingerprint from _switchboard_moved";
            let noted = all_of(link, noted).await?.to::<(String, String)>().map_err(wrong)?;
            let whole = noted.iter().all(|(_, of)| of == fingerprint);
            if !whole || noted.is_empty() {
                // What refers to others goes first. Migrations may have put rows into tables, too.
                for table in tables.iter().rev() {
                    link.control(&format!("delete from {}", quoted(&table.name))).await?;
                }
                link.control("delete from _switchboard_moved").await?;
            }
            link.control(&format!("{}; commit", self.inner.names.settle())).await?;
            link.is_open = false;
            Ok(if whole { noted.into_iter().map(|(name, _)| name).collect() } else { BTreeSet::new() })
        };
        begun.await.map_err(|fault| self.inner.error(fault))
    }

    /// Forgets that tables are whole, so that all are filled anew.
    pub(crate) async fn forget_filling(&self) -> Result<(), Error> {
        let forgotten = async {
            let mut lent = self.inner.connection().await?;
            lent.link()?.control("delete from _switchboard_moved").await
        };
        forgotten.await.map_err(|fault| self.inner.error(fault))
    }

    pub(crate) async fn fill(&self, table: &Table) -> Result<Filling, Error> {
        let begun = async {
            let mut lent = self.inner.connection().await?;
            let link = lent.link()?;
            // One that is dropped on the way is closed, which undoes it.
            link.is_open = true;
            link.control("begin").await?;
            Ok(Filling { room: self.clone(), lent, table: table.clone() })
        };
        begun.await.map_err(|fault| self.inner.error(fault))
    }

    /// How many rows a table has, and the sum of their digests.
    pub(crate) async fn digest(&self, table: &Table) -> Result<Digest, Error> {
        let read = async {
            let mut lent = self.inner.connection().await?;
            let link = lent.link()?;
            let selected: Vec<String> = table.columns.iter().map(selected).collect();
            let sql = format!("select {} from {}", selected.join(", "), quoted(&table.name));
            let mut digest = Digest::default();
            link.is_open = true;
            link.control("begin read only; set local statement_timeout = 0").await?;
            {
                let none: [&str; 0] = [];
                let mut rows = pin!(link.client.query_raw(&sql, none).await?);
                let mut values = Vec::with_capacity(table.columns.len());
                while let Some(row) = rows.next().await {
                    let row = row?;
                    values.clear();
                    for place in 0..table.columns.len() {
                        values.push(row.try_get::<_, Cell>(place)?.0);
                    }
                    digest.add(table.columns.iter().map(|column| &column.kind).zip(&values));
                }
            }
            link.control("commit").await?;
            link.is_open = false;
            Ok(digest)
        };
        read.await.map_err(|fault| self.unmoved(table, fault))
    }

    /// What PostgreSQL makes of values whose types only it reads, so that they are told alike on both sides.
    pub(crate) async fn understand(&self, table: &Table, rows: &mut [Vec<Value>]) -> Result<(), Error> {
        let understood = async {
            for (place, column) in table.columns.iter().enumerate() {
                let Kind::Other(kind) = &column.kind else { continue };
                let given: Vec<String> = rows.iter().filter_map(|row| row.get(place)).map(element).collect();
                let given = [Value::Text(format!("{{{}}}", given.join(",")))];
                let sql = format!(
                    "select (given::{kind})::text from pg_catalog.unnest($1::text[]) with ordinality as all_of(given, place)
                    order by place"
                );
                let mut lent = self.inner.connection().await?;
                let link = lent.link()?;
                let prepared = link.prepare(&sql, &given).await?;
                let made = link.run("", &prepared, &given, Want::Rows, "").await?.into_rows();
                let made = made.to::<Option<String>>().map_err(wrong)?;
                for (row, made) in rows.iter_mut().zip(made) {
                    if let Some(value) = row.get_mut(place) {
                        *value = made.into();
                    }
                }
            }
            Ok(())
        };
        understood.await.map_err(|fault| self.unmoved(table, fault))
    }

    fn unmoved(&self, table: &Table, fault: Fault) -> Error {
        match self.inner.error(fault) {
            Error::Constraint { why, .. }
            | Error::Forbidden { why, .. }
            | Error::Statement { why, .. }
            | Error::TooLarge { why, .. } => Error::moving(self.name(), &table.name, why),
            other => other,
        }
    }
}

/// A table that is being filled, in one transaction.
pub(crate) struct Filling {
    room: Room,
    lent: Lent,
    table: Table,
}

impl Filling {
    pub(crate) async fn put(&mut self, rows: Vec<Vec<Value>>) -> Result<(), Error> {
        let columns: Vec<String> = self.table.columns.iter().map(|column| quoted(&column.name)).collect();
        let mut sql = format!(
            "insert into {} ({}) overriding system value values ",
            quoted(&self.table.name),
            columns.join(", ")
        );
        let width = columns.len();
        for row in 0..rows.len() {
            let places: Vec<String> = (1..=width).map(|place| format!("${}", row * width + place)).collect();
            sql.push_str(if row == 0 { "(" } else { ", (" });
            sql.push_str(&places.join(", "));
            sql.push(')');
        }
        let params: Vec<Value> = rows.into_iter().flatten().collect();
        let put = async {
            let link = self.lent.link()?;
            let prepared = link.prepare(&sql, &params).await?;
            link.run("", &prepared, &params, Want::Count, "").await.map(drop)
        };
        put.await.map_err(|fault| {
            let error = self.room.unmoved(&self.table, fault);
            match self.misfit(&params) {
                Some(why) => Error::moving(self.room.name(), &self.table.name, why),
                None => error,
            }
        })
    }

    /// The first of these values that its column cannot keep, and in which row it stands.
    fn misfit(&self, params: &[Value]) -> Option<String> {
        let columns = &self.table.columns;
        params.chunks(columns.len()).find_map(|row| {
            let (column, what) =
                columns.iter().zip(row).find_map(|(column, value)| Some((column, column.kind.misfit(value)?)))?;
            let (key, value) = columns.iter().zip(row).next()?;
            Some(format!(
                "the row whose {} is {} has in its column {} {what}: change it by a server on SQLite, and ask again",
                key.name,
                words_of(value),
                column.name
            ))
        })
    }

    /// Has the numbers go on behind the highest that was ever given, and notes that the table is whole.
    pub(crate) async fn finish(mut self, highest: i64, fingerprint: &str) -> Result<(), Error> {
        let (schema, table) = (&self.room.inner.names.schema, &self.table.name);
        let finished = async {
            let link = self.lent.link()?;
            // Those that belong to a column, and those that its default asks.
            let sql = "select s.oid::regclass::text, a.attname::text from pg_catalog.pg_class s
                join (
                    select objid as sequence, refobjid as relation, refobjsubid as place from pg_catalog.pg_depend
                        where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and deptype in ('a', 'i')
                    union select d.refobjid, f.adrelid, f.adnum from pg_catalog.pg_depend d
                        join pg_catalog.pg_attrdef f on f.oid = d.objid
                        where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
                ) as used on used.sequence = s.oid
                join pg_catalog.pg_attribute a on a.attrelid = used.relation and a.attnum = used.place
                where s.relkind = 'S' and used.relation = to_regclass($1)";
            let params = [Value::from(format!("{schema}.{}", quoted(table)))];
            let prepared = link.prepare(sql, &params).await?;
            let sequences = link.run("", &prepared, &params, Want::Rows, "").await?.into_rows();
            let sequences = sequences.to::<(String, String)>().map_err(wrong)?;
            for (sequence, column) in sequences {
                link.control(&format!(
                    "select pg_catalog.setval('{}', greatest(max({}), {highest}, 0) + 1, false) from {}",
                    sequence.replace('\'', "''"),
                    quoted(&column),
                    quoted(table)
                ))
                .await?;
            }
            let note = "insert into _switchboard_moved (name, fingerprint) values ($1, $2)";
            let params = [table.as_str().into(), fingerprint.into()];
            let prepared = link.prepare(note, &params).await?;
            link.run("", &prepared, &params, Want::Count, "").await?;
            link.control("commit").await?;
            link.is_open = false;
            Ok(())
        };
        finished.await.map_err(|fault| self.room.unmoved(&self.table, fault))
    }
}

/// A column as it is read to be told.
fn selected(column: &Column) -> String {
    match column.kind {
        Kind::Other(_) => format!("{}::text", quoted(&column.name)),
        _ => quoted(&column.name),
    }
}

/// A value as an element of an array in words.
fn element(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        value => format!("\"{}\"", words_of(value).replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

async fn all_of(link: &mut Link, sql: &str) -> Result<Rows, Fault> {
    let prepared = link.prepare(sql, &[]).await?;
    Ok(link.run("", &prepared, &[], Want::Rows, "").await?.into_rows())
}

#[allow(clippy::needless_pass_by_value)]
fn wrong(error: switchboard_sql::NotThatShape) -> Fault {
    Fault::Wrong(error.to_string())
}
