//! `kv`: small values with expiry, in a table beside the plugin's own.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use switchboard_api::{
    BoxFuture, Context, Failure, Timestamp, Value,
    capability::{Clock, Kv, KvCondition, KvEntry, KvTerms, Random},
};
use switchboard_store::{Engine, Error, Room};
use tokio::sync::OnceCell;

use crate::db::{OwnRoom, failure};

/// The table that the values are in.
pub const KV_TABLE: &str = "_switchboard_kv";

/// The most bytes of a key, and of a value.
const LONGEST_KEY: usize = 200;
const LARGEST_VALUE: usize = 64 << 10;

/// The most keys that are listed at once.
const MOST_KEYS: u32 = 1000;

/// How many values whose time is over go with each that is set.
const SWEPT: u32 = 20;

/// The values of one plugin.
pub(crate) struct OwnValues {
    pub(crate) room: OwnRoom,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) is_prepared: OnceCell<()>,
}

/// Makes the table in a plugin's room if it is not there.
///
/// # Errors
/// As the store has them.
pub async fn prepare_kv(room: &Room) -> Result<(), Error> {
    let (bytes, whole) = match room.engine() {
        Engine::Postgres => ("bytea", "bigint"),
        _ => ("blob", "integer"),
    };
    // Global scope is organization 0. Times are microseconds since 1970.
    for sql in [
        format!(
            "create table if not exists {KV_TABLE} (organization_id {whole} not null, key text not null, \
             value {bytes} not null, version {whole} not null, expires_at {whole}, primary key (organization_id, key))"
        ),
        format!(
            "create index if not exists {KV_TABLE}_expiry on {KV_TABLE} (expires_at) where expires_at is not null"
        ),
    ] {
        room.execute(&sql, vec![]).await?;
    }
    Ok(())
}

impl OwnValues {
    async fn room(&self) -> Result<&Room, Failure> {
        let room = self.room.get().await?;
        let prepared = async { prepare_kv(room).await.map_err(failure) };
        self.is_prepared.get_or_try_init(|| prepared).await?;
        Ok(room)
    }

    fn now(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    /// 53 random bits: as many as a number of JSON holds.
    fn new_version(&self) -> i64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        i64::from_be_bytes(bytes) & ((1 << 53) - 1)
    }

    async fn read(&self, context: &Context, key: &str) -> Result<Option<KvEntry>, Failure> {
        let sql = format!(
            "select value, version, expires_at from {KV_TABLE} \
             where organization_id = $1 and key = $2 and (expires_at is null or expires_at > $3)"
        );
        let params = vec![whose(context), checked(key)?.into(), self.now().into()];
        let rows = self.room().await?.query(&sql, params).await.map_err(failure)?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        match row.values() {
            [Value::Bytes(value), Value::Integer(version), expires_at] => Ok(Some(KvEntry {
                value: value.clone(),
                version: u64::try_from(*version).unwrap_or_default(),
                expires_at: match expires_at {
                    Value::Integer(at) => Timestamp::from_microsecond(*at).ok(),
                    _ => None,
                },
            })),
            _ => Err(Failure::unavailable(format!("what is kept under `{key}` is no value"))),
        }
    }

