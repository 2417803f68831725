//! A plugin that serves.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64},
};

use switchboard_api::{CallKind, Host, OrganizationId, Plugin};
use switchboard_manifest::{Manifest, PluginId};

use crate::{
    breaker::{Breaker, SetAside},
    capturing::Capturing,
    commands::CommandShape,
    measure::Measures,
    pace::{Pace, Rate},
    shape::{RouteShape, Rules},
    watch::Watch,
};

/// A plugin that serves, with all that a call of it needs.
pub struct Loaded {
    pub(crate) plugin: Arc<dyn Plugin>,
    pub(crate) host: Arc<Host>,
    pub(crate) shapes: Vec<RouteShape>,
    /// What passes through each of its filter points, where it says.
    pub(crate) points: Vec<Option<Rules>>,
    /// What its commands take, in the manifest's order.
    pub(crate) commands: Vec<CommandShape>,
    pub(crate) running: AtomicU32,
    /// Its tables change under it: it is called for nothing but hooks.
    pub(crate) paused: AtomicBool,
    /// How often each organization may call it, if it says.
    pub(crate) rate: Option<Rate>,
    pub(crate) pace: Pace<Option<OrganizationId>>,
    pub(crate) measures: Measures,
    pub(crate) breaker: Breaker,
    /// In which second a call of each kind was last recorded that went well.
    pub(crate) recorded: [AtomicU64; CallKind::ALL.len()],
    pub(crate) capturing: Capturing,
    pub(crate) watch: Arc<Watch>,
}

impl Loaded {
    /// Its id.
    pub fn id(&self) -> &PluginId {
        &self.manifest().id
    }

    /// What it declares.
    pub fn manifest(&self) -> &Arc<Manifest> {
        self.plugin.manifest()
    }

    /// The plugin itself, for its description; only the dispatcher calls it.
    pub fn description(&self) -> &switchboard_api::Description {
        self.plugin.description()
    }

    /// What the route at that position of the manifest takes.
    pub fn shape(&self, position: usize) -> Option<&RouteShape> {
        self.shapes.get(position)
    }

    /// How often it was called, how long that took, and how it ended.
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// For whom it is set aside, because its calls for them keep failing.
    pub fn set_aside(&self) -> Vec<SetAside> {
        self.breaker.set_aside()
    }
}
