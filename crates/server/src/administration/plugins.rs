//! Plugins: which there are, where each stands, and for whom it is switched on.

use std::{collections::HashMap, sync::Arc};

use switchboard_api::OrganizationId;
use switchboard_kernel::{
    ADMINISTRATION, By, Catalog, Entry, Kernel, Loaded, Origin, Seen, SetAside, Snapshot, Unreadable,
};
use switchboard_manifest::{Category, ErrorShape, Kind, Manifest, Method, Scope};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::KernelHandle;
use crate::audit_lines::name_of;

/// Which plugins are listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Filter {
    /// Only plugins in this state.
    state: Option<PluginState>,
    /// Only plugins on this shelf.
    category: Option<Category>,
    /// Only plugins with this text in their id, name or description, in any case.
    q: Option<String>,
    /// How many to pass over.
    #[schemars(range(min = 0))]
    skip: usize,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self { state: None, category: None, q: None, skip: 0, limit: 100 }
    }
}

/// Where a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PluginState {
    /// Its manifest was found.
    Discovered,
    /// Its manifest is right, and what it needs is there.
    Validated,
    /// It serves.
    Loaded,
    /// Somebody switched it off.
    Disabled,
    /// It served, and was unloaded.
    Unloaded,
    /// It does not load.
    Failed,
    /// A folder in which no plugin could be made out.
    Unreadable,
}

impl PluginState {
    fn of(state: &switchboard_kernel::State) -> Self {
        use switchboard_kernel::State;
        match state {
            State::Discovered => Self::Discovered,
            State::Validated => Self::Validated,
            State::Loaded => Self::Loaded,
            State::Disabled { .. } => Self::Disabled,
            State::Unloaded => Self::Unloaded,
            State::Failed { .. } => Self::Failed,
        }
    }
}

/// Plugins, and how many there are in all.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Plugins {
    /// How many the filter lets through.
    total: usize,
    /// Those asked for, by id.
    plugins: Vec<Plugin>,
}

/// A plugin.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Plugin {
    /// Its id; a folder's name where that could not be read.
    id: String,
    /// The name people read.
    name: String,
    /// Its version.
    version: Option<String>,
    /// What it does.
    description: String,
    /// The shelf it is listed on.
    category: Option<Category>,
    /// Whether it is part of the server.
    #[serde(rename = "type")]
    kind: Kind,
    /// The folder it stands in; none for what is part of the server.
    folder: Option<String>,
    /// Where it stands.
    state: PluginState,
    /// Why it does not serve.
    reason: Option<String>,
    /// What an administrator should know though it serves.
    warnings: Vec<String>,
    /// Whether it is on everywhere, outside of any organization.
    global: bool,
    /// Whether only organizations that were granted access see it.
    private: bool,
    /// The organizations in which it is switched on, by their names in addresses.
    organizations: Vec<String>,
}

/// A plugin with all that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PluginInFull {
    #[serde(flatten)]
    plugin: Plugin,
    /// What it declares: capabilities with their reasons, permissions, and what it contributes. None for a folder in
    /// which no plugin could be made out.
    manifest: Option<Arc<Manifest>>,
    /// Its routes with their whole addresses.
    routes: Vec<RouteInFull>,
    /// How often it was called since the server started, by kind of call.
    measures: Vec<Measured>,
    /// For whom it is set aside, because its calls keep failing.
    set_aside: Vec<Aside>,
}

/// That a plugin is set aside: calls are refused until it is tried again.
#[derive(Debug, Serialize, JsonSchema)]
struct Aside {
    /// For which organization, by its name in addresses; `null` in global scope.
    organization: Option<String>,
    /// How many calls failed in a row.
    failures: u32,
    /// In how many seconds it is tried again.
    again_in_seconds: f64,
    /// What the last one failed with.
    reason: String,
}

/// A route with its whole address.
#[derive(Debug, Serialize, JsonSchema)]
struct RouteInFull {
    method: Method,
    /// The whole address.
    address: String,
    /// Who it is for.
    scope: Scope,
    /// What it does; none where the plugin does not serve.
    summary: Option<String>,
    /// The action that the caller must be allowed to do.
    permission: Option<String>,
    /// Why it does not stand below the plugin's own address.
    reason: Option<String>,
    /// The shape of its errors.
    errors: ErrorShape,
}

/// Calls of one kind.
#[derive(Debug, Serialize, JsonSchema)]
struct Measured {
    /// The kind: `request`, `event`, `filter`, `task`, `service` or `lifecycle`.
    kind: &'static str,
    /// Calls that ended, well or not.
    calls: u64,
    /// Those that ended with a failure of any kind.
    failed: u64,
    /// Those of them that were the plugin's fault.
    broken: u64,
    /// Those of them that took too long.
    timed_out: u64,
    /// The time that all took together, in seconds.
    seconds: f64,
}

/// For whom a plugin is switched on, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchOn {
    /// The organization, by its name in addresses; the whole installation when absent.
    #[serde(default)]
    organization: Option<String>,
    /// Whether what it requires is switched on there with it, all or nothing.
    #[serde(default)]
    with_requirements: bool,
}

