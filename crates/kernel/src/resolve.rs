//! Which plugins load, in which order, and in one sentence why the others do not.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use semver::{Version, VersionReq};
use switchboard_manifest::{Capability, Dependency, Kind, Manifest, PluginId, Scope};

/// The id of the server's own administration plugin, which may answer below the addresses that the server keeps.
pub const ADMINISTRATION: &str = "administration";

/// The id of the server's own plugin for accounts, which may do so too.
pub const ACCOUNT: &str = "account";

/// What the server keeps to itself: a `root` route is none of these and stands below none of them.
const RESERVED: [&str; 12] = [
    "/api/admin",
    "/api/docs",
    "/api/openapi.json",
    "/api/org",
    "/api/plugins",
    "/api/v1/health",
    "/api/v1/plugins",
    "/assets",
    "/healthz",
    "/metrics",
    "/org",
    "/readyz",
];

/// A plugin that may come to load.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    manifest: Arc<Manifest>,
}

/// What is decided beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// The version that plugins ask for as `host`.
    pub(crate) host: &'a Version,
    /// The capabilities that this server has.
    pub(crate) offered: &'a [Capability],
    /// Plugins that are switched off, with the sentence that says how.
    pub(crate) disabled: &'a BTreeMap<PluginId, String>,
}

/// What loads, and what does not.
#[derive(Debug, Default)]
pub(crate) struct Resolution {
    /// The plugins that load: each after what it requires, and otherwise built-ins first and by id.
    pub(crate) order: Vec<PluginId>,
    /// The plugins that do not, with the reason.
    pub(crate) refused: BTreeMap<PluginId, Refusal>,
    /// What an administrator should know of plugins that do.
    pub(crate) warnings: BTreeMap<PluginId, Vec<String>>,
}

/// Why a plugin does not load; displayed as one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is switched off.
    SwitchedOff(String),
    /// It asks for another version of the host.
    HostVersion { wanted: VersionReq, host: Version },
    /// It asks for what this server does not have.
    NotOffered(Vec<Capability>),
    /// What it requires is not there.
    RequiresAbsent { other: PluginId, wanted: VersionReq },
    /// What it requires is there in another version.
    RequiresVersion { other: PluginId, wanted: VersionReq, found: Version },
    /// What it requires does not load itself.
    RequiresRefused { other: PluginId },
    /// It cannot run beside another.
    Conflicts { other: PluginId, found: Version },
    /// It requires itself, by way of others.
    Cycle(Vec<PluginId>),
    /// Something of it belongs to a plugin that loads before it.
    Taken { what: String, by: PluginId },
    /// It claims an address that the server keeps.
    Reserved { route: String, kept: &'static str },
    /// It reads blobs of a plugin that shares none.
    SharesNothing { other: PluginId },
}

impl Candidate {
    /// A plugin with this manifest.
    pub(crate) fn new(manifest: Arc<Manifest>) -> Self {
        Self { manifest }
    }

    fn id(&self) -> &PluginId {
        &self.manifest.id
    }

    /// Built-ins before others, then by id.
    fn rank(&self) -> (bool, &PluginId) {
        (self.manifest.kind != Kind::Builtin, self.id())
    }
}

