//! Where plugins are switched on: for which organizations, together with what, and how a step is undone.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use switchboard_api::{Hook, Organization, OrganizationId, Value};
use switchboard_manifest::{Manifest, PluginId};
use switchboard_store::Room;

use crate::{
    audit::Entry,
    by::By,
    error::Error,
    kernel::Kernel,
    lifecycle::{listed, required_by},
    loaded::Loaded,
    snapshot::Snapshot,
};

/// How many organizations go into one statement.
const AT_ONCE: usize = 250;

/// The organizations in which a plugin is switched on: sorted numbers, of eight bytes each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnabledIn(Arc<[OrganizationId]>);

impl EnabledIn {
    /// Whether it is switched on there.
    pub fn contains(&self, organization: OrganizationId) -> bool {
        self.0.binary_search(&organization).is_ok()
    }

    /// Every organization, by number.
    pub fn iter(&self) -> impl Iterator<Item = OrganizationId> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn switched(&self, organization: OrganizationId, on: bool) -> Self {
        match (self.0.binary_search(&organization), on) {
            (Err(position), true) => {
                let (before, after) = self.0.split_at(position);
                Self([before, &[organization], after].concat().into())
            }
            (Ok(_), false) => Self(self.iter().filter(|other| *other != organization).collect()),
            _ => self.clone(),
        }
    }
}

impl FromIterator<OrganizationId> for EnabledIn {
    fn from_iter<I: IntoIterator<Item = OrganizationId>>(organizations: I) -> Self {
        let mut organizations: Vec<_> = organizations.into_iter().collect();
        organizations.sort_unstable();
        organizations.dedup();
        Self(organizations.into())
    }
}

/// Where each plugin is switched on.
pub(crate) async fn read(room: &Room) -> Result<HashMap<PluginId, EnabledIn>, Error> {
    let sql = "select plugin_id, organization_id from enablement where enabled = 1 order by plugin_id, organization_id";
    let rows = room.query(sql, vec![]).await?.to::<(String, OrganizationId)>()?;
    let mut enabled = HashMap::new();
    for rows in rows.chunk_by(|(one, _), (other, _)| one == other) {
        let Some((id, _)) = rows.first() else { continue };
        let id: PluginId = id
            .parse()
            .map_err(|error| Error::Data(format!("a plugin that is switched on is none: {error}")))?;
        enabled.insert(id, rows.iter().map(|(_, organization)| *organization).collect());
    }
    Ok(enabled)
}

/// Whether a new organization begins with it.
pub(crate) fn is_on_by_default(manifest: &Manifest) -> bool {
    manifest.enabled_by_default && !manifest.private && !manifest.global_plugin
}

impl Snapshot {
    /// What a plugin requires, be it by way of others, that is off for the organization: in the order in which it is
    /// to be switched on.
    pub fn missing(&self, plugin: &Loaded, organization: OrganizationId) -> Vec<Arc<Loaded>> {
        let mut missing: HashSet<&PluginId> = HashSet::new();
        let mut requiring = vec![plugin];
        while let Some(next) = requiring.pop() {
            for requirement in &next.manifest().requires {
                let required = self.plugin(requirement.plugin_id.as_str());
                let required = required.filter(|required| !self.is_enabled(required, organization));
                if let Some(required) = required
                    && missing.insert(required.id())
                {
                    requiring.push(required);
                }
            }
        }
        self.plugins().iter().filter(|plugin| missing.contains(plugin.id())).cloned().collect()
    }

    /// What requires a plugin, be it by way of others, and is on for the organization: in the order in which it is to be
    /// switched off.
    pub fn dependents(&self, plugin: &Loaded, organization: OrganizationId) -> Vec<Arc<Loaded>> {
        let mut dependents: HashSet<&PluginId> = HashSet::from([plugin.id()]);
        let mut found = Vec::new();
        // Whatever requires something was loaded after it.
        for other in self.plugins() {
            let depends = other.manifest().requires.iter().any(|it| dependents.contains(&it.plugin_id));
            if depends && self.is_enabled(other, organization) {
                dependents.insert(other.id());
                found.push(Arc::clone(other));
            }
        }
        found.reverse();
        found
    }
}

