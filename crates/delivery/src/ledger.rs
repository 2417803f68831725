//! What is yet to be written down of what was delivered.

use std::collections::{BTreeSet, HashMap};

use switchboard_api::Value;
use switchboard_manifest::PluginId;
use switchboard_store::{Engine, Room};

use crate::Error;

/// How an event stands with one listener, other than never tried.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// It is tried again.
    Waiting { attempt: u32, next_at: i64, error: Option<String> },
    /// It was given up.
    Dead { attempt: u32, at: i64, error: String },
    /// It is delivered, or nobody is there to hear it.
    Settled,
}

/// What is yet to be written down of what was delivered.
///
/// The cursor and the rows of those that wait are written in one transaction, so that an event is at every moment either
/// beyond the cursor or has its rows: whatever is killed when, nothing is lost.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The cursor as it is written.
    written: i64,
    /// The last event that was read.
    read: i64,
    /// Those up to there that are not settled with everyone.
    open: BTreeSet<i64>,
    changes: HashMap<(i64, PluginId), Standing>,
}

impl Ledger {
    /// The ledger of a room whose cursor stands there.
    pub(crate) fn at(cursor: i64) -> Self {
        Self { written: cursor, read: cursor, ..Self::default() }
    }

    /// The last event that was read.
    pub(crate) fn last_read(&self) -> i64 {
        self.read
    }

    /// How many events were read and are not settled with everyone.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// How much there is to write.
    pub(crate) fn lag(&self) -> usize {
        let cursor = usize::from(self.cursor() != self.written);
        self.changes.len() + cursor
    }

    /// An event was read.
    pub(crate) fn begin(&mut self, seq: i64) {
        self.read = self.read.max(seq);
        self.open.insert(seq);
    }

    /// An event is delivered to everyone, or has its standing with those who wait.
    pub(crate) fn settle(&mut self, seq: i64) {
        self.open.remove(&seq);
    }

    /// An event stands so with a listener.
    pub(crate) fn note(&mut self, seq: i64, listener: PluginId, standing: Standing) {
        self.changes.insert((seq, listener), standing);
    }

    /// Writes down what there is.
    ///
    /// # Errors
    /// [`Error::Store`]; it is all still to be written then.
    pub(crate) async fn write(&mut self, room: &Room) -> Result<(), Error> {
        let cursor = self.cursor();
        if self.changes.is_empty() {
            if cursor != self.written {
                room.execute(SET_CURSOR, vec![cursor.into()]).await?;
            }
        } else {
            let (rows, settled) = self.as_json();
            let put = match room.engine() {
                Engine::Postgres => PUT_ROWS_ON_POSTGRES,
                _ => PUT_ROWS,
            };
            let delete = format!(
                "delete from _switchboard_delivery where (seq, listener) in ({})",
                keys_in(room.engine(), 1)
            );
            let changes = [(put, rows), (&*delete, settled)].into_iter().filter(|(_, json)| json != "[]");
            let mut last: Vec<_> = changes.map(|(sql, json)| (sql, vec![Value::Text(json)])).collect();
            last.push((SET_CURSOR, vec![cursor.into()]));
            room.begin().await?.commit_with(last).await?;
        }
        self.changes.clear();
        self.written = cursor;
        Ok(())
    }

    fn cursor(&self) -> i64 {
        self.open.first().map_or(self.read, |open| open - 1)
    }

    fn as_json(&self) -> (String, String) {
        let (mut rows, mut settled) = (Vec::new(), Vec::new());
        for ((seq, listener), standing) in &self.changes {
            let listener = listener.as_str();
            match standing {
                Standing::Waiting { attempt, next_at, error } => {
                    rows.push(serde_json::json!([seq, listener, attempt, next_at, "pending", error]));
                }
                Standing::Dead { attempt, at, error } => {
                    rows.push(serde_json::json!([seq, listener, attempt, at, "dead", error]));
                }
                Standing::Settled => settled.push(serde_json::json!([seq, listener])),
            }
        }
        (serde_json::Value::Array(rows).to_string(), serde_json::Value::Array(settled).to_string())
    }
}

const SET_CURSOR: &str = "insert into _switchboard_cursor (\"only\", seq) values (1, $1)
    on conflict (\"only\") do update set seq = excluded.seq";

const PUT_ROWS: &str = "insert into _switchboard_delivery (seq, listener, attempt, next_at, state, error)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 from json_each($1) where true
    on conflict (seq, listener) do update set attempt = excluded.attempt, next_at = excluded.next_at,
        state = excluded.state, error = excluded.error";

const PUT_ROWS_ON_POSTGRES: &str = "insert into _switchboard_delivery (seq, listener, attempt, next_at, state, error)
    select cast(value ->> 0 as bigint), value ->> 1, cast(value ->> 2 as bigint), cast(value ->> 3 as bigint), value ->> 4,
        value ->> 5 from json_array_elements(cast($1 as json))
    on conflict (seq, listener) do update set attempt = excluded.attempt, next_at = excluded.next_at,
        state = excluded.state, error = excluded.error";

/// What gives the numbers and listeners that a parameter holds as JSON, so many behind a `$`.
pub(crate) fn keys_in(engine: Engine, parameter: u8) -> String {
    match engine {
        Engine::Postgres => format!(
            "select cast(value ->> 0 as bigint), value ->> 1 from json_array_elements(cast(${parameter} as json))"
        ),
        _ => format!("select value ->> 0, value ->> 1 from json_each(${parameter})"),
    }
}
