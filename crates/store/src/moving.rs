//! A move of rooms from SQLite into PostgreSQL, table by table, which can be broken off and gone on with.

pub(crate) mod digest;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::postgres::{self, Table, Turn, apart};
use crate::sqlite::{Resting, RestingRoom, RestingTable};
use crate::{Error, Store};
use digest::Digest;

/// A move of what rooms of SQLite hold into the rooms of the same names on PostgreSQL, whose tables are there.
///
/// A table is filled in one transaction, which also notes that it is whole: a move that was broken off goes on with the next
/// one. A room whose file has changed since then is filled anew. The source is read and left as it is.
pub struct Move {
    source: Resting,
    target: postgres::Store,
    /// Absent where nothing is to be put anywhere.
    turn: Option<Turn>,
    moved: Mutex<Vec<postgres::Room>>,
}

/// A table that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// How many rows it has in the source.
    pub here: u64,
    /// How many rows it has in the target; as many when what they hold differs.
    pub there: u64,
}

impl Move {
    /// Begins a move, or goes on with one that was broken off. `named` is what the source is called in what is noted of it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the target is no PostgreSQL, holds rooms that no move has made, or is being moved into.
    pub async fn begin(source: Resting, named: &str, target: &Store) -> Result<Self, Error> {
        let mut this = Self::looking(source, target)?;
        this.turn = Some(apart(this.target.begin_move(named)).await?);
        Ok(this)
    }

    /// The same two sides, to [compare](Self::compare) them alone.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the target is no PostgreSQL.
    pub fn looking(source: Resting, target: &Store) -> Result<Self, Error> {
        let Some(on_postgres) = target.as_postgres() else {
            let why = "what is in SQLite is moved into PostgreSQL alone";
            return Err(Error::unavailable(&target.address().into(), why));
        };
        Ok(Self { source, target: on_postgres.clone(), turn: None, moved: Mutex::default() })
    }

    /// Says how many rows are done as it goes on, and fills every table of a room that is not whole yet.
    ///
    /// # Errors
    /// [`Error::Move`] naming a table that is not there, lacks a column, or refuses a row; every other table is filled or
    /// empty then.
    pub async fn copy(&self, room: &RestingRoom, done: impl Fn(u64)) -> Result<(), Error> {
        let there = apart(self.target.room(&room.name)).await?;
        let tables = apart(there.tables()).await?;
        let pairs = pairs(room, &tables)?;
        let fingerprint = self.source.fingerprint(&room.name).await?;
        let filled: Vec<&Table> = pairs.iter().map(|(_, table)| table).collect();
        let whole = apart(there.begin_filling(&filled, &fingerprint)).await?;
        for (source, table) in &pairs {
            if whole.contains(&table.name) {
                done(source.rows);
                continue;
            }
            let mut batches = self.source.rows(&room.name, source);
            let mut filling = apart(there.fill(table)).await?;
            while let Some(batch) = batches.recv().await {
                let batch = batch?;
                let count = batch.len() as u64;
                apart(filling.put(batch)).await?;
                done(count);
            }
            apart(filling.finish(source.highest, &fingerprint)).await?;
        }
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).push(there);
        Ok(())
    }

    /// Whether every table of a room can be filled, before any is.
    ///
    /// # Errors
    /// [`Error::Move`] naming one that is not there, or lacks a column.
    pub async fn fits(&self, room: &RestingRoom) -> Result<(), Error> {
        let there = apart(self.target.room(&room.name)).await?;
        pairs(room, &apart(there.tables()).await?).map(drop)
    }

    /// Reads every row of a room on both sides, and gives the tables that differ in number or content. Says how many rows of the
    /// source are done as it goes on.
    ///
    /// A table that differs after it was moved is not taken for whole any more: the next move fills its room anew.
    ///
    /// # Errors
    /// [`Error::Move`] when the room or a table of it is not there.
    pub async fn compare(&self, room: &RestingRoom, done: impl Fn(u64)) -> Result<Vec<Difference>, Error> {
        let rooms = apart(self.target.rooms()).await?;
        if let (false, Some(table)) = (rooms.contains(&room.name), room.tables.first()) {
            let why = "PostgreSQL has no such room";
            return Err(Error::moving(&room.name, &table.name, why));
        }
        let there = apart(self.target.room(&room.name)).await?;
        let tables = apart(there.tables()).await?;
        let mut differences = Vec::new();
        for (source, table) in pairs(room, &tables)? {
            let mut here = Digest::default();
            let mut batches = self.source.rows(&room.name, source);
            while let Some(batch) = batches.recv().await {
                let mut batch = batch?;
                apart(there.understand(&table, &mut batch)).await?;
                for row in &batch {
                    here.add(table.columns.iter().map(|column| &column.kind).zip(row));
                }
                done(batch.len() as u64);
            }
            let found = apart(there.digest(&table)).await?;
            if here != found {
                let table = table.name.clone();
                differences.push(Difference { table, here: here.rows, there: found.rows });
            }
        }
        if self.turn.is_some() && !differences.is_empty() {
            apart(there.forget_filling()).await?;
        }
        Ok(differences)
    }

    /// Notes that all of it is there, so that a server may serve from it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn finish(self) -> Result<(), Error> {
        let moved = self.moved.into_inner().unwrap_or_else(PoisonError::into_inner);
        match self.turn {
            Some(turn) => apart(self.target.finish_move(turn, &moved)).await,
            None => Ok(()),
        }
    }
}

/// Each table of a room with the one that it goes into, whose columns are in its order; what is referred to comes first.
fn pairs<'a>(room: &'a RestingRoom, tables: &[Table]) -> Result<Vec<(&'a RestingTable, Table)>, Error> {
    for source in &room.tables {
        let failed = |why: String| Error::moving(&room.name, &source.name, why);
        let Some(table) = tables.iter().find(|table| table.name == source.name) else {
            return Err(failed("PostgreSQL has no such table".to_owned()));
        };
        let here: BTreeSet<&str> = source.columns.iter().map(String::as_str).collect();
        let there: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        if let Some(column) = here.symmetric_difference(&there).next() {
            let side = if here.contains(column) { "SQLite" } else { "PostgreSQL" };
            return Err(failed(format!("its column {column} is there on {side} alone")));
        }
    }
    let pair = |table: &Table| {
        let source = room.tables.iter().find(|source| source.name == table.name)?;
        let place = |name: &str| source.columns.iter().position(|column| column == name);
        let mut table = table.clone();
        table.columns.sort_by_key(|column| place(&column.name));
        Some((source, table))
    };
    Ok(tables.iter().filter_map(pair).collect())
}

impl std::fmt::Debug for Move {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Move")
            .field("source", &self.source)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
