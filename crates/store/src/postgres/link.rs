//! One connection that runs one statement at a time.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use switchboard_sql::{Rows, Value};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, RowStream, Statement};

use super::cell::{Cell, Parameter};
use super::fault::Fault;

/// The longest text of a statement, in bytes.
const STATEMENT_BYTES: usize = 100 << 10;
/// The largest value, in bytes.
const VALUE_BYTES: usize = 16 << 20;
/// How much one query may give, in bytes of memory.
const RESULT_BYTES: usize = 64 << 20;
/// How many prepared statements a connection keeps.
const MOST_PREPARED: usize = 128;

/// One connection that runs one statement at a time.
pub(crate) struct Link {
    pub(crate) client: Client,
    /// The number of PostgreSQL's process that serves it.
    pub(crate) pid: i32,
    pub(crate) user: Arc<str>,
    pub(crate) used: Instant,
    prepared: HashMap<String, Prepared>,
    /// Whether a transaction may be open, so that nobody else may have the connection.
    pub(crate) is_open: bool,
}

#[derive(Clone)]
pub(crate) struct Prepared {
    statement: Statement,
    columns: Arc<[String]>,
}

/// What the caller wants of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Rows,
    Count,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Rows(Rows),
    Count(u64),
}

impl Link {
    pub(crate) fn new(client: Client, pid: i32, user: Arc<str>) -> Self {
        Self { client, pid, user, used: Instant::now(), prepared: HashMap::new(), is_open: false }
    }

    /// Runs statements of the store's own, whose rows nobody wants.
    pub(crate) async fn control(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(crate) fn knows(&self, sql: &str) -> bool {
        self.prepared.contains_key(sql)
    }

    /// Prepares a statement, unless it is already.
    pub(crate) async fn prepare(&mut self, sql: &str, params: &[Value]) -> Result<Prepared, Fault> {
        let prepared = match self.prepared.get(sql) {
            Some(prepared) => prepared.clone(),
            None => {
                let statement = self.client.prepare(sql).await?;
                let columns = statement.columns().iter().map(|column| column.name().to_owned()).collect();
                let prepared = Prepared { statement, columns };
                if self.prepared.len() >= MOST_PREPARED {
                    self.prepared.clear();
                }
                self.prepared.insert(sql.to_owned(), prepared.clone());
                prepared
            }
        };
        let (takes, given) = (prepared.statement.params().len(), params.len());
        if takes != given {
            return Err(Fault::Wrong(format!("it takes {takes} parameters and was given {given}")));
        }
        Ok(prepared)
    }

    pub(crate) fn forget(&mut self, sql: &str) {
        self.prepared.remove(sql);
    }

    /// Runs a prepared statement between two of the store's own, all three sent at once. What comes before or after may be
    /// empty.
    pub(crate) async fn run(
        &self,
        before: &str,
        prepared: &Prepared,
        params: &[Value],
        want: Want,
        after: &str,
    ) -> Result<Outcome, Fault> {
        let (before, outcome, after) =
            tokio::join!(self.aside(before), self.outcome(prepared, params, want), self.aside(after));
        before?;
        let outcome = outcome?;
        after?;
        Ok(outcome)
    }

    async fn aside(&self, sql: &str) -> Result<(), Fault> {
        if sql.is_empty() { Ok(()) } else { self.control(sql).await }
    }

    async fn outcome(&self, prepared: &Prepared, params: &[Value], want: Want) -> Result<Outcome, Fault> {
        let params = params.iter().map(Parameter);
        if want == Want::Count {
            return Ok(Outcome::Count(self.client.execute_raw(&prepared.statement, params).await?));
        }
        let stream = self.client.query_raw(&prepared.statement, params).await?;
        collect(stream, &prepared.columns).await.map(Outcome::Rows)
    }
}

impl Outcome {
    pub(crate) fn into_rows(self) -> Rows {
        match self {
            Self::Rows(rows) => rows,
            Self::Count(_) => Rows::default(),
        }
    }

    pub(crate) fn into_count(self) -> u64 {
        match self {
            Self::Rows(_) => 0,
            Self::Count(count) => count,
        }
    }
}

/// Reads all of it; what is too much is read to its end all the same, as the connection is needed again.
async fn collect(stream: RowStream, columns: &Arc<[String]>) -> Result<Rows, Fault> {
    let mut stream = pin!(stream);
    let mut cells: Vec<Value> = Vec::new();
    let mut bytes = 0;
    let mut fault = None;
    while let Some(row) = stream.next().await {
        let row = row?;
        if fault.is_some() {
            continue;
        }
        for (index, column) in columns.iter().enumerate() {
            match row.try_get::<_, Cell>(index) {
                Ok(Cell(value)) => {
                    bytes += size_of::<Value>() + weight(&value);
                    cells.push(value);
                }
                Err(error) => {
                    let why = std::error::Error::source(&error)
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    fault = Some(Fault::Wrong(format!("the column {column} cannot be read: {why}")));
                    break;
                }
            }
        }
        if bytes > RESULT_BYTES {
            let why = "a query gives more than 64 MB. Ask for less at a time, with limit";
            fault = Some(Fault::TooLarge(why.to_owned()));
            cells = Vec::new();
        }
    }
    match fault {
        Some(fault) => Err(fault),
        None => Ok(Rows::new(Arc::clone(columns), cells)),
    }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

/// What is wrong with a statement before PostgreSQL says anything.
pub(crate) fn examine(sql: &str, params: &[Value]) -> Result<(), Fault> {
    if sql.len() > STATEMENT_BYTES {
        let why = "a statement is longer than 100 KB. Give its values as parameters";
        return Err(Fault::TooLarge(why.to_owned()));
    }
    if sql.contains('\0') {
        return Err(Fault::Wrong("its text holds a zero byte".to_owned()));
    }
    if super::wording::first_word(sql).is_empty() {
        return Err(Fault::Wrong("its text holds no statement".to_owned()));
    }
    if params.iter().any(|value| weight(value) > VALUE_BYTES) {
        let why = "the statement or one of its values is too large: 100 KB and 16 MB are the most";
        return Err(Fault::TooLarge(why.to_owned()));
    }
    Ok(())
}

/// Whether tables changed since the statement was prepared, so that preparing it anew helps.
pub(crate) fn is_stale(fault: &Fault) -> bool {
    fault.is(&SqlState::FEATURE_NOT_SUPPORTED) || fault.is(&SqlState::INVALID_SQL_STATEMENT_NAME)
}
