//! What serves at a moment: immutable, swapped whole.

use std::{collections::HashMap, sync::Arc};

use switchboard_api::OrganizationId;
use switchboard_authorization::Policies;
use switchboard_manifest::{OnFilterFailure, PluginId};

use crate::{
    breaker::SetAside,
    loaded::Loaded,
    organization_set::OrganizationSet,
    roles::{self, OwnRoles},
    routes::{Address, Routes},
    shape::Rules,
    versions::Beside,
};

/// What serves at a moment. A request keeps the one it started with; a change builds the next and swaps it.
///
/// What follows from the plugins is shared between one and the next, so that switching one on somewhere costs next to nothing.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// The plugins that serve, in the order in which they were loaded.
    plugins: Arc<[Arc<Loaded>]>,
    by_id: Arc<HashMap<PluginId, Arc<Loaded>>>,
    enabled: HashMap<PluginId, OrganizationSet>,
    /// Who may have what is private.
    granted: Arc<HashMap<PluginId, OrganizationSet>>,
    routes: Arc<Routes>,
    filters: Arc<HashMap<String, FilterPoint>>,
    /// Versions that serve some organizations in place of the one among the plugins.
    pub(crate) beside: Arc<HashMap<PluginId, Vec<Beside>>>,
    pub(crate) policies: Arc<Policies>,
}

/// A filter point with those that take part, in their order.
pub(crate) struct FilterPoint {
    pub(crate) on_failure: OnFilterFailure,
    pub(crate) participants: Vec<Participant>,
    owner: Arc<Loaded>,
    /// Its position among its owner's.
    position: usize,
}

impl FilterPoint {
    /// What passes through, where the owner says.
    pub(crate) fn rules(&self) -> Option<&Rules> {
        self.owner.points.get(self.position)?.as_ref()
    }
}

/// A part taken in a filter point.
pub(crate) struct Participant {
    pub(crate) plugin: Arc<Loaded>,
    pub(crate) priority: i32,
    pub(crate) timeout_ms: Option<u64>,
}

impl Snapshot {
    /// What serves when these plugins do.
    ///
    /// Two plugins that claim one address never get here: the later one was refused. Should they, the first has it.
    pub(crate) fn new(
        plugins: Vec<Arc<Loaded>>,
        enabled: HashMap<PluginId, OrganizationSet>,
        granted: Arc<HashMap<PluginId, OrganizationSet>>,
        own_roles: &OwnRoles,
    ) -> Self {
        let policies = roles::policies(plugins.iter().map(|plugin| &**plugin.manifest()), own_roles);
        let mut routes = Routes::default();
        let mut filters: HashMap<String, FilterPoint> = HashMap::new();
        for plugin in &plugins {
            let manifest = plugin.manifest();
            for (position, route) in manifest.provides.api_routes.iter().enumerate() {
                let address = Address::new(plugin, position, route);
                if let Err(taken) = routes.add(route.method, &manifest.address_of(route), address) {
                    tracing::error!(plugin = %plugin.id(), "{taken}");
                }
            }
            for (position, point) in manifest.provides.filter_points.iter().enumerate() {
                let (on_failure, owner) = (point.on_failure, Arc::clone(plugin));
                let point_of = FilterPoint { on_failure, participants: Vec::new(), owner, position };
                filters.insert(point.name.clone(), point_of);
            }
        }
        for plugin in &plugins {
            for filter in &plugin.manifest().provides.filters {
                if let Some(point) = filters.get_mut(&filter.name) {
                    let (priority, timeout_ms) = (filter.priority, filter.timeout_ms);
                    point.participants.push(Participant { plugin: Arc::clone(plugin), priority, timeout_ms });
                }
            }
        }
        for point in filters.values_mut() {
            point.participants.sort_by(|a, b| (a.priority, a.plugin.id()).cmp(&(b.priority, b.plugin.id())));
        }
        let by_id = plugins.iter().map(|plugin| (plugin.id().clone(), Arc::clone(plugin))).collect();
        Self {
            plugins: plugins.into(),
            by_id: Arc::new(by_id),
            enabled,
            granted,
            routes: Arc::new(routes),
            filters: Arc::new(filters),
            beside: Arc::default(),
            policies: Arc::new(policies),
        }
    }

    /// The same, with a plugin switched on or off for an organization.
    pub(crate) fn switched(&self, id: &PluginId, organization: OrganizationId, on: bool) -> Self {
        let mut next = self.clone();
        let enabled = next.enabled.entry(id.clone()).or_default();
        *enabled = enabled.switched(organization, on);
        next
    }

    /// The same plugins, switched on in these organizations, and those that are private granted to these.
    pub(crate) fn with_organizations(
        &self,
        enabled: HashMap<PluginId, OrganizationSet>,
        granted: Arc<HashMap<PluginId, OrganizationSet>>,
    ) -> Self {
        Self { enabled, granted, ..self.clone() }
    }

    /// Says where a plugin is switched on.
    pub(crate) fn switch_on_in(&mut self, id: &PluginId, organizations: OrganizationSet) {
        self.enabled.insert(id.clone(), organizations);
    }

    /// The plugins that serve, in the order in which they were loaded.
    pub fn plugins(&self) -> &[Arc<Loaded>] {
        &self.plugins
    }

    /// The plugin of that id, if it serves.
    pub fn plugin(&self, id: &str) -> Option<&Arc<Loaded>> {
        self.by_id.get(id)
    }

    /// Every plugin that serves, and the versions that serve some organizations in its place.
    pub(crate) fn every_version(&self) -> impl Iterator<Item = &Arc<Loaded>> {
        self.plugins.iter().chain(self.beside.values().flatten().map(|beside| &beside.plugin))
    }

    /// For whom a plugin is set aside, whichever of its versions serves them.
    pub fn set_aside(&self, id: &str) -> Vec<SetAside> {
        let versions = self.every_version().filter(|plugin| plugin.id().as_str() == id);
        versions.flat_map(|plugin| plugin.set_aside()).collect()
    }

    /// Whether the plugin is switched on for the organization; a global plugin always is.
    pub fn is_enabled(&self, plugin: &Loaded, organization: OrganizationId) -> bool {
        plugin.manifest().global_plugin
            || self.enabled.get(plugin.id()).is_some_and(|enabled| enabled.contains(organization))
    }

    /// Whether the organization sees the plugin, and may switch it on: one that is private only where a global administrator
    /// has granted it, or it is on already.
    pub fn is_seen(&self, plugin: &Loaded, organization: OrganizationId) -> bool {
        let is_granted =
            || self.granted.get(plugin.id()).is_some_and(|granted| granted.contains(organization));
        !plugin.manifest().private || is_granted() || self.is_enabled(plugin, organization)
    }

    /// The organizations to which each private plugin is granted.
    pub(crate) fn granted(&self) -> &Arc<HashMap<PluginId, OrganizationSet>> {
        &self.granted
    }

    /// The organizations in which each plugin is switched on.
    pub fn enabled(&self) -> &HashMap<PluginId, OrganizationSet> {
        &self.enabled
    }

    /// Who answers at which address.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    pub(crate) fn filter_point(&self, name: &str) -> Option<&FilterPoint> {
        self.filters.get(name)
    }

    /// The plugins with a listener that hears events of this type.
    pub fn listeners<'a>(&'a self, event_type: &'a str) -> impl Iterator<Item = &'a Arc<Loaded>> {
        let hears = move |plugin: &&Arc<Loaded>| {
            plugin.manifest().provides.listeners.iter().any(|listener| listener.hears(event_type))
        };
        self.plugins.iter().filter(hears)
    }
}