    async fn write(
        &self,
        context: &Context,
        key: &str,
        value: Bytes,
        KvTerms { expires_in, only_if }: KvTerms,
    ) -> Result<Option<u64>, Failure> {
        if value.len() > LARGEST_VALUE {
            let message = format!(
                "a value of `kv` has at most {LARGEST_VALUE} bytes, and `{key}` would have {}: `blobs` keeps larger ones",
                value.len()
            );
            return Err(Failure::too_large(message, LARGEST_VALUE as u64));
        }
        let (now, version) = (self.now(), self.new_version());
        let expires_at = expires_in.map(|time| now.saturating_add(microseconds(time)));
        let mut params =
            vec![whose(context), checked(key)?.into(), value.into(), version.into(), expires_at.into()];
        let put = format!(
            "insert into {KV_TABLE} (organization_id, key, value, version, expires_at) values ($1, $2, $3, $4, $5) \
             on conflict (organization_id, key) do update set value = excluded.value, version = excluded.version, \
             expires_at = excluded.expires_at"
        );
        let sql = match only_if {
            KvCondition::Any => put,
            KvCondition::Absent => {
                params.push(now.into());
                format!("{put} where {KV_TABLE}.expires_at <= $6")
            }
            KvCondition::Version(read) => {
                params.extend([now.into(), i64::try_from(read).unwrap_or(-1).into()]);
                format!(
                    "update {KV_TABLE} set value = $3, version = $4, expires_at = $5 where organization_id = $1 \
                     and key = $2 and (expires_at is null or expires_at > $6) and version = $7"
                )
            }
        };
        let room = self.room().await?;
        let mut change = room.begin().await.map_err(failure)?;
        let written = change.execute(&sql, params).await.map_err(failure)?.rows_affected;
        let sweep = format!(
            "delete from {KV_TABLE} where (organization_id, key) in \
             (select organization_id, key from {KV_TABLE} where expires_at <= $1 limit {SWEPT})"
        );
        change.execute(&sweep, vec![now.into()]).await.map_err(failure)?;
        change.commit().await.map_err(failure)?;
        Ok((written > 0).then(|| u64::try_from(version).unwrap_or_default()))
    }

    async fn remove(&self, context: &Context, key: &str) -> Result<bool, Failure> {
        let sql = format!(
            "delete from {KV_TABLE} where organization_id = $1 and key = $2 \
             returning coalesce(expires_at > $3, true) as was_there"
        );
        let params = vec![whose(context), checked(key)?.into(), self.now().into()];
        let rows = self.room().await?.query(&sql, params).await.map_err(failure)?;
        let was_there = rows
            .into_iter()
            .next()
            .is_some_and(|row| matches!(row.values(), [Value::Boolean(true)] | [Value::Integer(1)]));
        Ok(was_there)
    }

    async fn keys(
        &self,
        context: &Context,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, Failure> {
        // Compared as bytes by both engines, and not as a language sorts.
        let key = match self.room().await?.engine() {
            Engine::Postgres => "key collate \"C\"",
            _ => "key",
        };
        let sql = format!(
            "select key from {KV_TABLE} where organization_id = $1 and {key} >= $2 and {key} < $3 and {key} > $4 \
             and (expires_at is null or expires_at > $5) order by {key} limit $6"
        );
        let params = vec![
            whose(context),
            prefix.into(),
            // Behind everything that begins so: no character comes after that one.
            format!("{prefix}{}", char::MAX).into(),
            after.unwrap_or_default().into(),
            self.now().into(),
            i64::from(limit.min(MOST_KEYS)).into(),
        ];
        let rows = self.room().await?.query(&sql, params).await.map_err(failure)?;
        rows.to::<String>().map_err(|error| Failure::unavailable(error.to_string()))
    }
}

fn whose(context: &Context) -> Value {
    context.organization.as_ref().map_or(0, |organization| organization.id.0).into()
}

fn checked(key: &str) -> Result<&str, Failure> {
    if key.is_empty() || key.len() > LONGEST_KEY || key.chars().any(char::is_control) {
        return Err(Failure::invalid(format!(
            "a key of `kv` has 1 to {LONGEST_KEY} bytes, and no control characters"
        )));
    }
    Ok(key)
}

fn microseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Kv for OwnValues {
    fn get<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<KvEntry>, Failure>> {
        Box::pin(self.read(context, key))
    }

    fn set<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        value: Bytes,
        terms: KvTerms,
    ) -> BoxFuture<'a, Result<Option<u64>, Failure>> {
        Box::pin(self.write(context, key, value, terms))
    }

    fn delete<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(self.remove(context, key))
    }

    fn list<'a>(
        &'a self,
        context: &'a Context,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<String>, Failure>> {
        Box::pin(self.keys(context, prefix, after, limit))
    }
}
