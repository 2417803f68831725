//! What waits for those who listen.

use std::collections::BTreeMap;

use serde::Deserialize;
use switchboard_api::{OrganizationId, Timestamp};
use switchboard_manifest::PluginId;
use switchboard_sql::Conditions;

use crate::{Delivery, Error, shared::moment};

/// What waits for a listener.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that it is to hear yet: for the first time, because others stand before them, or again.
    pub waiting: u64,
    /// Events that were given up.
    pub dead: u64,
    /// When the oldest of those that wait was said.
    pub since: Option<Timestamp>,
}

impl Delivery {
    /// What waits for each plugin that something waits for, among the events of an organization or of all. Events that it has
    /// not come to yet, and that nobody held up, are not counted.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn backlogs(
        &self,
        organization: Option<OrganizationId>,
    ) -> Result<BTreeMap<PluginId, Backlog>, Error> {
        #[derive(Deserialize)]
        struct Row {
            listener: PluginId,
            state: String,
            events: u64,
            since: i64,
        }
        let mut backlogs: BTreeMap<PluginId, Backlog> = BTreeMap::new();
        for (_, room) in self.shared.rooms(None).await? {
            let mut wanted = Conditions::default();
            wanted.hold("d.state in ('pending', 'dead')");
            if let Some(organization) = organization {
                wanted.add("o.organization_id =", organization.into());
            }
            let (wanted, values) = wanted.into_parts();
            let sql = format!(
                "select d.listener, d.state, count(*) as events, min(o.time) as since
                from _switchboard_delivery d join _switchboard_outbox o on o.seq = d.seq
                where {wanted} group by d.listener, d.state"
            );
            for row in room.query(&sql, values).await?.to::<Row>()? {
                let backlog = backlogs.entry(row.listener).or_default();
                if row.state == "dead" {
                    backlog.dead += row.events;
                } else {
                    backlog.waiting += row.events;
                    let since = moment(row.since);
                    backlog.since = Some(backlog.since.map_or(since, |earlier| earlier.min(since)));
                }
            }
        }
        Ok(backlogs)
    }
}
