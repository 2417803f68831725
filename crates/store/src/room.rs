//! A room, on one engine or the other, and its two faces.

use std::path::Path;

use switchboard_sql::{NotThatShape, Rows, Value};

use crate::name::RESERVED;
use crate::postgres::apart;
use crate::saved::Place;
use crate::{
    Alone, Applied, Engine, Error, Executed, Migration, Saved, Stats, Tenant, Transaction, postgres, sqlite,
};

/// One room, with the host's face. Cloning it is cheap.
///
/// ```
/// # use switchboard_store::{Options, Store, Tenant};
/// # let folder = tempfile::tempdir().unwrap();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let store = Store::open_sqlite(folder.path(), Options::default())?;
/// let room = store.room("clips").await?;
/// room.execute("create table clip (id integer primary key, title text not null)", vec![]).await?;
/// let guest = room.guest(Tenant::All);
/// guest.execute("insert into clip (title) values ($1)", vec!["Seven".into()]).await?;
/// let titles: Vec<String> = guest.query("select title from clip", vec![]).await?.to().unwrap();
/// assert_eq!(titles, ["Seven"]);
/// # store.close().await;
/// # Ok::<_, switchboard_store::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Room {
    on: On,
}

#[derive(Clone)]
enum On {
    Sqlite(sqlite::Room),
    Postgres(postgres::Room),
}

/// One room, with a guest's face: it may read and write rows of tables that are not the host's, those of its [`Tenant`]
/// alone, and nothing else. Cloning it is cheap.
#[derive(Clone)]
pub struct Guest {
    on: GuestOn,
}

#[derive(Clone)]
enum GuestOn {
    Sqlite(sqlite::Guest),
    Postgres(postgres::Guest),
}

impl Room {
    pub(crate) fn on_sqlite(room: sqlite::Room) -> Self {
        Self { on: On::Sqlite(room) }
    }

    pub(crate) fn on_postgres(room: postgres::Room) -> Self {
        Self { on: On::Postgres(room) }
    }

    /// Which database it is in.
    pub fn engine(&self) -> Engine {
        match &self.on {
            On::Sqlite(_) => Engine::Sqlite,
            On::Postgres(_) => Engine::Postgres,
        }
    }

    /// The room's name.
    pub fn name(&self) -> &str {
        match &self.on {
            On::Sqlite(room) => room.name(),
            On::Postgres(room) => room.name(),
        }
    }

