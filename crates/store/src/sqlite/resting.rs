//! Rooms that nobody has open, read without changing what their files hold.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use sha2::{Digest, Sha256};
use switchboard_sql::Value;
use tokio::sync::mpsc;

use super::readers::blocking;
use crate::Error;
use crate::name::is_room_name;

/// The most rows that are read at a time, and the most bytes of them; one row may have more.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 4 << 20;
/// The most values that are read at a time, as a statement of PostgreSQL takes no more parameters.
const BATCH_VALUES: usize = 60_000;

/// The ledger of migrations, which each engine keeps of its own.
const LEDGER: &str = "_switchboard_migration";

/// A folder of SQLite rooms that no process has open, to be read and left as it is.
#[derive(Debug, Clone)]
pub struct Resting {
    folder: PathBuf,
}

/// A room of SQLite that nobody has open.
#[derive(Debug, Clone)]
pub struct RestingRoom {
    /// The room's name.
    pub name: String,
    /// Its tables, in the order of their names; the ledger of migrations is none of them.
    pub tables: Vec<RestingTable>,
    /// The numbers of the migrations that hold in it, in order.
    pub migrations: Vec<u32>,
    /// Tables that SQLite's modules keep (full-text search) and whose rows stand in no other table.
    pub of_modules: Vec<String>,
}

/// A table of a room of SQLite that nobody has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestingTable {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its columns, without those that the database works out by itself.
    pub(crate) columns: Vec<String>,
    /// The highest number that it ever gave to a row, where it keeps that.
    pub(crate) highest: i64,
}

/// Rows of a table, some at a time.
pub(crate) type Batches = mpsc::Receiver<Result<Vec<Vec<Value>>, Error>>;

impl Resting {
    /// A folder that a store on SQLite has made. Whoever asks sees to it that no process has it open.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All rooms, in the order of their names.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Corrupt`] when a file cannot be read.
    pub async fn rooms(&self) -> Result<Vec<RestingRoom>, Error> {
        let folder = self.clone();
        let name: Arc<str> = self.folder.display().to_string().into();
        blocking(&Arc::clone(&name), move || {
            let cannot = |error: std::io::Error| Error::io(&name, "the folder could not be read", &error);
            let mut names = Vec::new();
            for entry in std::fs::read_dir(&folder.folder).map_err(cannot)? {
                let file = entry.map_err(cannot)?.file_name();
                let room = file.to_str().and_then(|file| file.strip_suffix(".sqlite"));
                names.extend(room.filter(|room| is_room_name(room)).map(str::to_owned));
            }
            names.sort_unstable();
            names.iter().map(|name| folder.room(name)).collect()
        })
        .await
    }

    fn file(&self, room: &str) -> PathBuf {
        self.folder.join(format!("{room}.sqlite"))
    }

    fn room(&self, name: &str) -> Result<RestingRoom, Error> {
        let (shown, connection) = self.open(name)?;
        let (tables, of_modules) = tables(&connection).map_err(|error| said(&shown, error))?;
        let migrations = migrations(&connection).map_err(|error| said(&shown, error))?;
        Ok(RestingRoom { name: name.to_owned(), tables, migrations, of_modules })
    }

    fn open(&self, room: &str) -> Result<(Arc<str>, Connection), Error> {
        let (name, file): (Arc<str>, _) = (room.into(), self.file(room));
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        // Without a journal the file is all there is, and SQLite need not make files beside it to read it.
        let immutable = if has_journal(&file) { "" } else { "&immutable=1" };
        let address = format!("file:{}?mode=ro{immutable}", escaped(&file));
        let connection = Connection::open_with_flags(address, flags).map_err(|error| said(&name, error))?;
        Ok((name, connection))
    }