impl Kernel {
    /// Switches a plugin on for an organization.
    ///
    /// # Errors
    /// [`Error::Refused`] when it does not serve, when what it requires is not on, or when its `on_enable` fails; then
    /// it stays off.
    pub async fn enable(&self, by: &By, id: &str, organization: &str) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let organization = self.named(organization)?;
        let plugin = self.serving(id)?;
        let snapshot = self.snapshot();
        if snapshot.is_enabled(&plugin, organization.id) {
            return Ok(());
        }
        let requires = |it: &Arc<Loaded>| {
            plugin.manifest().requires.iter().any(|requirement| requirement.plugin_id == *it.id())
        };
        let missing = snapshot.missing(&plugin, organization.id).into_iter().filter(requires);
        let missing: Vec<PluginId> = missing.map(|it| it.id().clone()).collect();
        if !missing.is_empty() {
            let (names, slug) = (listed(&missing), &organization.slug);
            return Err(Error::Refused(format!(
                "plugin `{id}` requires {names}: enable that for `{slug}` first, or all together by `with_requirements`"
            )));
        }
        self.switch(by, &plugin, &organization, true).await
    }

    /// Switches a plugin on for an organization, and before it whatever it requires and is off there; gives what was switched
    /// on, in that order. All of it, or nothing: when one fails, those before it are switched off again.
    ///
    /// # Errors
    /// [`Error::Refused`] when it does not serve, or when an `on_enable` fails.
    pub async fn enable_with_requirements(
        &self,
        by: &By,
        id: &str,
        organization: &str,
    ) -> Result<Vec<PluginId>, Error> {
        let _changing = self.changing().await?;
        let organization = self.named(organization)?;
        let plugin = self.serving(id)?;
        let snapshot = self.snapshot();
        if snapshot.is_enabled(&plugin, organization.id) {
            return Ok(Vec::new());
        }
        let mut steps = snapshot.missing(&plugin, organization.id);
        steps.push(plugin);
        self.switch_together(by, &steps, &organization, true).await
    }

    /// Switches a plugin off for an organization; its data stays.
    ///
    /// # Errors
    /// [`Error::Refused`] when a plugin that is on there requires it, when it is global, or when its `on_disable` fails;
    /// then it stays on.
    pub async fn disable(&self, by: &By, id: &str, organization: &str) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let organization = self.named(organization)?;
        let Some(plugin) = self.to_disable(id, &organization)? else { return Ok(()) };
        let snapshot = self.snapshot();
        let enabled = snapshot.plugins().iter().filter(|other| snapshot.is_enabled(other, organization.id));
        let dependents = required_by(enabled, plugin.id());
        if !dependents.is_empty() {
            let (names, slug) = (listed(&dependents), &organization.slug);
            return Err(Error::Refused(format!(
                "plugin `{id}` is required by {names}: disable that for `{slug}` first, or all together by \
                 `with_dependents`"
            )));
        }
        self.switch(by, &plugin, &organization, false).await
    }

    /// Switches a plugin off for an organization, and before it whatever is on there and requires it; gives what was switched
    /// off, in that order. All of it, or nothing.
    ///
    /// # Errors
    /// [`Error::Refused`] when it or what requires it is global, or when an `on_disable` fails.
    pub async fn disable_with_dependents(
        &self,
        by: &By,
        id: &str,
        organization: &str,
    ) -> Result<Vec<PluginId>, Error> {
        let _changing = self.changing().await?;
        let organization = self.named(organization)?;
        let Some(plugin) = self.to_disable(id, &organization)? else { return Ok(Vec::new()) };
        let mut steps = self.snapshot().dependents(&plugin, organization.id);
        if let Some(global) = steps.iter().find(|it| it.manifest().global_plugin) {
            let message =
                format!("plugin `{id}` is required by `{}`, which is global: it is always on", global.id());
            return Err(Error::Refused(message));
        }
        steps.push(plugin);
        self.switch_together(by, &steps, &organization, false).await
    }

    /// The plugin, if it is on for the organization and can be switched off at all.
    fn to_disable(&self, id: &str, organization: &Organization) -> Result<Option<Arc<Loaded>>, Error> {
        let plugin = self.serving(id)?;
        if plugin.manifest().global_plugin {
            return Err(Error::Refused(format!("plugin `{id}` is global: it is always on")));
        }
        Ok(Some(plugin).filter(|plugin| self.snapshot().is_enabled(plugin, organization.id)))
    }

    /// Switches on for a new organization what it begins with, each after what it requires. What fails stays off; the log says
    /// why.
    pub(crate) async fn begin_with_defaults(&self, by: &By, organization: &Arc<Organization>) {
        let plugins = self.snapshot();
        let mut begun: Vec<&Arc<Loaded>> = Vec::new();
        for plugin in plugins.plugins().iter().filter(|plugin| is_on_by_default(plugin.manifest())) {
            let missing = self.snapshot().missing(plugin, organization.id);
            let enabled = match missing.first() {
                None => self.hook_on(plugin, organization).await,
                Some(other) => {
                    Err(Error::Refused(format!("it requires plugin `{}`, which is off there", other.id())))
                }
            };
            match enabled {
                Ok(()) => {
                    self.swap_switched(plugin.id(), organization.id, true);
                    begun.push(plugin);
                }
                Err(error) => {
                    tracing::error!(plugin = %plugin.id(), organization = %organization.slug, "stays off in a new organization: {error}");
                }
            }
        }
        if begun.is_empty() {
            return;
        }
        let ids: Vec<&PluginId> = begun.iter().map(|plugin| plugin.id()).collect();
        let entry = Entry::new("plugin.enabled", format!("organization:{}", organization.slug))
            .within(Some(organization.id))
            .after(serde_json::json!({ "plugins": ids }));
        let pairs: Vec<_> = ids.into_iter().map(|id| (id, organization.id)).collect();
        if let Err(error) = self.write_enablement(by, &pairs, true, entry).await {
            tracing::error!(organization = %organization.slug, "a new organization begins without plugins: {error}");
            for plugin in begun.into_iter().rev() {
                self.swap_switched(plugin.id(), organization.id, false);
                self.undo(plugin, organization, Hook::Disable).await;
            }
        }
    }

    /// Tells the plugins of an organization that came back that they are on there again; one whose `on_enable` fails is off.
    pub(crate) async fn enable_again(&self, by: &By, organization: &Arc<Organization>) -> Result<(), Error> {
        let snapshot = self.snapshot();
        let on = snapshot.plugins().iter().filter(|plugin| {
            !plugin.manifest().global_plugin && snapshot.is_enabled(plugin, organization.id)
        });
        for plugin in on {
            if let Err(error) = self.hook_on(plugin, organization).await {
                tracing::error!(plugin = %plugin.id(), organization = %organization.slug, "is off in an organization that came back: {error}");
                self.write_switch(by, plugin.id(), organization.id, false).await?;
                self.swap_switched(plugin.id(), organization.id, false);
            }
        }
        Ok(())
    }

    /// Switches a plugin that was just installed on for every organization.
    pub(crate) async fn enable_everywhere(&self, by: &By, plugin: &Arc<Loaded>) -> Result<(), Error> {
        let directory = self.directory();
        for organization in directory.organizations() {
            self.hook_on(plugin, organization).await?;
        }
        let pairs: Vec<_> = directory.organizations().iter().map(|it| (plugin.id(), it.id)).collect();
        let everywhere = serde_json::json!({ "organizations": pairs.len() });
        let entry = Entry::new("plugin.enabled", format!("plugin:{}", plugin.id())).after(everywhere);
        self.write_enablement(by, &pairs, true, entry).await?;
        let mut next = Snapshot::clone(&self.snapshot());
        next.switch_on_in(plugin.id(), pairs.iter().map(|(_, organization)| *organization).collect());
        self.snapshot.store(Arc::new(next));
        Ok(())
    }

    /// Takes back wherever a plugin was switched on.
    pub(crate) async fn forget_enablement(&self, id: &PluginId) -> Result<(), Error> {
        self.room.execute("delete from enablement where plugin_id = $1", vec![id.as_str().into()]).await?;
        let mut next = Snapshot::clone(&self.snapshot());
        next.switch_on_in(id, EnabledIn::default());
        self.snapshot.store(Arc::new(next));
        Ok(())
    }

    /// Takes these steps in their order, or none of them: when one fails, those before it are taken back.
    async fn switch_together(
        &self,
        by: &By,
        steps: &[Arc<Loaded>],
        organization: &Arc<Organization>,
        on: bool,
    ) -> Result<Vec<PluginId>, Error> {
        for (position, plugin) in steps.iter().enumerate() {
            if let Err(error) = self.switch(by, plugin, organization, on).await {
                for done in steps.iter().take(position).rev() {
                    if let Err(again) = self.switch(by, done, organization, !on).await {
                        tracing::error!(plugin = %done.id(), organization = %organization.slug, "undoing a step failed: {again}");
                    }
                }
                return Err(error);
            }
        }
        Ok(steps.iter().map(|plugin| plugin.id().clone()).collect())
    }

    /// Switches one plugin, whatever it requires or is required by: its hook, what is stored, the snapshot.
    async fn switch(
        &self,
        by: &By,
        plugin: &Arc<Loaded>,
        organization: &Arc<Organization>,
        on: bool,
    ) -> Result<(), Error> {
        match on {
            true => self.hook_on(plugin, organization).await?,
            false => self.hook(plugin, Some(organization), Hook::Disable).await?,
        }
        if let Err(error) = self.write_switch(by, plugin.id(), organization.id, on).await {
            match on {
                true => self.undo(plugin, organization, Hook::Disable).await,
                false => self.hook_on(plugin, organization).await.unwrap_or_else(|again| {
                    tracing::error!(plugin = %plugin.id(), organization = %organization.slug, "undoing a step failed: {again}");
                }),
            }
            return Err(error);
        }
        self.swap_switched(plugin.id(), organization.id, on);
        Ok(())
    }

    /// Tells a plugin that it is switched on for the organization.
    async fn hook_on(&self, plugin: &Arc<Loaded>, organization: &Arc<Organization>) -> Result<(), Error> {
        let config = self.config(plugin.id(), Some(organization.id)).map_err(Error::Invalid)?;
        self.hook(plugin, Some(organization), Hook::Enable { config }).await
    }

    /// Calls a hook whose failure changes nothing any more.
    pub(crate) async fn undo(&self, plugin: &Arc<Loaded>, organization: &Arc<Organization>, hook: Hook) {
        if let Err(error) = self.hook(plugin, Some(organization), hook).await {
            tracing::error!(plugin = %plugin.id(), organization = %organization.slug, "undoing a step failed: {error}");
        }
    }

    fn swap_switched(&self, id: &PluginId, organization: OrganizationId, on: bool) {
        self.snapshot.store(Arc::new(self.snapshot().switched(id, organization, on)));
    }

    async fn write_switch(
        &self,
        by: &By,
        id: &PluginId,
        organization: OrganizationId,
        on: bool,
    ) -> Result<(), Error> {
        let action = if on { "plugin.enabled" } else { "plugin.disabled" };
        let entry = Entry::new(action, format!("plugin:{id}")).within(Some(organization));
        self.write_enablement(by, &[(id, organization)], on, entry).await
    }

    async fn write_enablement(
        &self,
        by: &By,
        pairs: &[(&PluginId, OrganizationId)],
        on: bool,
        entry: Entry,
    ) -> Result<(), Error> {
        let mut change = self.change(by).await?;
        for pairs in pairs.chunks(AT_ONCE) {
            let mut params: Vec<Value> = vec![on.into(), self.now().to_string().into()];
            let mut rows = Vec::with_capacity(pairs.len());
            for (id, organization) in pairs {
                rows.push(format!("(${}, ${}, $1, $2)", params.len() + 1, params.len() + 2));
                params.extend([Value::from(id.as_str()), Value::from(*organization)]);
            }
            let sql = format!(
                "insert into enablement (plugin_id, organization_id, enabled, changed_at) values {} \
                 on conflict (plugin_id, organization_id) \
                 do update set enabled = excluded.enabled, changed_at = excluded.changed_at",
                rows.join(", ")
            );
            change.execute(&sql, params).await?;
        }
        change.commit(entry).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use switchboard_api::OrganizationId;

    use super::EnabledIn;

    proptest! {
        #[test]
        fn switching_is_what_a_set_would_do(steps in prop::collection::vec((0..20_i64, any::<bool>()), 0..60)) {
            let (mut enabled, mut model) = (EnabledIn::default(), std::collections::BTreeSet::new());
            for (id, on) in steps {
                let id = OrganizationId(id);
                enabled = enabled.switched(id, on);
                if on { model.insert(id); } else { model.remove(&id); }
                prop_assert!(enabled.iter().eq(model.iter().copied()));
            }
            prop_assert!((0..20).all(|id| enabled.contains(OrganizationId(id)) == model.contains(&OrganizationId(id))));
        }
    }
}
