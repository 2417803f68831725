//! `kv`: small values with expiry.

use std::time::Duration;

use switchboard_api::capability::{KvCondition, KvTerms};

use crate::{bindings::imports::kv, conversion::moment_out, interrupted::Answer, state::State};

impl kv::Host for State {
    async fn get(&mut self, key: String) -> Answer<Option<kv::Entry>> {
        let call = self.call()?;
        let entry = call.host.kv(&call.context)?.get(&call.context, &key).await?;
        Ok(entry.map(|entry| kv::Entry {
            value: entry.value.into(),
            version: entry.version,
            expires_at: entry.expires_at.map(moment_out),
        }))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, terms: kv::Terms) -> Answer<Option<u64>> {
        let terms = KvTerms {
            expires_in: terms.expires_in_us.map(Duration::from_micros),
            only_if: match terms.only_if_version {
                None => KvCondition::Any,
                Some(0) => KvCondition::Absent,
                Some(version) => KvCondition::Version(version),
            },
        };
        let call = self.call()?;
        Ok(call.host.kv(&call.context)?.set(&call.context, &key, value.into(), terms).await?)
    }

    async fn delete(&mut self, key: String) -> Answer<bool> {
        let call = self.call()?;
        Ok(call.host.kv(&call.context)?.delete(&call.context, &key).await?)
    }

    async fn list_keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Answer<Vec<String>> {
        let call = self.call()?;
        Ok(call.host.kv(&call.context)?.list(&call.context, &prefix, after.as_deref(), limit).await?)
    }
}