    /// The rows of a statement. One that writes (`insert … returning`) is a transaction of its own.
    ///
    /// # Errors
    /// Of every kind but those of migrations.
    pub async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        match &self.on {
            On::Sqlite(room) => room.query(sql, params).await,
            On::Postgres(room) => apart(room.query(sql, params)).await,
        }
    }

    /// Runs a statement as a transaction of its own. When this returns, the change survives a power cut.
    ///
    /// Dropping the future leaves the statement undone if it has not begun yet; otherwise it is done.
    ///
    /// # Errors
    /// Of every kind but those of migrations; then nothing of it was done.
    pub async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        match &self.on {
            On::Sqlite(room) => room.execute(sql, params).await,
            On::Postgres(room) => apart(room.execute(sql, params)).await,
        }
    }

    /// Begins a transaction, once those who asked before have had their turn.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Io`].
    pub async fn begin(&self) -> Result<Transaction, Error> {
        match &self.on {
            On::Sqlite(room) => Ok(Transaction::on_sqlite(room.begin().await?)),
            On::Postgres(room) => Ok(Transaction::on_postgres(room.begin())),
        }
    }

    /// The same room, with a guest's face, for a tenant.
    pub fn guest(&self, tenant: Tenant) -> Guest {
        match &self.on {
            On::Sqlite(room) => Guest { on: GuestOn::Sqlite(room.guest(tenant)) },
            On::Postgres(room) => Guest { on: GuestOn::Postgres(room.guest(tenant)) },
        }
    }

    /// Waits until no other process on the same database has this name in this room, and keeps it from them. For changes
    /// that take more than one transaction, and for work that one process at a time may do.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn alone(&self, name: &str) -> Result<Alone, Error> {
        match &self.on {
            On::Sqlite(_) => Ok(Alone::on_sqlite()),
            On::Postgres(room) => {
                apart(room.alone(name)).await.map(Alone::on_postgres).map_err(|fault| room.inner.error(fault))
            }
        }
    }

    /// As [`alone`](Self::alone), but gives nothing at once when another process has the name.
    ///
    /// # Errors
    /// As [`alone`](Self::alone).
    pub async fn try_alone(&self, name: &str) -> Result<Option<Alone>, Error> {
        match &self.on {
            On::Sqlite(_) => Ok(Some(Alone::on_sqlite())),
            On::Postgres(room) => {
                let held = apart(room.try_alone(name)).await.map_err(|fault| room.inner.error(fault))?;
                Ok(held.map(Alone::on_postgres))
            }
        }
    }

    /// What was done in the room since it was opened.
    pub fn stats(&self) -> Stats {
        match &self.on {
            On::Sqlite(room) => room.stats(),
            On::Postgres(room) => room.stats(),
        }
    }

    /// Applies those migrations that were not applied yet, each in a transaction of its own, and gives their number.
    ///
    /// One that fails is undone and recorded with its error; those before it hold, those after it are not tried. It is
    /// tried again the next time.
    ///
    /// # Errors
    /// [`Error::Migration`] when one fails, has changed since it was applied, or is no longer among those given.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<usize, Error> {
        match &self.on {
            On::Sqlite(room) => room.migrate(migrations).await,
            On::Postgres(room) => apart(room.migrate(migrations)).await,
        }
    }

    /// Applies these migrations as [`migrate`](Self::migrate) would, to a copy of the room that is gone afterwards. The room stays as it
    /// is, and nobody waits for it.
    ///
    /// # Errors
    /// As [`save`](Self::save) and [`migrate`](Self::migrate).
    pub async fn rehearse(&self, migrations: &[Migration]) -> Result<(), Error> {
        match &self.on {
            On::Sqlite(room) => room.rehearse(migrations).await,
            On::Postgres(room) => apart(room.rehearse(migrations)).await,
        }
    }

    /// Takes back the migrations above `number`, the last first, each in a transaction of its own, and gives how many.
    ///
    /// # Errors
    /// [`Error::Migration`] when one fails or has no statements that take it back; those after it are taken back then.
    pub async fn migrate_down(&self, migrations: &[Migration], number: u32) -> Result<usize, Error> {
        match &self.on {
            On::Sqlite(room) => room.migrate_down(migrations, number).await,
            On::Postgres(room) => apart(room.migrate_down(migrations, number)).await,
        }
    }

    /// The migrations that were tried in this room, in order.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Io`].
    pub async fn migrations(&self) -> Result<Vec<Applied>, Error> {
        match &self.on {
            On::Sqlite(room) => room.migrations().await,
            On::Postgres(room) => apart(room.migrations()).await,
        }
    }

    /// Writes a copy of the room, as it is at one moment, to a file that is not there yet. Nobody waits for it.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Full`] when it cannot be written; then there is no file. [`Error::Unavailable`] on
    /// PostgreSQL, whose own tools make copies in files.
    pub async fn snapshot(&self, file: &Path) -> Result<(), Error> {
        match &self.on {
            On::Sqlite(room) => room.snapshot(file).await,
            On::Postgres(room) => Err(Error::unavailable(
                &room.inner.name,
                "a room of PostgreSQL is not copied into a file; save the database with pg_dump",
            )),
        }
    }

    /// Keeps a copy beside the room. Whoever asked for it [discards](Self::discard) it.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Full`] when it cannot be written.
    pub async fn save(&self) -> Result<Saved, Error> {
        match &self.on {
            On::Sqlite(room) => Ok(Saved(Place::File(room.save().await?))),
            On::Postgres(room) => Ok(Saved(Place::Schema(apart(room.save()).await?))),
        }
    }

    /// Puts a copy in place of all that is in the room, in one transaction. What is under way ends first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] and [`Error::Io`] when the copy is not whole or cannot be read; the room is then as it was.
    pub async fn restore(&self, saved: &Saved) -> Result<(), Error> {
        match (&self.on, &saved.0) {
            (On::Sqlite(room), Place::File(file)) => room.restore(file).await,
            (On::Postgres(room), Place::Schema(copy)) => apart(room.restore(copy)).await,
            _ => Err(self.not_its_own()),
        }
    }

    /// Removes a copy that is no longer needed.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be removed.
    pub async fn discard(&self, saved: Saved) -> Result<(), Error> {
        match (&self.on, saved.0) {
            (On::Postgres(room), Place::Schema(copy)) => apart(room.discard(&copy)).await,
            (On::Sqlite(_), Place::File(file)) => std::fs::remove_file(&file).map_err(|error| {
                Error::io(
                    &self.name().into(),
                    &format!("the copy {} could not be removed", file.display()),
                    &error,
                )
            }),
            _ => Err(self.not_its_own()),
        }
    }

    /// Removes everything that is in the room, in one transaction.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Unavailable`].
    pub async fn clear(&self) -> Result<(), Error> {
        match &self.on {
            On::Sqlite(room) => room.clear().await,
            On::Postgres(room) => apart(room.clear()).await,
        }
    }

    /// Reads all of the room, and finds out whether it is whole: every page, index and reference.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with what is wrong first.
    pub async fn check(&self) -> Result<(), Error> {
        match &self.on {
            On::Sqlite(room) => room.check().await,
            On::Postgres(room) => apart(room.check()).await,
        }
    }

    /// The tables of its guest, by name, each with its number of rows; without that where they are too many to be counted in the time
    /// that a statement has.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Unavailable`].
    pub async fn tables(&self) -> Result<Vec<(String, Option<u64>)>, Error> {
        let listing = match self.engine() {
            Engine::Sqlite => {
                "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'"
            }
            Engine::Postgres => {
                "select relname::text as name from pg_catalog.pg_class \
                 where relnamespace = current_schema()::regnamespace and relkind = 'r'"
            }
        };
        let wrong = |error: NotThatShape| Error::statement(&self.name().into(), error.to_string());
        let mut names: Vec<String> = self.query(listing, vec![]).await?.to().map_err(wrong)?;
        names.retain(|name| !name.starts_with(RESERVED));
        names.sort_unstable();
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            let counting = format!("select count(*) from \"{}\"", name.replace('"', "\"\""));
            let rows = match self.query(&counting, vec![]).await {
                Ok(rows) => rows.to::<u64>().map_err(wrong)?.pop(),
                Err(Error::Timeout { .. }) => None,
                Err(error) => return Err(error),
            };
            tables.push((name, rows));
        }
        Ok(tables)
    }

    /// How much of the disk the room takes, in bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn size(&self) -> Result<u64, Error> {
        match &self.on {
            On::Sqlite(room) => room.size().await,
            On::Postgres(room) => apart(room.size()).await,
        }
    }
}

