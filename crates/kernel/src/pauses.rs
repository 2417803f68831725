//! Plugins that hear no events for now: what they would have heard waits for them.

use std::{collections::HashMap, sync::Arc};

use serde::Deserialize;
use switchboard_api::{OrganizationId, Timestamp, Value};
use switchboard_manifest::PluginId;
use switchboard_store::Room;
use tokio::sync::watch;

use crate::{audit::Entry, by::By, error::Error, kernel::Kernel};

/// That a plugin hears no events for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Of which organization; none when it is paused for the whole installation.
    pub organization: Option<OrganizationId>,
    /// Who paused it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

/// The plugins that hear no events for now.
#[derive(Debug, Default)]
pub struct Pauses(HashMap<PluginId, Vec<Pause>>);

impl Pauses {
    /// Whether a plugin hears no events of an organization, or of none.
    pub fn hold(&self, listener: &PluginId, organization: Option<OrganizationId>) -> bool {
        let is_about = |pause: &Pause| pause.organization.is_none() || pause.organization == organization;
        self.of(listener).iter().any(is_about)
    }

    /// The pauses of a plugin: that of the whole installation first.
    pub fn of(&self, listener: &PluginId) -> &[Pause] {
        self.0.get(listener).map_or(&[], Vec::as_slice)
    }

    pub(crate) async fn read(room: &Room) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Row {
            plugin_id: PluginId,
            organization_id: Option<OrganizationId>,
            paused_by: String,
            paused_at: Timestamp,
        }
        let sql = "select plugin_id, organization_id, paused_by, paused_at from listener_pause \
                   order by coalesce(organization_id, 0)";
        let mut all: HashMap<PluginId, Vec<Pause>> = HashMap::new();
        for row in room.query(sql, vec![]).await?.to::<Row>()? {
            let pause = Pause { organization: row.organization_id, by: row.paused_by, since: row.paused_at };
            all.entry(row.plugin_id).or_default().push(pause);
        }
        Ok(Self(all))
    }
}

impl Kernel {
    /// The plugins that hear no events for now.
    pub fn pauses(&self) -> Arc<Pauses> {
        Arc::clone(&self.pauses.borrow())
    }

    /// The same as it changes.
    pub fn follow_pauses(&self) -> watch::Receiver<Arc<Pauses>> {
        self.pauses.subscribe()
    }

    /// Has a plugin hear no events from now on, of one organization or of all and of none: they wait for it. One that is being
    /// heard is heard to its end. False when it is paused there already.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`]; [`Error::NoSuchOrganization`]; [`Error::Refused`] for a plugin that listens to nothing.
    pub async fn pause_listener(&self, by: &By, id: &str, organization: Option<&str>) -> Result<bool, Error> {
        let _changing = self.changing().await?;
        let organization = organization.map(|slug| self.named(slug)).transpose()?;
        let manifest = self.known(id)?;
        if manifest.provides.listeners.is_empty() {
            return Err(Error::Refused(format!("plugin `{id}` listens to no events")));
        }
        let within = organization.map(|organization| organization.id);
        if self.pauses().of(&manifest.id).iter().any(|pause| pause.organization == within) {
            return Ok(false);
        }
        let mut change = self.change(by).await?;
        let sql = "insert into listener_pause (plugin_id, organization_id, paused_by, paused_at) \
                   values ($1, $2, $3, $4)";
        let (who, when) = (by.actor.name.to_string(), self.now().to_string());
        change.execute(sql, vec![id.into(), within.into(), who.into(), when.into()]).await?;
        change.commit(Entry::new("listener.paused", format!("plugin:{id}")).within(within)).await?;
        self.read_pauses().await?;
        Ok(true)
    }

    /// Has a plugin hear events again, those that waited for it first. False when it was not paused there.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`]; [`Error::NoSuchOrganization`]; [`Error::Store`].
    pub async fn resume_listener(
        &self,
        by: &By,
        id: &str,
        organization: Option<&str>,
    ) -> Result<bool, Error> {
        let _changing = self.changing().await?;
        self.known(id)?;
        let within = organization.map(|slug| self.named(slug)).transpose()?;
        let within = within.map(|organization| organization.id);
        let mut change = self.change(by).await?;
        let of: Value = within.map_or(0, |organization| organization.0).into();
        let sql = "delete from listener_pause where plugin_id = $1 and coalesce(organization_id, 0) = $2";
        if change.execute(sql, vec![id.into(), of]).await? == 0 {
            return Ok(false);
        }
        change.commit(Entry::new("listener.resumed", format!("plugin:{id}")).within(within)).await?;
        self.read_pauses().await?;
        Ok(true)
    }

    /// Reads anew which plugins hear no events.
    pub(crate) async fn read_pauses(&self) -> Result<(), Error> {
        self.pauses.send_replace(Arc::new(Pauses::read(&self.room).await?));
        Ok(())
    }
}
