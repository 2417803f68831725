//! Small values with expiry.

use std::time::Duration;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use switchboard_api::{
    Failure,
    capability::{KvCondition, KvEntry, KvTerms},
};

use crate::Context;

/// Small values with expiry, each organization's apart.
///
/// ```no_run
/// # use std::time::Duration;
/// # use switchboard_sdk::prelude::*;
/// # async fn example(ctx: Context) -> Result<()> {
/// // At most once an hour, whoever comes first.
/// let is_first = ctx.kv().add("reminded", "", Some(Duration::from_secs(3600))).await?;
///
/// // A counter that nobody gets in the way of.
/// loop {
///     let Some(read) = ctx.kv().get("count").await? else { break };
///     let count: u32 = String::from_utf8_lossy(&read.value).parse().unwrap_or(0);
///     if ctx.kv().replace("count", read.version, (count + 1).to_string()).await? {
///         break;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Kv<'a> {
    pub(crate) context: &'a Context,
}

impl Kv<'_> {
    /// The value under a key; none when there is none, or its time is over.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a key that is none: 1 to 200 bytes without control characters; [`Failure::Unavailable`].
    pub async fn get(&self, key: &str) -> Result<Option<KvEntry>, Failure> {
        self.context.host.kv(&self.context.call)?.get(&self.context.call, key).await
    }

    /// The value under a key, read as JSON.
    ///
    /// # Errors
    /// As [`get`](Self::get); [`Failure::Broken`] when what is there is another.
    pub async fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        let Some(entry) = self.get(key).await? else { return Ok(None) };
        serde_json::from_slice(&entry.value).map(Some).map_err(|error| {
            Failure::broken(format!("what is under `{key}` is not what was expected: {error}"))
        })
    }

    /// Sets the value under a key, of at most 64 KiB, for so long or for good.
    ///
    /// # Errors
    /// As [`get`](Self::get); [`Failure::TooLarge`].
    pub async fn set(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        expires_in: Option<Duration>,
    ) -> Result<(), Failure> {
        self.write(key, value.into(), expires_in, KvCondition::Any).await.map(drop)
    }

    /// The same with a value as JSON.
    ///
    /// # Errors
    /// As [`set`](Self::set); [`Failure::Broken`] when the value has no JSON form.
    pub async fn set_json<T: Serialize + Sync + ?Sized>(
        &self,
        key: &str,
        value: &T,
        expires_in: Option<Duration>,
    ) -> Result<(), Failure> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Failure::broken(format!("what is to be under `{key}` has no JSON form: {error}"))
        })?;
        self.set(key, json, expires_in).await
    }

    /// Sets the value unless there is one; says whether it did.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn add(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        expires_in: Option<Duration>,
    ) -> Result<bool, Failure> {
        Ok(self.write(key, value.into(), expires_in, KvCondition::Absent).await?.is_some())
    }

    /// Sets the value, for good, if it is still that of this version; says whether it did.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn replace(&self, key: &str, version: u64, value: impl Into<Bytes>) -> Result<bool, Failure> {
        Ok(self.write(key, value.into(), None, KvCondition::Version(version)).await?.is_some())
    }

    /// Removes the value under a key; false when there was none.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn delete(&self, key: &str) -> Result<bool, Failure> {
        self.context.host.kv(&self.context.call)?.delete(&self.context.call, key).await
    }

    /// The keys that begin so, in order, behind the one given: at most so many, and 1,000.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn list(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Failure> {
        self.context.host.kv(&self.context.call)?.list(&self.context.call, prefix, after, limit).await
    }

    async fn write(
        &self,
        key: &str,
        value: Bytes,
        expires_in: Option<Duration>,
        only_if: KvCondition,
    ) -> Result<Option<u64>, Failure> {
        let terms = KvTerms { expires_in, only_if };
        self.context.host.kv(&self.context.call)?.set(&self.context.call, key, value, terms).await
    }
}
