//! Small values with expiry.

use bytes::Bytes;
use switchboard_api::{
    Failure,
    capability::{KvCondition, KvEntry, KvTerms},
};

use super::{
    super::{Calling, bindings::switchboard::plugin::kv},
    moment,
};

#[derive(Clone, Copy)]
pub(crate) struct Kv;

impl Kv {
    pub(crate) async fn get(self, _: &Calling, key: &str) -> Result<Option<KvEntry>, Failure> {
        let Some(kv::Entry { value, version, expires_at }) = kv::get(key)? else { return Ok(None) };
        let expires_at = expires_at.map(moment).transpose()?;
        Ok(Some(KvEntry { value: value.into(), version, expires_at }))
    }

    pub(crate) async fn set(
        self,
        _: &Calling,
        key: &str,
        value: Bytes,
        terms: KvTerms,
    ) -> Result<Option<u64>, Failure> {
        let microseconds = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let only_if_version = match terms.only_if {
            KvCondition::Any => None,
            KvCondition::Absent => Some(0),
            KvCondition::Version(version) => Some(version),
        };
        let terms = kv::Terms { expires_in_us: terms.expires_in.map(microseconds), only_if_version };
        Ok(kv::set(key, &value, terms)?)
    }

    pub(crate) async fn delete(self, _: &Calling, key: &str) -> Result<bool, Failure> {
        Ok(kv::delete(key)?)
    }

    pub(crate) async fn list(
        self,
        _: &Calling,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, Failure> {
        Ok(kv::list_keys(prefix, after, limit)?)
    }
}
