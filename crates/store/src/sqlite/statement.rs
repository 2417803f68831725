//! One statement: what it takes, how it is run, what it gives.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, StatementStatus, ToSql};
use switchboard_sql::{Rows, Value};

use super::authorizer::Face;
use super::tables::TENANT;
use crate::Executed;

/// How much one query may give, in bytes of memory.
const RESULT_BYTES: usize = 64 << 20;

/// A statement to be run, with all it needs.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) face: Face,
    /// The text behind its face's mark.
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
    pub(crate) want: Want,
}

/// What the caller wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Rows,
    Count,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Rows(Rows),
    Count(u64),
    /// It was not run, because it would write.
    Writes,
}

impl Statement {
    pub(crate) fn new(face: Face, sql: &str, params: Vec<Value>, want: Want) -> Self {
        let mark = face.mark();
        let mut marked = String::with_capacity(mark.len() + sql.len());
        marked.push_str(mark);
        marked.push_str(sql);
        Self { face, sql: marked, params, want }
    }

    /// The text as it was given.
    pub(crate) fn text(&self) -> &str {
        self.sql.get(self.face.mark().len()..).unwrap_or_default()
    }
}

impl Outcome {
    pub(crate) fn into_rows(self) -> Rows {
        match self {
            Self::Rows(rows) => rows,
            Self::Count(_) | Self::Writes => Rows::default(),
        }
    }

    pub(crate) fn into_executed(self) -> Executed {
        match self {
            Self::Count(rows_affected) => Executed { rows_affected },
            Self::Rows(_) | Self::Writes => Executed { rows_affected: 0 },
        }
    }
}

/// What is wrong before SQLite says anything.
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Wrong(String),
    Forbidden(String),
    TooLarge(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// How many parameters a statement may have.
const PARAMETERS: usize = 1000;

/// Gives each parameter the value of its number: SQLite counts `$2` as the first if it comes first.
pub(crate) fn bind(
    prepared: &mut CachedStatement<'_>,
    params: &[Value],
    tenant: Option<i64>,
) -> Result<(), Fault> {
    let count = prepared.parameter_count();
    let mut most = 0;
    for index in 1..=count {
        let number = match prepared.parameter_name(index) {
            None => index,
            Some(TENANT) if tenant.is_some() => {
                prepared.raw_bind_parameter(index, tenant)?;
                continue;
            }
            Some(name) => match name.strip_prefix(['$', '?']).map(str::parse::<usize>) {
                Some(Ok(number)) if number > 0 => number,
                _ => {
                    return Err(Fault::Wrong(format!("its parameter {name} has no number; write $1, $2, …")));
                }
            },
        };
        most = most.max(number);
        if let Some(value) = params.get(number - 1) {
            prepared.raw_bind_parameter(index, Parameter(value))?;
        }
    }
    if most > PARAMETERS {
        return Err(Fault::Wrong(format!(
            "it has more than {PARAMETERS} parameters. Give it less at a time"
        )));
    }
    if most != params.len() {
        let given = params.len();
        return Err(Fault::Wrong(format!("it takes {most} parameters and was given {given}")));
    }
    Ok(())
}

struct Parameter<'a>(&'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Boolean(is) => ValueRef::Integer(i64::from(*is)),
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Steps through all of it.
pub(crate) fn collect(
    prepared: &mut CachedStatement<'_>,
    sql: &str,
    known: &mut Columns,
) -> Result<Rows, Fault> {
    // A text without a statement has no columns, and nothing may be asked of it.
    let is_new = prepared.column_count() > 0 && prepared.get_status(StatementStatus::Run) == 0;
    let mut columns: Option<Arc<[String]>> = None;
    let mut cells = Vec::new();
    let mut bytes = 0;
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        // Not before the first step: if tables have changed, SQLite prepares the statement again in it.
        let columns = columns.get_or_insert_with(|| known.of(row.as_ref(), sql, is_new));
        if cells.is_empty() {
            cells.reserve(columns.len());
        }
        for index in 0..columns.len() {
            let value = match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Integer(number),
                ValueRef::Real(number) => Value::Real(number),
                ValueRef::Text(text) => {
                    bytes += text.len();
                    Value::Text(std::str::from_utf8(text).map(str::to_owned).map_err(|_| {
                        let column = columns.get(index).map_or("", String::as_str);
                        Fault::Wrong(format!(
                            "the column {column} gave text that is not UTF-8. Cast it to blob"
                        ))
                    })?)
                }
                ValueRef::Blob(blob) => {
                    bytes += blob.len();
                    Value::Bytes(Bytes::copy_from_slice(blob))
                }
            };
            bytes += size_of::<Value>();
            cells.push(value);
        }
        if bytes > RESULT_BYTES {
            let why = "a query gives more than 64 MB. Ask for less at a time, with limit";
            return Err(Fault::TooLarge(why.to_owned()));
        }
    }
    drop(rows);
    Ok(Rows::new(columns.unwrap_or_else(|| known.of(prepared, sql, is_new)), cells))
}

/// The names of statements' columns, so that they are not made anew for each run.
#[derive(Default)]
pub(crate) struct Columns {
    /// By the statement's text: how often SQLite had prepared it again by itself when they were read, and the names.
    known: HashMap<String, (i32, Arc<[String]>)>,
}

impl Columns {
    /// How many statements' names are kept: somewhat more than prepared statements.
    const MOST: usize = 256;

    /// The names of a statement that has begun to run. `is_new` says that it runs for the first time since it was
    /// prepared; otherwise it is the one whose names may be known, and they hold unless it was prepared again since.
    fn of(&mut self, prepared: &rusqlite::Statement<'_>, sql: &str, is_new: bool) -> Arc<[String]> {
        if prepared.column_count() == 0 {
            return Arc::default();
        }
        let times = prepared.get_status(StatementStatus::RePrepare);
        if !is_new
            && let Some((then, names)) = self.known.get(sql)
            && *then == times
        {
            return Arc::clone(names);
        }
        let names: Arc<[String]> = prepared.column_names().map(str::to_owned).collect();
        if self.known.len() >= Self::MOST {
            self.known.clear();
        }
        self.known.insert(sql.to_owned(), (times, Arc::clone(&names)));
        names
    }
}
