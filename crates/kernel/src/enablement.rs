//! Where plugins are switched on: for which organizations, together with what, and how a step is undone.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use switchboard_api::{CallKind, Hook, Organization, OrganizationId, Value};
use switchboard_manifest::{Manifest, PluginId};
use switchboard_store::Room;

use crate::{
    audit::Entry,
    by::By,
    error::Error,
    kernel::Kernel,
    lifecycle::{listed, required_by},
    loaded::Loaded,
    organization_set::{OrganizationSet, by_plugin},
    snapshot::Snapshot,
};

/// How many organizations go into one statement.
const AT_ONCE: usize = 250;

/// Where each plugin is switched on.
pub(crate) async fn read(room: &Room) -> Result<HashMap<PluginId, OrganizationSet>, Error> {
    let sql = "select plugin_id, organization_id from enablement where enabled = 1 order by plugin_id, organization_id";
    by_plugin(&room.query(sql, vec![]).await?.to::<(String, OrganizationId)>()?)
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

/// How a plugin is switched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Switching {
    /// On, or off.
    pub(crate) on: bool,
    /// Whether what it requires is switched on before it, or what requires it off.
    pub(crate) together: bool,
}

fn steps_on(
    snapshot: &Snapshot,
    plugin: Arc<Loaded>,
    organization: &Organization,
    together: bool,
) -> Result<Vec<Arc<Loaded>>, Error> {
    let (id, slug) = (plugin.id().clone(), &organization.slug);
    let mut steps = snapshot.missing(&plugin, organization.id);
    let requires = |it: &Arc<Loaded>| {
        plugin.manifest().requires.iter().any(|requirement| requirement.plugin_id == *it.id())
    };
    if !together {
        let missing: Vec<PluginId> =
            steps.iter().filter(|it| requires(it)).map(|it| it.id().clone()).collect();
        if !missing.is_empty() {
            let names = listed(&missing);
            return Err(Error::Refused(format!(
                "plugin `{id}` requires {names}: enable that for `{slug}` first, or all together by `with_requirements`"
            )));
        }
    }
    steps.push(plugin);
    if let Some(private) = steps.iter().find(|it| !snapshot.is_seen(it, organization.id)) {
        let private = private.id();
        return Err(Error::Refused(format!(
            "plugin `{private}` is private, and `{slug}` may not have it: a global administrator grants it by \
             PUT /api/admin/plugins/{private}/access/{slug}"
        )));
    }
    Ok(steps)
}

fn steps_off(
    snapshot: &Snapshot,
    plugin: Arc<Loaded>,
    organization: &Organization,
    together: bool,
) -> Result<Vec<Arc<Loaded>>, Error> {
    let (id, slug) = (plugin.id().clone(), &organization.slug);
    let mut steps = snapshot.dependents(&plugin, organization.id);
    if !together {
        let on = snapshot.plugins().iter().filter(|other| snapshot.is_enabled(other, organization.id));
        let dependents = required_by(on, &id);
        if !dependents.is_empty() {
            let names = listed(&dependents);
            return Err(Error::Refused(format!(
                "plugin `{id}` is required by {names}: disable that for `{slug}` first, or all together by \
                 `with_dependents`"
            )));
        }
    }
    if let Some(global) = steps.iter().find(|it| it.manifest().global_plugin) {
        let global = global.id();
        return Err(Error::Refused(format!(
            "plugin `{id}` is required by `{global}`, which is global: it is always on"
        )));
    }
    steps.push(plugin);
    Ok(steps)
}

impl Kernel {
    /// Switches a plugin on for an organization.
    ///
    /// # Errors
    /// [`Error::Refused`] when it does not serve, when it is private and the organization may not have it, when what it
    /// requires is not on, or when its `on_enable` fails; then it stays off.
    pub async fn enable(&self, by: &By, id: &str, organization: &str) -> Result<(), Error> {
        self.switch_one(by, id, organization, Switching { on: true, together: false }).await.map(drop)
    }