impl Refusal {
    /// Whether somebody wants it so.
    pub(crate) fn is_switched_off(&self) -> bool {
        matches!(self, Self::SwitchedOff(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SwitchedOff(reason) => f.write_str(reason),
            Self::HostVersion { wanted, host } => {
                write!(f, "it runs on host versions {wanted}, and this server is {host}")
            }
            Self::NotOffered(capabilities) => {
                let names: Vec<String> = capabilities.iter().map(|it| format!("`{it}`")).collect();
                write!(f, "it asks for {}, which this server does not offer", names.join(" and "))
            }
            Self::RequiresAbsent { other, wanted } => {
                write!(f, "it requires plugin `{other}` {}, which is not installed", in_words(wanted))
            }
            Self::RequiresVersion { other, wanted, found } => {
                write!(
                    f,
                    "it requires plugin `{other}` {}, and the one installed is {found}",
                    in_words(wanted)
                )
            }
            Self::RequiresRefused { other } => write!(f, "it requires plugin `{other}`, which does not load"),
            Self::Conflicts { other, found } => {
                write!(f, "it cannot run beside plugin `{other}` {found}; switch one of the two off")
            }
            Self::Cycle(path) => {
                let path: Vec<&str> = path.iter().map(PluginId::as_str).collect();
                write!(f, "it requires itself: {}", path.join(" -> "))
            }
            Self::Taken { what, by } => {
                write!(f, "{what} belongs to plugin `{by}` already; switch one of the two off")
            }
            Self::Reserved { route, kept } => {
                write!(
                    f,
                    "route `{route}` claims an address below `{kept}`, which the server keeps to itself"
                )
            }
            Self::SharesNothing { other } => {
                write!(f, "it reads the blobs of plugin `{other}`, which shares none")
            }
        }
    }
}

fn in_words(wanted: &VersionReq) -> String {
    if *wanted == VersionReq::STAR { "in any version".to_owned() } else { format!("in a version {wanted}") }
}

/// Which plugins load, in which order, and why the others do not. The same candidates give the same answer,
/// in whatever order they come.
pub(crate) fn resolve(candidates: &[Candidate], terms: &Terms<'_>) -> Resolution {
    let mut solving = Solving {
        candidates: candidates.iter().map(|candidate| (candidate.id(), candidate)).collect(),
        refused: BTreeMap::new(),
    };
    solving.refuse_alone(terms);
    solving.refuse_conflicting();
    solving.refuse_without_required();
    solving.refuse_cycles();
    let order = solving.ordered();
    let order = solving.refuse_taken(order);
    let warnings = solving.warnings(&order);
    Resolution { order, refused: solving.refused, warnings }
}

struct Solving<'a> {
    candidates: BTreeMap<&'a PluginId, &'a Candidate>,
    refused: BTreeMap<PluginId, Refusal>,
}

