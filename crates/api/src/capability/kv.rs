//! `kv`: small values with expiry, each organization's apart.

use std::time::Duration;

use bytes::Bytes;

use crate::{BoxFuture, Context, Failure, Timestamp};

/// A small value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// The value.
    pub value: Bytes,
    /// Changes with every write, and is never the same again.
    pub version: u64,
    /// When it is gone; it stays when absent.
    pub expires_at: Option<Timestamp>,
}

/// How a value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KvTerms {
    /// After how long it is gone, to the microsecond; it stays when absent.
    pub expires_in: Option<Duration>,
    /// What must be there for it to be set.
    pub only_if: KvCondition,
}

/// What must be under a key for it to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KvCondition {
    /// Anything, or nothing.
    #[default]
    Any,
    /// Nothing.
    Absent,
    /// The value of this version: nobody has changed it since it was read.
    Version(u64),
}

/// Small values, of at most 64 KiB each.
///
/// A key is 1 to 200 bytes of text without control characters. Values of one organization are seen by no other, and those that
/// are set in global scope only there.
pub trait Kv: Send + Sync {
    /// The value under a key; none when there is none, or its time is over.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a key that is none; [`Failure::Unavailable`] when the database fails.
    fn get<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<KvEntry>, Failure>>;

    /// Sets the value under a key, and gives its version; none when what must be there is not, and then nothing changed. When this
    /// returns, it survives a power cut.
    ///
    /// # Errors
    /// As [`get`](Self::get); [`Failure::TooLarge`].
    fn set<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        value: Bytes,
        terms: KvTerms,
    ) -> BoxFuture<'a, Result<Option<u64>, Failure>>;

    /// Removes the value under a key; false when there was none.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn delete<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<bool, Failure>>;

    /// The keys that begin so, in order, behind the one given: at most so many, and 1,000.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn list<'a>(
        &'a self,
        context: &'a Context,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<String>, Failure>>;
}