    /// Switches a plugin on for an organization, and before it whatever it requires and is off there; gives what was switched
    /// on, in that order. All of it, or nothing: when one fails, those before it are switched off again.
    ///
    /// # Errors
    /// [`Error::Refused`] when one of them does not serve or is private and the organization may not have it, or when an
    /// `on_enable` fails.
    pub async fn enable_with_requirements(
        &self,
        by: &By,
        id: &str,
        organization: &str,
    ) -> Result<Vec<PluginId>, Error> {
        self.switch_one(by, id, organization, Switching { on: true, together: true }).await
    }

    /// Switches a plugin off for an organization; its data stays.
    ///
    /// # Errors
    /// [`Error::Refused`] when a plugin that is on there requires it, when it is global, or when its `on_disable` fails;
    /// then it stays on.
    pub async fn disable(&self, by: &By, id: &str, organization: &str) -> Result<(), Error> {
        self.switch_one(by, id, organization, Switching { on: false, together: false }).await.map(drop)
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
        self.switch_one(by, id, organization, Switching { on: false, together: true }).await
    }

    async fn switch_one(
        &self,
        by: &By,
        id: &str,
        organization: &str,
        how: Switching,
    ) -> Result<Vec<PluginId>, Error> {
        let _changing = self.changing().await?;
        let organization = self.named(organization)?;
        let steps = self.steps(&self.snapshot(), id, &organization, how)?;
        self.switch_together(by, &steps, &organization, how.on).await
    }

    /// What is to be switched, in this order; nothing when it is so already.
    ///
    /// # Errors
    /// [`Error::Refused`] with what stands in the way.
    pub(crate) fn steps(
        &self,
        snapshot: &Snapshot,
        id: &str,
        organization: &Organization,
        how: Switching,
    ) -> Result<Vec<Arc<Loaded>>, Error> {
        let plugin = self.serving(id)?;
        if !how.on && plugin.manifest().global_plugin {
            return Err(Error::Refused(format!("plugin `{id}` is global: it is always on")));
        }
        if snapshot.is_enabled(&plugin, organization.id) == how.on {
            return Ok(Vec::new());
        }
        match how.on {
            true => steps_on(snapshot, plugin, organization, how.together),
            false => steps_off(snapshot, plugin, organization, how.together),
        }
    }

    /// Switches on for a new organization what it begins with, each after what it requires. What fails stays off; the log says
    /// why.
    pub(crate) async fn begin_with_defaults(&self, by: &By, organization: &Arc<Organization>) {
        let plugins = self.snapshot();
        let rollouts = self.rollouts().await.unwrap_or_else(|error| {
            tracing::error!(organization = %organization.slug, "a new organization begins without what is rolled out: {error}");
            HashMap::new()
        });
        let begins_with = |plugin: &Loaded| {
            let is_reached = || {
                rollouts.get(plugin.id()).is_some_and(|it| it.reach.takes_in(plugin.id(), &organization.slug))
            };
            is_on_by_default(plugin.manifest())
                || (is_reached()
                    && !plugin.manifest().global_plugin
                    && plugins.is_seen(plugin, organization.id))
        };
        let mut begun: Vec<&Arc<Loaded>> = Vec::new();
        for plugin in plugins.plugins().iter().filter(|plugin| begins_with(plugin)) {
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
        self.serve(Arc::new(next));
        Ok(())
    }

    /// Takes back wherever a plugin was switched on.
    pub(crate) async fn forget_enablement(&self, id: &PluginId) -> Result<(), Error> {
        self.room.execute("delete from enablement where plugin_id = $1", vec![id.as_str().into()]).await?;
        let mut next = Snapshot::clone(&self.snapshot());
        next.switch_on_in(id, OrganizationSet::default());
        self.serve(Arc::new(next));
        Ok(())
    }

    /// Takes these steps in their order, or none of them: when one fails, those before it are taken back.
    pub(crate) async fn switch_together(
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
        self.serve(Arc::new(self.snapshot().switched(id, organization, on)));
        if !on {
            self.stop_calls_of(id, Some(organization));
        }
    }

    /// Stops the calls of a plugin that was switched off, for an organization or for all. Those of its hooks go on.
    pub(crate) fn stop_calls_of(&self, id: &PluginId, organization: Option<OrganizationId>) {
        self.watch.calls.stop("it was switched off", |call| {
            call.plugin().id() == id
                && call.kind() != CallKind::Lifecycle
                && organization.is_none_or(|organization| call.organization() == Some(organization))
        });
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
