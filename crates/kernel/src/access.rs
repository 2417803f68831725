//! Who may have private plugins: granted to an organization by a global administrator, and taken back.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use switchboard_api::{OrganizationId, Timestamp};
use switchboard_manifest::PluginId;
use switchboard_store::Room;

use crate::{
    audit::Entry,
    by::By,
    enablement::{self, Switching},
    error::Error,
    kernel::Kernel,
    organization_set::{OrganizationSet, by_plugin},
};

/// That an organization may have a private plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The organization, by its name in addresses.
    pub organization: String,
    /// Who granted it.
    pub granted_by: String,
    /// Since when.
    pub granted_at: Timestamp,
}

/// The organizations to which each private plugin is granted.
pub(crate) async fn read(room: &Room) -> Result<Arc<HashMap<PluginId, OrganizationSet>>, Error> {
    let sql = "select plugin_id, organization_id from plugin_access order by plugin_id, organization_id";
    by_plugin(&room.query(sql, vec![]).await?.to::<(String, OrganizationId)>()?).map(Arc::new)
}

impl Kernel {
    /// The organizations that may have a private plugin, by their names in addresses.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`]; [`Error::Store`].
    pub async fn accesses(&self, plugin: &str) -> Result<Vec<Access>, Error> {
        self.known(plugin)?;
        let sql = "select slug as organization, granted_by, granted_at from plugin_access \
                   join organization on organization.id = organization_id \
                   where plugin_id = $1 and removed_at is null order by slug";
        Ok(self.room.query(sql, vec![plugin.into()]).await?.to::<Access>()?)
    }

    /// Lets an organization have a private plugin: from then on it sees it, and may switch it on. It is no error when it may
    /// already.
    ///
    /// # Errors
    /// [`Error::Refused`] for a plugin that is not private; [`Error::NoSuchPlugin`]; [`Error::NoSuchOrganization`].
    pub async fn grant_access(&self, by: &By, plugin: &str, organization: &str) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let (manifest, organization) = (self.known(plugin)?, self.named(organization)?);
        if !manifest.private {
            let message = format!("plugin `{plugin}` is not private: every organization sees it already");
            return Err(Error::Refused(message));
        }
        if self.is_granted(&manifest.id, organization.id) {
            return Ok(());
        }
        let mut change = self.change(by).await?;
        let sql = "insert into plugin_access (plugin_id, organization_id, granted_by, granted_at) \
                   values ($1, $2, $3, $4)";
        let (who, when) = (by.actor.name.to_string(), self.now().to_string());
        change.execute(sql, vec![plugin.into(), organization.id.into(), who.into(), when.into()]).await?;
        let entry = Entry::new("plugin.access_granted", format!("plugin:{plugin}"));
        change.commit(entry.within(Some(organization.id))).await?;
        self.read_where_plugins_are().await
    }

    /// Takes a private plugin from an organization, which sees it no more; its data stays. False when it had no access.
    ///
    /// # Errors
    /// [`Error::Refused`] while it is on there, unless `disable` has it switched off first, with whatever requires it there;
    /// [`Error::NoSuchPlugin`]; [`Error::NoSuchOrganization`].
    pub async fn revoke_access(
        &self,
        by: &By,
        plugin: &str,
        organization: &str,
        disable: bool,
    ) -> Result<bool, Error> {
        let _changing = self.changing().await?;
        let (manifest, organization) = (self.known(plugin)?, self.named(organization)?);
        if !self.is_granted(&manifest.id, organization.id) {
            return Ok(false);
        }
        let snapshot = self.snapshot();
        if snapshot.plugin(plugin).is_some_and(|it| snapshot.is_enabled(it, organization.id)) {
            if !disable {
                let slug = &organization.slug;
                return Err(Error::Refused(format!(
                    "plugin `{plugin}` is on in `{slug}`: disable it there first, or together with this by `disable`"
                )));
            }
            let steps =
                self.steps(&snapshot, plugin, &organization, Switching { on: false, together: true })?;
            self.switch_together(by, &steps, &organization, false).await?;
        }
        let mut change = self.change(by).await?;
        let sql = "delete from plugin_access where plugin_id = $1 and organization_id = $2";
        change.execute(sql, vec![plugin.into(), organization.id.into()]).await?;
        let entry = Entry::new("plugin.access_revoked", format!("plugin:{plugin}"));
        change.commit(entry.within(Some(organization.id))).await?;
        self.read_where_plugins_are().await?;
        Ok(true)
    }

    fn is_granted(&self, plugin: &PluginId, organization: OrganizationId) -> bool {
        self.snapshot().granted().get(plugin).is_some_and(|granted| granted.contains(organization))
    }

    /// Reads anew where plugins are switched on, and to whom those that are private are granted.
    pub(crate) async fn read_where_plugins_are(&self) -> Result<(), Error> {
        let (enabled, granted) = (enablement::read(&self.room).await?, read(&self.room).await?);
        self.serve(Arc::new(self.snapshot().with_organizations(enabled, granted)));
        Ok(())
    }
}
