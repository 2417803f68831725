//! `audit`: lines in the audit log.

use switchboard_api::capability::AuditEntry;

use crate::{bindings::imports::audit, conversion::payload_in, interrupted::Answer, state::State};

impl audit::Host for State {
    async fn record_entry(&mut self, entry: audit::Entry) -> Answer<()> {
        let audit::Entry { action, subject, before, after } = entry;
        let (before, after) = (payload_in(before)?, payload_in(after)?);
        let call = self.call()?;
        let entry = AuditEntry { action, subject, before, after };
        Ok(call.host.audit.record(&call.context, entry).await?)
    }
}