/// For whom a plugin is switched off, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchOff {
    /// The organization, by its name in addresses; the whole installation when absent.
    #[serde(default)]
    organization: Option<String>,
    /// Whether what requires it is switched off there with it, all or nothing.
    #[serde(default)]
    with_dependents: bool,
}

pub(super) async fn list_plugins(
    kernel: Shared<KernelHandle>,
    Query(filter): Query<Filter>,
) -> Result<Json<Plugins>> {
    let kernel = kernel.kernel()?;
    let wanted = filter.q.as_deref().map(str::to_lowercase);
    let has_text = |plugin: &Plugin| {
        wanted.as_deref().is_none_or(|wanted| {
            [&plugin.id, &plugin.name, &plugin.description]
                .iter()
                .any(|text| text.to_lowercase().contains(wanted))
        })
    };
    let mut plugins = every_plugin(&kernel);
    plugins.retain(|plugin| {
        filter.state.is_none_or(|state| state == plugin.state)
            && filter.category.is_none_or(|category| Some(category) == plugin.category)
            && has_text(plugin)
    });
    let total = plugins.len();
    let plugins = plugins.into_iter().skip(filter.skip).take(filter.limit).collect();
    Ok(Json(Plugins { total, plugins }))
}

pub(super) async fn get_plugin(
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<PluginInFull>> {
    let kernel = kernel.kernel()?;
    let (catalog, snapshot) = (kernel.catalog(), kernel.snapshot());
    let Some(entry) = catalog.entry(&id) else {
        let folder = catalog.unreadable().iter().find(|folder| folder.label == id);
        let plugin = folder.map(Plugin::unreadable).ok_or_else(|| no_such_plugin(&catalog, &id))?;
        return Ok(Json(PluginInFull {
            plugin,
            manifest: None,
            routes: Vec::new(),
            measures: Vec::new(),
            set_aside: Vec::new(),
        }));
    };
    let loaded = snapshot.plugin(&id);
    Ok(Json(PluginInFull {
        plugin: Plugin::of(&kernel, &snapshot, entry),
        manifest: Some(Arc::clone(&entry.manifest)),
        routes: routes(&entry.manifest, loaded),
        measures: loaded.map(measured).unwrap_or_default(),
        set_aside: set_aside(&kernel, &snapshot, &id),
    }))
}

pub(super) async fn enable_plugin(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(SwitchOn { organization, with_requirements }): Json<SwitchOn>,
) -> Result<Json<Plugin>> {
    let id = known(&kernel, id)?;
    let plugin = id.clone();
    let enabled = async move |kernel: Arc<Kernel>, by: By, id: String| match organization {
        Some(organization) if with_requirements => {
            kernel.enable_with_requirements(&by, &id, &organization).await.map(drop)
        }
        Some(organization) => kernel.enable(&by, &id, &organization).await,
        None => kernel.switch_on(&by, &id).await,
    };
    kernel.change(&ctx, |kernel, by| enabled(kernel, by, id)).await?;
    the_plugin(&kernel, &plugin)
}

/// What became of a plugin whose folder was looked at again.
#[derive(Serialize, JsonSchema)]
pub(super) struct Reloaded {
    /// The plugin's id.
    id: String,
    /// `installed` when it is new, `replaced` when it takes the place of the one that served, `removed` when its folder is gone.
    outcome: &'static str,
    /// The version that serves now.
    version: Option<String>,
}

pub(super) async fn reload_plugin(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Reloaded>> {
    let plugin = id.clone();
    let looked = async move |kernel: Arc<Kernel>, by: By| kernel.look_again(&by, &plugin).await;
    let seen = kernel.change(&ctx, looked).await?;
    let catalog = kernel.kernel()?.catalog();
    let version = || catalog.entry(&id).map(|entry| entry.manifest.version.to_string());
    let (outcome, version) = match seen {
        Seen::Installed => ("installed", version()),
        Seen::Replaced(version) => ("replaced", Some(version.to_string())),
        Seen::Removed => ("removed", None),
    };
    Ok(Json(Reloaded { id, outcome, version }))
}

pub(super) async fn disable_plugin(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(SwitchOff { organization, with_dependents }): Json<SwitchOff>,
) -> Result<Json<Plugin>> {
    if id == ADMINISTRATION {
        return Err(conflict!("plugin `{id}` is what switches plugins on again: it stays on"));
    }
    let id = known(&kernel, id)?;
    let plugin = id.clone();
    let disabled = async move |kernel: Arc<Kernel>, by: By, id: String| match organization {
        Some(organization) if with_dependents => {
            kernel.disable_with_dependents(&by, &id, &organization).await.map(drop)
        }
        Some(organization) => kernel.disable(&by, &id, &organization).await,
        None => kernel.switch_off(&by, &id).await,
    };
    kernel.change(&ctx, |kernel, by| disabled(kernel, by, id)).await?;
    the_plugin(&kernel, &plugin)
}

fn the_plugin(kernel: &KernelHandle, id: &str) -> Result<Json<Plugin>> {
    let kernel = kernel.kernel()?;
    let catalog = kernel.catalog();
    let entry = catalog.entry(id).ok_or_else(|| no_such_plugin(&catalog, id))?;
    Ok(Json(Plugin::of(&kernel, &kernel.snapshot(), entry)))
}

/// Why nothing can be done with a plugin of that id.
pub(super) fn no_such_plugin(catalog: &Catalog, id: &str) -> Failure {
    match catalog.unreadable().iter().find(|folder| folder.label == id) {
        Some(folder) => {
            not_found!("no plugin could be made out in `{}`: {}", folder.folder.display(), folder.reason)
        }
        None => not_found!("there is no plugin `{id}`; GET /api/admin/plugins lists those there are"),
    }
}

/// The id, if there is a plugin of it.
pub(super) fn known(kernel: &KernelHandle, id: String) -> Result<String> {
    let catalog = kernel.kernel()?.catalog();
    catalog.entry(&id).map(|_| ()).ok_or_else(|| no_such_plugin(&catalog, &id))?;
    Ok(id)
}

/// Every plugin and every folder that should have been one, by id.
fn every_plugin(kernel: &Kernel) -> Vec<Plugin> {
    let (catalog, snapshot) = (kernel.catalog(), kernel.snapshot());
    let known = catalog.entries().map(|(_, entry)| Plugin::of(kernel, &snapshot, entry));
    let mut plugins: Vec<Plugin> = known.chain(catalog.unreadable().iter().map(Plugin::unreadable)).collect();
    plugins.sort_by(|a, b| a.id.cmp(&b.id));
    plugins
}

fn routes(manifest: &Manifest, loaded: Option<&Arc<Loaded>>) -> Vec<RouteInFull> {
    let summaries: HashMap<&str, &str> = loaded
        .map(|loaded| loaded.description().routes.iter())
        .into_iter()
        .flatten()
        .map(|operation| (operation.key.as_str(), operation.summary.as_str()))
        .collect();
    let routes = manifest.provides.api_routes.iter().map(|route| RouteInFull {
        method: route.method,
        address: manifest.address_of(route),
        scope: route.scope,
        summary: summaries.get(route.key().to_string().as_str()).map(|summary| (*summary).to_owned()),
        permission: route.permission.clone(),
        reason: route.reason.clone(),
        errors: route.errors,
    });
    routes.collect()
}

fn set_aside(kernel: &Kernel, snapshot: &Snapshot, id: &str) -> Vec<Aside> {
    let all = snapshot.set_aside(id).into_iter();
    all.map(|aside| Aside {
        organization: aside.organization.map(|id| name_of(kernel, id)),
        failures: aside.failures,
        again_in_seconds: aside.again_in.as_secs_f64(),
        reason: aside.reason,
    })
    .collect()
}

fn measured(loaded: &Arc<Loaded>) -> Vec<Measured> {
    let counted = loaded.measures().counted().into_iter();
    counted
        .map(|counted| Measured {
            kind: counted.kind.as_str(),
            calls: counted.calls,
            failed: counted.failed,
            broken: counted.broken,
            timed_out: counted.timed_out,
            seconds: counted.total.as_secs_f64(),
        })
        .collect()
}

impl Plugin {
    fn of(kernel: &Kernel, snapshot: &Snapshot, entry: &Entry) -> Self {
        let manifest = &entry.manifest;
        let enabled = snapshot.enabled().get(&manifest.id);
        let is_on = |id: OrganizationId| {
            manifest.global_plugin || enabled.is_some_and(|enabled| enabled.contains(id))
        };
        let directory = kernel.directory();
        let organizations = directory.organizations().iter().filter(|organization| is_on(organization.id));
        let mut warnings = entry.warnings.clone();
        let aside = snapshot.set_aside(manifest.id.as_str());
        warnings.extend(aside.into_iter().map(|SetAside { organization, failures, reason, .. }| {
            let whom = organization.map_or_else(|| "global scope".to_owned(), |id| name_of(kernel, id));
            format!("its last {failures} calls for {whom} failed: it is set aside there, and tried again soon: {reason}")
        }));
        Self {
            id: manifest.id.to_string(),
            name: manifest.name.clone(),
            version: Some(manifest.version.to_string()),
            description: manifest.description.clone(),
            category: Some(manifest.category),
            kind: manifest.kind,
            folder: match &entry.origin {
                Origin::Builtin => None,
                Origin::Folder(folder) => Some(folder.display().to_string()),
            },
            state: PluginState::of(&entry.state),
            reason: entry.state.reason().map(str::to_owned),
            warnings,
            global: manifest.global_plugin,
            private: manifest.private,
            organizations: organizations.map(|organization| organization.slug.clone()).collect(),
        }
    }

    fn unreadable(unreadable: &Unreadable) -> Self {
        Self {
            id: unreadable.label.clone(),
            name: unreadable.label.clone(),
            version: None,
            description: String::new(),
            category: None,
            kind: Kind::External,
            folder: Some(unreadable.folder.display().to_string()),
            state: PluginState::Unreadable,
            reason: Some(unreadable.reason.clone()),
            warnings: Vec::new(),
            global: false,
            private: false,
            organizations: Vec::new(),
        }
    }
}