    /// What tells whether the room's files were changed meanwhile.
    pub(crate) async fn fingerprint(&self, room: &str) -> Result<String, Error> {
        let (name, file): (Arc<str>, _) = (room.into(), self.file(room));
        let journal = has_journal(&file).then(|| journal_of(&file));
        blocking(&Arc::clone(&name), move || {
            let mut digest = Sha256::new();
            let mut buffer = vec![0; 1 << 20];
            for file in [Some(file), journal].into_iter().flatten() {
                let cannot = |error| Error::io(&name, "it could not be read", &error);
                let mut file = std::fs::File::open(file).map_err(cannot)?;
                loop {
                    let count = file.read(&mut buffer).map_err(cannot)?;
                    if count == 0 {
                        break;
                    }
                    digest.update(buffer.get(..count).unwrap_or_default());
                }
                digest.update([0]);
            }
            Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .await
    }

    /// The rows of a table, read on a thread of their own while earlier ones are used.
    pub(crate) fn rows(&self, room: &str, table: &RestingTable) -> Batches {
        let (batches, received) = mpsc::channel(2);
        let (folder, room, table) = (self.clone(), room.to_owned(), table.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = folder.send_rows(&room, &table, &batches) {
                // Nobody waits for it when whoever asked has given up.
                let _ = batches.blocking_send(Err(error));
            }
        });
        received
    }

    fn send_rows(
        &self,
        room: &str,
        table: &RestingTable,
        batches: &mpsc::Sender<Result<Vec<Vec<Value>>, Error>>,
    ) -> Result<(), Error> {
        let (name, connection) = self.open(room)?;
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(column)).collect();
        let sql = format!("select {} from {}", columns.join(", "), quoted(&table.name));
        let most = (BATCH_VALUES / columns.len().max(1)).clamp(1, BATCH_ROWS);
        let read = |error| said(&name, error);
        let mut statement = connection.prepare(&sql).map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next().map_err(read)? {
            let mut values = Vec::with_capacity(table.columns.len());
            for (index, column) in table.columns.iter().enumerate() {
                let value = match row.get_ref(index).map_err(read)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Real(number) => Value::Real(number),
                    ValueRef::Blob(blob) => Value::Bytes(Bytes::copy_from_slice(blob)),
                    ValueRef::Text(text) => match std::str::from_utf8(text) {
                        Ok(text) => Value::Text(text.to_owned()),
                        Err(_) => {
                            let why = format!("its column {column} holds text that is not UTF-8");
                            return Err(Error::moving(room, &table.name, why));
                        }
                    },
                };
                bytes += match &value {
                    Value::Text(text) => text.len(),
                    Value::Bytes(blob) => blob.len(),
                    _ => 8,
                };
                values.push(value);
            }
            batch.push(values);
            if batch.len() >= most || bytes >= BATCH_BYTES {
                bytes = 0;
                if batches.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
                    return Ok(());
                }
            }
        }
        if !batch.is_empty() {
            let _ = batches.blocking_send(Ok(batch));
        }
        Ok(())
    }
}

fn journal_of(file: &Path) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push("-wal");
    name.into()
}

fn has_journal(file: &Path) -> bool {
    std::fs::metadata(journal_of(file)).is_ok_and(|journal| journal.len() > 0)
}

/// A path as it stands in an address.
fn escaped(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes
        .map(|&byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn said(room: &Arc<str>, error: rusqlite::Error) -> Error {
    Error::sqlite(room, error, None, Duration::ZERO)
}

/// The tables that hold rows, and those of modules whose rows stand nowhere else.
fn tables(connection: &Connection) -> rusqlite::Result<(Vec<RestingTable>, Vec<String>)> {
    let sql = "select l.name, l.type, coalesce(s.sql, '') from pragma_table_list l
        left join sqlite_schema s on s.name = l.name and s.type = 'table'
        where l.schema = 'main' and l.type in ('table', 'virtual') and l.name not like 'sqlite\\_%' escape '\\'
        order by l.name";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (mut tables, mut of_modules) = (Vec::new(), Vec::new());
    for found in found {
        let (name, kind, made): (String, String, String) = found?;
        if kind == "virtual" {
            // An index of words over another table; PostgreSQL has its own.
            let made: String = made.split_whitespace().collect();
            if !made.contains("content='") || made.contains("content=''") {
                of_modules.push(name);
            }
            continue;
        }
        if name != LEDGER {
            tables.push(table(connection, name)?);
        }
    }
    Ok((tables, of_modules))
}

fn table(connection: &Connection, name: String) -> rusqlite::Result<RestingTable> {
    let mut statement =
        connection.prepare("select name from pragma_table_xinfo(?1) where hidden = 0 order by cid")?;
    let columns = statement.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let count = format!("select count(*) from {}", quoted(&name));
    let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
    let counts = "select 1 from sqlite_schema where name = 'sqlite_sequence'";
    let highest = match connection.query_row(counts, [], |_| Ok(())).optional()? {
        None => None,
        Some(()) => {
            let sql = "select seq from sqlite_sequence where name = ?1";
            connection.query_row(sql, [&name], |row| row.get(0)).optional()?
        }
    };
    Ok(RestingTable { name, rows: rows.unsigned_abs(), columns, highest: highest.unwrap_or_default() })
}

fn migrations(connection: &Connection) -> rusqlite::Result<Vec<u32>> {
    let there = "select 1 from sqlite_schema where type = 'table' and name = '_switchboard_migration'";
    if connection.query_row(there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(Vec::new());
    }
    let sql = "select number from _switchboard_migration where success order by number";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}
