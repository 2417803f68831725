//! The connections that read a room: opened when first needed, lent to one statement at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::link::{Link, Purpose};
use super::schema::Schema;
use super::statement::{Outcome, Statement};
use crate::Error;
use crate::options::Options;

/// How long a statement may keep the thread that serves everybody; one that takes longer begins again on a thread
/// that may block.
pub(crate) const INLINE: Duration = Duration::from_millis(1);

pub(crate) struct Readers {
    room: Arc<str>,
    file: PathBuf,
    options: Options,
    schema: Arc<Schema>,
    idle: Mutex<Vec<Link>>,
    free: Arc<Semaphore>,
}

/// A connection lent out; dropping it gives it back.
pub(crate) struct Reader {
    link: Option<Link>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(crate) fn new(room: Arc<str>, file: PathBuf, options: Options, schema: Arc<Schema>) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(options.readers.max(1)));
        Arc::new(Self { room, file, options, schema, idle: Mutex::new(Vec::new()), free })
    }

    /// Waits for a connection that is free, and opens one if there is none yet.
    pub(crate) async fn reader(self: &Arc<Self>) -> Result<Reader, Error> {
        let closed = || Error::unavailable(&self.room, "its store was closed");
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits) => {
                Arc::clone(&self.free).acquire_owned().await.map_err(|_| closed())?
            }
            Err(TryAcquireError::Closed) => return Err(closed()),
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let link = match idle {
            Some(link) => link,
            None => {
                let readers = Arc::clone(self);
                let opening = move || {
                    Link::open(
                        &readers.room,
                        &readers.file,
                        Purpose::Reading,
                        &readers.options,
                        &readers.schema,
                    )
                };
                blocking(&self.room, opening).await?
            }
        };
        Ok(Reader { link: Some(link), readers: Arc::clone(self), _permit: permit })
    }

    /// Runs a statement if it only reads; [`Outcome::Writes`] if it does not.
    pub(crate) async fn run(self: &Arc<Self>, statement: &mut Option<Statement>) -> Result<Outcome, Error> {
        let reader = self.reader().await?;
        let Some(first) = statement.as_ref() else { return Ok(Outcome::Writes) };
        let limit = self.options.statement_time;
        match reader.link()?.run(first, limit.min(INLINE), true) {
            Err(Error::Timeout { .. }) if limit > INLINE => {}
            result => return result,
        }
        let Some(again) = statement.take() else { return Ok(Outcome::Writes) };
        blocking(&self.room, move || reader.link()?.run(&again, limit, true)).await
    }

    /// Waits until nobody reads, and closes every connection.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(self.options.readers.max(1)).unwrap_or(u32::MAX);
        let waited = self.free.acquire_many(all).await;
        self.free.close();
        drop(waited);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }

    /// Forgets what idle connections have prepared.
    pub(crate) fn forget_statements(&self) {
        for link in self.idle.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            link.forget_statements();
        }
    }
}

impl Reader {
    pub(crate) fn link(&self) -> Result<&Link, Error> {
        self.link.as_ref().ok_or_else(|| Error::unavailable(&self.readers.room, "its connection is gone"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        }
    }
}

/// Does what may take long on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    room: &Arc<str>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::unavailable(room, format!("its work did not end well: {error}"))),
    }
}