impl<'a> Solving<'a> {
    fn remaining(&self) -> Vec<&'a Candidate> {
        let mut remaining: Vec<&Candidate> =
            self.candidates.values().copied().filter(|it| !self.refused.contains_key(it.id())).collect();
        remaining.sort_by_key(|candidate| candidate.rank());
        remaining
    }

    fn remains(&self, id: &PluginId) -> Option<&'a Candidate> {
        self.candidates.get(id).copied().filter(|_| !self.refused.contains_key(id))
    }

    fn refuse(&mut self, id: &PluginId, refusal: Refusal) {
        self.refused.entry(id.clone()).or_insert(refusal);
    }

    fn refuse_alone(&mut self, terms: &Terms<'_>) {
        for candidate in self.remaining() {
            if let Some(refusal) = alone(&candidate.manifest, terms) {
                self.refuse(candidate.id(), refusal);
            }
        }
    }

    /// Of two that cannot run beside each other, the one that says so gives way; a built-in says so in vain.
    fn refuse_conflicting(&mut self) {
        for candidate in self.remaining().into_iter().rev() {
            let other = candidate.manifest.conflicts.iter().find_map(|conflict| {
                self.remains(&conflict.plugin_id)
                    .filter(|other| conflict.version.matches(&other.manifest.version))
            });
            if let Some(other) = other {
                let found = other.manifest.version.clone();
                self.refuse(candidate.id(), Refusal::Conflicts { other: other.id().clone(), found });
            }
        }
    }

    /// Refuses what lacks something it requires, then what requires that, and so on.
    fn refuse_without_required(&mut self) {
        loop {
            let before = self.refused.len();
            for candidate in self.remaining() {
                if let Some(refusal) = candidate.manifest.requires.iter().find_map(|it| self.unmet(it)) {
                    self.refuse(candidate.id(), refusal);
                }
            }
            if self.refused.len() == before {
                return;
            }
        }
    }

    fn unmet(&self, requirement: &Dependency) -> Option<Refusal> {
        let (other, wanted) = (requirement.plugin_id.clone(), requirement.version.clone());
        match self.candidates.get(&other) {
            None => Some(Refusal::RequiresAbsent { other, wanted }),
            Some(found) if !wanted.matches(&found.manifest.version) => {
                Some(Refusal::RequiresVersion { other, wanted, found: found.manifest.version.clone() })
            }
            Some(_) if self.refused.contains_key(&other) => Some(Refusal::RequiresRefused { other }),
            Some(_) => None,
        }
    }

    fn refuse_cycles(&mut self) {
        let on_cycles: Vec<(PluginId, Vec<PluginId>)> = self
            .remaining()
            .into_iter()
            .filter_map(|candidate| Some((candidate.id().clone(), self.way_back(candidate.id())?)))
            .collect();
        for (id, path) in on_cycles {
            self.refuse(&id, Refusal::Cycle(path));
        }
        self.refuse_without_required();
    }

    /// The shortest way from a plugin over what it requires back to itself.
    fn way_back(&self, id: &PluginId) -> Option<Vec<PluginId>> {
        let mut came_from: HashMap<&PluginId, &PluginId> = HashMap::new();
        let mut queue = std::collections::VecDeque::from([self.remains(id)?.id()]);
        while let Some(at) = queue.pop_front() {
            for requirement in &self.remains(at)?.manifest.requires {
                let next = &requirement.plugin_id;
                if next == id {
                    let mut path = vec![id.clone()];
                    let mut step = at;
                    while step != id {
                        path.push(step.clone());
                        step = came_from.get(step)?;
                    }
                    path.push(id.clone());
                    path.reverse();
                    return Some(path);
                }
                if !came_from.contains_key(next) && self.remains(next).is_some() {
                    came_from.insert(next, at);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// Every remaining plugin after what it requires, and after what it uses when that is possible.
    fn ordered(&self) -> Vec<&'a Candidate> {
        let mut waiting = self.remaining();
        let mut order: Vec<&Candidate> = Vec::with_capacity(waiting.len());
        let mut placed: BTreeSet<&PluginId> = BTreeSet::new();
        while !waiting.is_empty() {
            let is_ready = |dependencies: &[Dependency], placed: &BTreeSet<&PluginId>| {
                dependencies
                    .iter()
                    .all(|it| placed.contains(&it.plugin_id) || self.remains(&it.plugin_id).is_none())
            };
            let required = |it: &&Candidate| is_ready(&it.manifest.requires, &placed);
            let also_used = |it: &&Candidate| required(it) && is_ready(&it.manifest.optional, &placed);
            // Plugins that use each other cannot each come after the other: then the first by rank goes ahead.
            let position = waiting.iter().position(also_used).or_else(|| waiting.iter().position(required));
            let Some(position) = position else { break };
            let next = waiting.remove(position);
            placed.insert(next.id());
            order.push(next);
        }
        order
    }

    /// Refuses whoever claims what a plugin before it has.
    fn refuse_taken(&mut self, order: Vec<&'a Candidate>) -> Vec<PluginId> {
        let mut taken: HashMap<String, PluginId> = HashMap::new();
        let mut kept = Vec::with_capacity(order.len());
        for candidate in order {
            let claims = claims(&candidate.manifest);
            let contested =
                claims.iter().find_map(|claim| Some((claim.clone(), taken.get(&claim.key)?.clone())));
            let refusal = reserved(&candidate.manifest)
                .or_else(|| contested.map(|(claim, by)| Refusal::Taken { what: claim.what, by }))
                .or_else(|| candidate.manifest.requires.iter().find_map(|it| self.unmet(it)))
                .or_else(|| self.shares_nothing(&candidate.manifest));
            match refusal {
                Some(refusal) => self.refuse(candidate.id(), refusal),
                None => {
                    taken.extend(claims.into_iter().map(|claim| (claim.key, candidate.id().clone())));
                    kept.push(candidate.id().clone());
                }
            }
        }
        kept
    }

    fn shares_nothing(&self, manifest: &Manifest) -> Option<Refusal> {
        let others = manifest.capabilities.iter().flat_map(|request| &request.read_from);
        let shares = |other: &PluginId| {
            self.candidates.get(other).is_some_and(|it| !it.manifest.provides.shared_blobs.is_empty())
        };
        let other = others.into_iter().find(|other| !shares(other))?.clone();
        Some(Refusal::SharesNothing { other })
    }

    fn warnings(&self, order: &[PluginId]) -> BTreeMap<PluginId, Vec<String>> {
        let loads: Vec<&Candidate> = order.iter().filter_map(|id| self.candidates.get(id).copied()).collect();
        let points: BTreeSet<&str> = loads
            .iter()
            .flat_map(|it| &it.manifest.provides.filter_points)
            .map(|point| point.name.as_str())
            .collect();
        let mut warnings = BTreeMap::new();
        for candidate in &loads {
            let manifest = &candidate.manifest;
            let mut of_this = Vec::new();
            for dependency in &manifest.optional {
                if let Some(other) = self.remains(&dependency.plugin_id)
                    && !dependency.version.matches(&other.manifest.version)
                {
                    let (id, found) = (other.id(), &other.manifest.version);
                    of_this.push(format!(
                        "it would use plugin `{id}` {}, and the one installed is {found}",
                        in_words(&dependency.version)
                    ));
                }
            }
            for filter in
                manifest.provides.filters.iter().filter(|filter| !points.contains(filter.name.as_str()))
            {
                of_this.push(format!("no plugin that loads has the filter point `{}`", filter.name));
            }
            of_this.extend(not_done_yet(manifest));
            if !of_this.is_empty() {
                warnings.insert(candidate.id().clone(), of_this);
            }
        }
        warnings
    }
}

/// What it declares and this version does not do, though it loads.
fn not_done_yet(manifest: &Manifest) -> Vec<String> {
    let mut warnings = Vec::new();
    let asks_for_blobs = manifest.capabilities.iter().any(|request| request.name == Capability::Blobs);
    if manifest.limits.storage_mb.is_some() && !asks_for_blobs {
        warnings.push(
            "`limits.storage_mb` bounds blobs alone, and it asks for none: nothing is bounded".to_owned(),
        );
    }
    warnings
}

fn alone(manifest: &Manifest, terms: &Terms<'_>) -> Option<Refusal> {
    if let Some(reason) = terms.disabled.get(&manifest.id) {
        return Some(Refusal::SwitchedOff(reason.clone()));
    }
    if !manifest.host.matches(terms.host) {
        return Some(Refusal::HostVersion { wanted: manifest.host.clone(), host: terms.host.clone() });
    }
    let wanted = manifest.capabilities.iter().map(|request| request.name);
    let missing: Vec<Capability> = wanted.filter(|name| !terms.offered.contains(name)).collect();
    (!missing.is_empty()).then_some(Refusal::NotOffered(missing))
}

/// Something that only one plugin can have.
#[derive(Clone)]
struct Claim {
    key: String,
    what: String,
}

fn claims(manifest: &Manifest) -> Vec<Claim> {
    let provides = &manifest.provides;
    let routes = provides.api_routes.iter().map(|route| {
        let address = manifest.address_of(route);
        let what = format!("the address `{} {address}`", route.method);
        Claim { key: format!("{} {}", route.method, pattern(&address)), what }
    });
    let named = |kind: &'static str, name: &str| Claim {
        key: format!("{kind} {name}"),
        what: format!("the {kind} `{name}`"),
    };
    let services = provides.services.iter().map(|service| named("service", &service.name));
    let points = provides.filter_points.iter().map(|point| named("filter point", &point.name));
    let events = provides.events.iter().map(|event| named("event", &event.name));
    routes.chain(services).chain(points).chain(events).collect()
}

/// The address without its parameters' names: two that are equal answer the same requests.
fn pattern(address: &str) -> String {
    let segment = |segment: &str| match segment.as_bytes() {
        [b'{', b'*', ..] => "{*}".to_owned(),
        [b'{', ..] => "{}".to_owned(),
        _ => segment.to_owned(),
    };
    address.trim_end_matches('/').split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn reserved(manifest: &Manifest) -> Option<Refusal> {
    if manifest.kind == Kind::Builtin && matches!(manifest.id.as_str(), ADMINISTRATION | ACCOUNT) {
        return None;
    }
    manifest.provides.api_routes.iter().filter(|route| route.scope == Scope::Root).find_map(|route| {
        let first = RESERVED.iter().find(|kept| {
            route.path.strip_prefix(**kept).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let kept: &'static str = match first {
            Some(kept) => kept,
            // A parameter in the place of a word would take every address below it.
            None if route.path == "/" || route.path.starts_with("/{") || route.path.starts_with("/api/{") => {
                "/api"
            }
            None => return None,
        };
        Some(Refusal::Reserved { route: route.key().to_string(), kept })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn candidate(changes: Value) -> Candidate {
        let mut manifest =
            json!({"name": "A plugin", "version": "1.0.0", "type": "builtin", "category": "utility"});
        for (key, value) in changes.as_object().unwrap() {
            manifest[key] = value.clone();
        }
        Candidate::new(Arc::new(serde_json::from_value(manifest).unwrap()))
    }

    fn resolved(candidates: &[Candidate], disabled: &[(&str, &str)]) -> Resolution {
        let disabled = disabled.iter().map(|(id, why)| (id.parse().unwrap(), (*why).to_owned())).collect();
        let host = Version::new(1, 4, 0);
        resolve(
            candidates,
            &Terms { host: &host, offered: &[Capability::Db, Capability::Blobs], disabled: &disabled },
        )
    }

    fn order(resolution: &Resolution) -> Vec<&str> {
        resolution.order.iter().map(PluginId::as_str).collect()
    }

    fn why(resolution: &Resolution, id: &str) -> String {
        resolution.refused[id].to_string()
    }

    #[test]
    fn what_is_required_loads_first_and_the_rest_is_in_the_order_of_ids() {
        let all = [
            candidate(json!({"id": "zebra"})),
            candidate(json!({"id": "beta", "requires": ["zebra"]})),
            candidate(json!({"id": "alpha"})),
            candidate(json!({"id": "external_one", "type": "external", "entry_point": "a.wasm"})),
        ];
        assert_eq!(order(&resolved(&all, &[])), ["alpha", "zebra", "beta", "external_one"]);
    }

    #[test]
    fn a_cycle_is_named_and_whoever_requires_a_part_of_it_does_not_load() {
        let all = [
            candidate(json!({"id": "a", "requires": ["b"]})),
            candidate(json!({"id": "b", "requires": ["a"]})),
            candidate(json!({"id": "c", "requires": ["a"]})),
            candidate(json!({"id": "x", "requires": ["y"]})),
            candidate(json!({"id": "y", "requires": ["z"]})),
            candidate(json!({"id": "z", "requires": ["x"]})),
            candidate(json!({"id": "free"})),
        ];
        let resolution = resolved(&all, &[]);
        assert_eq!(order(&resolution), ["free"]);
        assert_eq!(why(&resolution, "a"), "it requires itself: a -> b -> a");
        assert_eq!(why(&resolution, "b"), "it requires itself: b -> a -> b");
        assert_eq!(why(&resolution, "y"), "it requires itself: y -> z -> x -> y");
        assert_eq!(why(&resolution, "c"), "it requires plugin `a`, which does not load");
    }

    #[test]
    fn ranges_hold_for_the_host_and_for_other_plugins() {
        let all = [
            candidate(json!({"id": "future", "host": ">=2"})),
            candidate(json!({"id": "base", "version": "1.2.3"})),
            candidate(json!({"id": "fits", "requires": [{"plugin_id": "base", "version": "^1.2"}]})),
            candidate(json!({"id": "ahead", "requires": [{"plugin_id": "base", "version": "^2"}]})),
            candidate(json!({"id": "alone", "requires": ["nobody"]})),
            candidate(json!({"id": "wistful", "optional": [{"plugin_id": "base", "version": "^2"}]})),
        ];
        let resolution = resolved(&all, &[]);
        assert_eq!(order(&resolution), ["base", "fits", "wistful"]);
        assert_eq!(why(&resolution, "future"), "it runs on host versions >=2, and this server is 1.4.0");
        assert_eq!(
            why(&resolution, "ahead"),
            "it requires plugin `base` in a version ^2, and the one installed is 1.2.3"
        );
        assert_eq!(
            why(&resolution, "alone"),
            "it requires plugin `nobody` in any version, which is not installed"
        );
        assert_eq!(
            resolution.warnings["wistful"],
            ["it would use plugin `base` in a version ^2, and the one installed is 1.2.3"]
        );
    }

    #[test]
    fn what_is_declared_and_not_done_yet_is_a_warning() {
        let all = [
            candidate(json!({"id": "bounded", "limits": {"storage_mb": 5}})),
            candidate(json!({"id": "sound", "limits": {"storage_mb": 5},
                "capabilities": [{"name": "blobs", "reason": "to keep"}],
                "provides": {"tasks": [{"name": "asked"}]}})),
        ];
        let resolution = resolved(&all, &[]);
        assert_eq!(
            resolution.warnings["bounded"],
            ["`limits.storage_mb` bounds blobs alone, and it asks for none: nothing is bounded"]
        );
        assert!(!resolution.warnings.contains_key("sound"));
    }

    #[test]
    fn switching_one_off_refuses_what_requires_it() {
        let all = [candidate(json!({"id": "a"})), candidate(json!({"id": "b", "requires": ["a"]}))];
        let resolution = resolved(&all, &[("a", "DISABLED_PLUGINS names it")]);
        assert!(order(&resolution).is_empty());
        assert!(resolution.refused["a"].is_switched_off());
        assert_eq!(why(&resolution, "b"), "it requires plugin `a`, which does not load");
    }

    #[test]
    fn of_two_that_conflict_the_one_that_says_so_gives_way() {
        let all = [
            candidate(json!({"id": "old", "version": "1.0.0"})),
            candidate(json!({"id": "new", "conflicts": [{"plugin_id": "old", "version": "<2"}]})),
            candidate(json!({"id": "calm", "conflicts": [{"plugin_id": "old", "version": ">=2"}]})),
        ];
        let resolution = resolved(&all, &[]);
        assert_eq!(order(&resolution), ["calm", "old"]);
        assert_eq!(
            why(&resolution, "new"),
            "it cannot run beside plugin `old` 1.0.0; switch one of the two off"
        );
    }

    #[test]
    fn two_that_conflict_with_each_other_leave_one() {
        let all = [
            candidate(json!({"id": "a", "conflicts": ["b"]})),
            candidate(json!({"id": "b", "conflicts": ["a"]})),
        ];
        assert_eq!(order(&resolved(&all, &[])), ["a"]);
    }

    #[test]
    fn an_address_belongs_to_one_plugin_whatever_its_parameters_are_called() {
        let route = |path: &str| json!({"api_routes": [{"method": "GET", "path": path, "scope": "root", "reason": "old"}]});
        let all = [
            candidate(json!({"id": "first", "provides": route("/api/v1/things/{id}")})),
            candidate(json!({"id": "second", "provides": route("/api/v1/things/{thing_id}")})),
            candidate(json!({"id": "third", "provides": route("/api/v1/things/special")})),
            candidate(json!({"id": "thief", "provides": route("/api/admin/users")})),
            candidate(json!({"id": "glutton", "provides": route("/{anything}")})),
        ];
        let resolution = resolved(&all, &[]);
        assert_eq!(order(&resolution), ["first", "third"]);
        assert_eq!(
            why(&resolution, "second"),
            "the address `GET /api/v1/things/{thing_id}` belongs to plugin `first` already; switch one of the two off"
        );
        assert!(why(&resolution, "thief").contains("`/api/admin`"));
        assert!(why(&resolution, "glutton").contains("`/api`"));
    }

    #[test]
    fn a_capability_that_is_not_offered_is_named() {
        let all =
            [candidate(json!({"id": "caller", "capabilities": [{"name": "http", "reason": "to call"}]}))];
        assert_eq!(
            why(&resolved(&all, &[]), "caller"),
            "it asks for `http`, which this server does not offer"
        );
    }

    prop_compose! {
        fn some_plugins()(edges in prop::collection::vec((0..8_usize, 0..8_usize, 0..3_u8), 0..24)) -> Vec<Candidate> {
            (0..8).map(|n| {
                let of_kind = |kind| -> Vec<String> {
                    edges.iter().filter(|(from, to, k)| *from == n && *to != n && *k == kind)
                        .map(|(_, to, _)| format!("p{to}")).collect::<BTreeSet<_>>().into_iter().collect()
                };
                candidate(json!({"id": format!("p{n}"), "requires": of_kind(0), "optional": of_kind(1), "conflicts": of_kind(2)}))
            }).collect()
        }
    }

    proptest! {
        #[test]
        fn every_plugin_is_either_loaded_after_what_it_requires_or_refused(plugins in some_plugins()) {
            let resolution = resolved(&plugins, &[]);
            prop_assert_eq!(resolution.order.len() + resolution.refused.len(), plugins.len());
            for (position, id) in resolution.order.iter().enumerate() {
                let it = plugins.iter().find(|it| it.id() == id).unwrap();
                for requirement in &it.manifest.requires {
                    prop_assert!(resolution.order[..position].contains(&requirement.plugin_id));
                }
                for conflict in &it.manifest.conflicts {
                    prop_assert!(!resolution.order.contains(&conflict.plugin_id));
                }
            }
        }

        #[test]
        fn the_order_in_which_plugins_are_found_makes_no_difference(plugins in some_plugins(), turn in 0..8_usize) {
            let mut turned = plugins.clone();
            turned.rotate_left(turn);
            let (one, other) = (resolved(&plugins, &[]), resolved(&turned, &[]));
            prop_assert_eq!(one.order, other.order);
            prop_assert_eq!(one.refused, other.refused);
        }
    }
}
