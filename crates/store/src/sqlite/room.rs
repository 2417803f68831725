//! A room: one SQLite file, and its two faces.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchboard_sql::{Rows, Value};
use tokio::runtime::Handle;

use super::authorizer::Face;
use super::readers::{Readers, blocking};
use super::schema::Schema;
use super::statement::{Outcome, Statement, Want};
use super::transaction::Transaction;
use super::writer::Writer;
use crate::options::Options;
use crate::stats::Counters;
use crate::{Error, Executed, Stats, Tenant};

/// One SQLite file, with the host's face. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) inner: Arc<Inner>,
}

/// One SQLite file, with a guest's face: it may read and write rows of tables that are not the host's, and nothing
/// else. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Guest {
    room: Room,
    /// Whose rows it sees.
    tenant: Tenant,
}

pub(crate) struct Inner {
    pub(crate) name: Arc<str>,
    /// The store's folder.
    pub(crate) folder: PathBuf,
    pub(crate) options: Options,
    pub(crate) readers: Arc<Readers>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) schema: Arc<Schema>,
    /// Held while a copy is saved, so that two never take the same number.
    pub(crate) saving: tokio::sync::Mutex<()>,
}

impl Room {
    /// Opens the room's file in the folder, and makes it if there is none.
    pub(crate) async fn open(folder: PathBuf, name: Arc<str>, options: Options) -> Result<Self, Error> {
        let file = folder.join(format!("{name}.sqlite"));
        let runtime = Handle::current();
        let inner = blocking(&Arc::clone(&name), move || {
            let counters = Arc::new(Counters::default());
            let schema = Arc::new(Schema::default());
            let is_new = !file.exists();
            let writer = Writer::open(
                Arc::clone(&name),
                file.clone(),
                options.clone(),
                Arc::clone(&counters),
                Arc::clone(&schema),
                runtime,
            )?;
            if is_new {
                sync_folder(&name, &folder)?;
            }
            let readers = Readers::new(Arc::clone(&name), file, options.clone(), Arc::clone(&schema));
            let saving = tokio::sync::Mutex::new(());
            Ok(Arc::new(Inner { name, folder, options, readers, writer, counters, schema, saving }))
        })
        .await?;
        Ok(Self { inner })
    }

    /// The room's name.
    pub(crate) fn name(&self) -> &str {
        &self.inner.name
    }

    /// The rows of a statement. One that writes (`insert … returning`) is a transaction of its own.
    ///
    /// # Errors
    /// Of every kind but those of migrations.
    pub(crate) async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        self.query_as(Face::Host, sql, params).await
    }

    /// Runs a statement as a transaction of its own. When this returns, the change survives a power cut.
    ///
    /// Dropping the future leaves the statement undone if it has not begun yet; otherwise it is done.
    ///
    /// # Errors
    /// Of every kind but those of migrations; then nothing of it was done.
    pub(crate) async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        self.execute_as(Face::Host, sql, params).await
    }

    /// Begins a transaction, once those who asked before have had their turn.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Io`].
    pub(crate) async fn begin(&self) -> Result<Transaction, Error> {
        self.begin_as(Face::Host)
    }

    /// The same room, with a guest's face, for a tenant.
    pub(crate) fn guest(&self, tenant: Tenant) -> Guest {
        Guest { room: self.clone(), tenant }
    }

    /// What was done in the room since it was opened.
    pub(crate) fn stats(&self) -> Stats {
        self.inner.counters.read()
    }

    async fn query_as(&self, face: Face, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        let mut statement = Some(Statement::new(face, sql, params, Want::Rows));
        let counters = &self.inner.counters;
        match self.inner.readers.run(&mut statement).await {
            Ok(Outcome::Writes) => {}
            Ok(outcome) => {
                Counters::one_more(&counters.reads);
                return Ok(outcome.into_rows());
            }
            Err(error) => {
                if matches!(error, Error::Timeout { .. }) {
                    Counters::one_more(&counters.timeouts);
                }
                return Err(error);
            }
        }
        let Some(statement) = statement else {
            return Err(Error::unavailable(
                &self.inner.name,
                "its tables changed while a statement was read",
            ));
        };
        Ok(self.inner.writer.once(statement).await?.into_rows())
    }

    async fn execute_as(&self, face: Face, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        let statement = Statement::new(face, sql, params, Want::Count);
        Ok(self.inner.writer.once(statement).await?.into_executed())
    }

    fn begin_as(&self, face: Face) -> Result<Transaction, Error> {
        Ok(Transaction::new(&self.inner, face))
    }

    pub(crate) async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }
}

impl Guest {
    /// As [`Room::query`].
    ///
    /// # Errors
    /// As [`Room::query`]; [`Error::Forbidden`] when the statement reaches for what is not the guest's.
    pub(crate) async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        self.room.query_as(self.face(), sql, params).await
    }

    /// As [`Room::execute`].
    ///
    /// # Errors
    /// As [`Room::execute`]; [`Error::Forbidden`] when the statement reaches for what is not the guest's.
    pub(crate) async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<Executed, Error> {
        self.room.execute_as(self.face(), sql, params).await
    }

    /// As [`Room::begin`]; the transaction's statements are confined as the guest's own are.
    ///
    /// # Errors
    /// As [`Room::begin`].
    pub(crate) async fn begin(&self) -> Result<Transaction, Error> {
        self.room.begin_as(self.face())
    }

    fn face(&self) -> Face {
        match self.tenant {
            Tenant::All => Face::Guest,
            Tenant::Only(tenant) => Face::Tenant(tenant),
        }
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Room").field(&self.inner.name).finish()
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Guest").field(&self.room.inner.name).field(&self.tenant).finish()
    }
}

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync_folder(room: &Arc<str>, folder: &Path) -> Result<(), Error> {
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::io(room, "its folder could not be written to the disk", &error))
}
