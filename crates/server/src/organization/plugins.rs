//! The plugins of an organization: which there are for it, which are on, and what stands in the way.

use std::sync::Arc;

use switchboard_api::OrganizationId;
use switchboard_kernel::{By, Kernel, Loaded, Snapshot};
use switchboard_manifest::{Category, Dependency};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::called_for;
use crate::kernel_handle::KernelHandle;

/// A plugin, as it stands in the organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OwnPlugin {
    /// Its id.
    id: String,
    /// The name people read.
    name: String,
    /// Its version.
    version: String,
    /// What it does.
    description: String,
    /// The shelf it is listed on.
    category: Category,
    /// Whether it is on.
    enabled: bool,
    /// Whether it is on everywhere, so that nobody switches it off.
    global: bool,
    /// The plugins that it requires.
    requires: Vec<String>,
    /// Those of them, and of what they require, that are off: they are switched on first, or together with it.
    missing: Vec<String>,
    /// The plugins that are on and require it, be it by way of others: they are switched off first, or together with it.
    required_by: Vec<String>,
    /// The plugins that it cannot run beside. Of two such, a server loads one.
    conflicts: Vec<String>,
}

/// How a plugin is switched on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Enabling {
    /// Whether what it requires is switched on with it, all or nothing.
    with_requirements: bool,
}

/// How a plugin is switched off.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Disabling {
    /// Whether what requires it is switched off with it, all or nothing.
    with_dependents: bool,
}

pub(super) async fn list_own_plugins(
    ctx: Context,
    kernel: Shared<KernelHandle>,
) -> Result<Json<Vec<OwnPlugin>>> {
    let (organization, snapshot) = (called_for(&ctx)?.id, kernel.kernel()?.snapshot());
    let seen = snapshot.plugins().iter().filter(|plugin| snapshot.is_seen(plugin, organization));
    let mut plugins: Vec<_> = seen.map(|plugin| OwnPlugin::of(&snapshot, plugin, organization)).collect();
    plugins.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Json(plugins))
}

pub(super) async fn enable_own_plugin(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(how): Json<Enabling>,
) -> Result<Json<OwnPlugin>> {
    let organization = called_for(&ctx)?;
    let (plugin, number) = (id.clone(), organization.id);
    switchable(&*kernel.kernel()?, &id, number)?;
    let enabled = async move |kernel: Arc<Kernel>, by: By| match how.with_requirements {
        true => kernel.enable_with_requirements(&by, &id, &organization.slug).await.map(drop),
        false => kernel.enable(&by, &id, &organization.slug).await,
    };
    kernel.change(&ctx, enabled).await?;
    the_plugin(&kernel, &plugin, number)
}

pub(super) async fn disable_own_plugin(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(how): Json<Disabling>,
) -> Result<Json<OwnPlugin>> {
    let organization = called_for(&ctx)?;
    let (plugin, number) = (id.clone(), organization.id);
    switchable(&*kernel.kernel()?, &id, number)?;
    let disabled = async move |kernel: Arc<Kernel>, by: By| match how.with_dependents {
        true => kernel.disable_with_dependents(&by, &id, &organization.slug).await.map(drop),
        false => kernel.disable(&by, &id, &organization.slug).await,
    };
    kernel.change(&ctx, disabled).await?;
    the_plugin(&kernel, &plugin, number)
}

/// A plugin that the organization sees. One that does not serve, and one that is private, are told apart by nobody.
pub(super) fn seen(snapshot: &Snapshot, id: &str, organization: OrganizationId) -> Result<Arc<Loaded>> {
    let found = snapshot.plugin(id).filter(|plugin| snapshot.is_seen(plugin, organization));
    found.cloned().ok_or_else(|| not_found!("there is no plugin `{id}` here"))
}

/// Refuses to switch a plugin that the organization does not see, or that requires one which it does not see.
fn switchable(kernel: &Kernel, id: &str, organization: OrganizationId) -> Result<()> {
    let snapshot = kernel.snapshot();
    let found = seen(&snapshot, id, organization)?;
    // Which one it is, the organization is not told.
    if snapshot.missing(&found, organization).iter().any(|it| !snapshot.is_seen(it, organization)) {
        return Err(conflict!(
            "plugin `{id}` requires one that is private: a global administrator can grant that to this organization"
        ));
    }
    Ok(())
}

/// A plugin as it stands after a change.
fn the_plugin(kernel: &KernelHandle, id: &str, organization: OrganizationId) -> Result<Json<OwnPlugin>> {
    let snapshot = kernel.kernel()?.snapshot();
    let plugin = snapshot.plugin(id).ok_or_else(|| not_found!("there is no plugin `{id}` here"))?;
    Ok(Json(OwnPlugin::of(&snapshot, plugin, organization)))
}

impl OwnPlugin {
    fn of(snapshot: &Snapshot, plugin: &Loaded, organization: OrganizationId) -> Self {
        let manifest = plugin.manifest();
        let named = |others: &[Dependency]| {
            let hidden = |id: &str| snapshot.plugin(id).is_some_and(|it| !snapshot.is_seen(it, organization));
            let ids = others.iter().map(|other| other.plugin_id.to_string());
            ids.filter(|id| !hidden(id)).collect()
        };
        let ids = |plugins: Vec<Arc<Loaded>>| {
            let seen = plugins.into_iter().filter(|plugin| snapshot.is_seen(plugin, organization));
            seen.map(|plugin| plugin.id().to_string()).collect()
        };
        Self {
            id: manifest.id.to_string(),
            name: manifest.name.clone(),
            version: manifest.version.to_string(),
            description: manifest.description.clone(),
            category: manifest.category,
            enabled: snapshot.is_enabled(plugin, organization),
            global: manifest.global_plugin,
            requires: named(&manifest.requires),
            missing: ids(snapshot.missing(plugin, organization)),
            required_by: ids(snapshot.dependents(plugin, organization)),
            conflicts: named(&manifest.conflicts),
        }
    }
}