impl Room {
    fn not_its_own(&self) -> Error {
        Error::unavailable(&self.name().into(), "the copy is of a room of another database")
    }
}

impl Guest {
    /// As [`Room::query`].
    ///
    /// # Errors
    /// As [`Room::query`]; [`Error::Forbidden`] when the statement reaches for what is not the guest's.
    pub async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        match &self.on {
            GuestOn::Sqlite(guest) => guest.query(sql, params).await,
            GuestOn::Postgres(guest) => apart(guest.query(sql, params)).await,
        }
    }

    /// As [`Room::execute`].
    ///
    /// # Errors
    /// As [`Room::execute`]; [`Error::Forbidden`] when the statement reaches for what is not the guest's.
    pub async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        match &self.on {
            GuestOn::Sqlite(guest) => guest.execute(sql, params).await,
            GuestOn::Postgres(guest) => apart(guest.execute(sql, params)).await,
        }
    }

    /// As [`Room::begin`]; the transaction's statements are confined as the guest's own are.
    ///
    /// # Errors
    /// As [`Room::begin`].
    pub async fn begin(&self) -> Result<Transaction, Error> {
        match &self.on {
            GuestOn::Sqlite(guest) => Ok(Transaction::on_sqlite(guest.begin().await?)),
            GuestOn::Postgres(guest) => Ok(Transaction::on_postgres(guest.begin())),
        }
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Room").field(&self.name()).finish()
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.on {
            GuestOn::Sqlite(guest) => guest.fmt(f),
            GuestOn::Postgres(guest) => guest.fmt(f),
        }
    }
}
