//! What an administrator consented to, and what a new version asks for beyond that.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};
use switchboard_manifest::{Access, Capability, EventPattern, Limits, Manifest, Route, Scope};

use crate::host_pattern;

/// What a plugin was granted when it was installed: no more than its manifest asked for then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The routes that do not stand below the plugin's own address, each as `GET /api/v1/things`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub root_routes: BTreeSet<String>,
    /// The routes that answer everybody, also who shows no token.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub public_routes: BTreeSet<String>,
    /// The events of others that it hears, or patterns of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub listeners: BTreeSet<String>,
    /// The filter points of others in which it takes part: what passes through it may change or refuse.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub filters: BTreeSet<String>,
    /// The capabilities, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capabilities: BTreeMap<Capability, ConsentedCapability>,
    /// The bounds on what it may use.
    #[serde(default)]
    pub limits: ConsentedLimits,
}

/// What of a capability was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentedCapability {
    /// For `http`: the hosts that may be called.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<String>,
    /// For `blobs`: the plugins whose shared blobs are read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub read_from: BTreeSet<String>,
    /// For `secrets`: their names.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
}

/// The bounds that were granted; none is unlimited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ConsentedLimits {
    pub memory_mb: u32,
    pub call_ms: u64,
    pub concurrent_calls: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_mb: Option<u64>,
}

/// Something that is asked for beyond what was consented to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Escalation {
    /// A capability that it did not have.
    Capability(Capability),
    /// A host that none of the others covers.
    Host(String),
    /// Another plugin whose shared blobs it would read.
    ReadFrom(String),
    /// One more secret.
    Secret(String),
    /// A route outside of the plugin's own address.
    RootRoute(String),
    /// A route that answers everybody.
    PublicRoute(String),
    /// Events of others that it would hear.
    Listener(String),
    /// A filter point of others in which it would take part.
    Filter(String),
    /// A bound that would be wider.
    Limit {
        /// Its name in the manifest.
        name: &'static str,
        /// What was granted; none is unlimited.
        from: Option<u64>,
        /// What is asked for; none is unlimited.
        to: Option<u64>,
    },
}

impl Consent {
    /// What a manifest asks for: the consent of whoever grants all of it.
    pub fn of(manifest: &Manifest) -> Self {
        let mut capabilities: BTreeMap<Capability, ConsentedCapability> = BTreeMap::new();
        for request in &manifest.capabilities {
            let granted = capabilities.entry(request.name).or_default();
            granted.hosts.extend(request.hosts.iter().cloned());
            granted.read_from.extend(request.read_from.iter().map(ToString::to_string));
            granted.secrets.extend(request.secrets.iter().cloned());
        }
        let provides = &manifest.provides;
        let routes = |wanted: fn(&Route) -> bool| {
            let routes = provides.api_routes.iter().filter(|route| wanted(route));
            routes.map(|route| format!("{} {}", route.method, manifest.address_of(route))).collect()
        };
        let (said, points) = (&provides.events, &provides.filter_points);
        let listeners = provides.listeners.iter().map(|listener| &listener.event);
        let filters = provides.filters.iter().map(|filter| &filter.name);
        Self {
            root_routes: routes(|route| route.scope == Scope::Root),
            public_routes: routes(|route| route.access == Access::Anyone),
            listeners: listeners
                .filter(|event| !said.iter().any(|own| own.name == **event))
                .cloned()
                .collect(),
            filters: filters.filter(|point| !points.iter().any(|own| own.name == **point)).cloned().collect(),
            capabilities,
            limits: ConsentedLimits::from(&manifest.limits),
        }
    }

    /// What `asked` has beyond this, in order; nothing when this consent is enough.
    pub fn beyond(&self, asked: &Self) -> Vec<Escalation> {
        let mut found = Vec::new();
        let none = ConsentedCapability::default();
        for (capability, wanted) in &asked.capabilities {
            let had = self.capabilities.get(capability);
            if had.is_none() {
                found.push(Escalation::Capability(*capability));
            }
            let had = had.unwrap_or(&none);
            let new_hosts =
                wanted.hosts.iter().filter(|new| !had.hosts.iter().any(|old| host_pattern::covers(old, new)));
            found.extend(new_hosts.cloned().map(Escalation::Host));
            found.extend(wanted.read_from.difference(&had.read_from).cloned().map(Escalation::ReadFrom));
            found.extend(wanted.secrets.difference(&had.secrets).cloned().map(Escalation::Secret));
        }
        let new = |asked: &BTreeSet<String>, had: &BTreeSet<String>| -> Vec<String> {
            asked.difference(had).cloned().collect()
        };
        found.extend(new(&asked.root_routes, &self.root_routes).into_iter().map(Escalation::RootRoute));
        found.extend(new(&asked.public_routes, &self.public_routes).into_iter().map(Escalation::PublicRoute));
        let events = new(&asked.listeners, &self.listeners).into_iter().filter(|event| !self.hears(event));
        found.extend(events.map(Escalation::Listener));
        found.extend(new(&asked.filters, &self.filters).into_iter().map(Escalation::Filter));
        found.extend(self.limits.beyond(&asked.limits));
        found
    }

    /// Whether one of the patterns that were consented to takes in an event, which is no pattern itself.
    fn hears(&self, event: &str) -> bool {
        let hears = |had: &String| had.parse::<EventPattern>().is_ok_and(|had| had.matches(event));
        !event.contains('*') && self.listeners.iter().any(hears)
    }
}

impl ConsentedLimits {
    fn beyond(&self, asked: &Self) -> Vec<Escalation> {
        let limits = |of: &Self| {
            [
                ("memory_mb", Some(of.memory_mb.into())),
                ("call_ms", Some(of.call_ms)),
                ("concurrent_calls", Some(of.concurrent_calls.into())),
                ("calls_per_second", of.calls_per_second.map(u64::from)),
                ("storage_mb", of.storage_mb),
            ]
        };
        let both = limits(self).into_iter().zip(limits(asked));
        let wider = both.filter(|((_, from), (_, to))| match (from, to) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(from), Some(to)) => to > from,
        });
        wider.map(|((name, from), (_, to))| Escalation::Limit { name, from, to }).collect()
    }
}

impl From<&Limits> for ConsentedLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            memory_mb: limits.memory_mb,
            call_ms: limits.call_ms,
            concurrent_calls: limits.concurrent_calls,
            calls_per_second: limits.calls_per_second,
            storage_mb: limits.storage_mb,
        }
    }
}

impl Default for ConsentedLimits {
    fn default() -> Self {
        Self::from(&Limits::default())
    }
}

impl fmt::Display for Escalation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |limit: &Option<u64>| limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
        match self {
            Self::Capability(capability) => write!(f, "the capability `{capability}`"),
            Self::Host(host) => write!(f, "requests to `{host}`"),
            Self::ReadFrom(plugin) => write!(f, "the shared blobs of `{plugin}`"),
            Self::Secret(name) => write!(f, "the secret `{name}`"),
            Self::RootRoute(route) => write!(f, "the address `{route}`, which is not below its own"),
            Self::PublicRoute(route) => {
                write!(f, "the address `{route}` for everybody, also without a token")
            }
            Self::Listener(event) => write!(f, "to hear `{event}` of other plugins"),
            Self::Filter(point) => {
                write!(f, "to change or refuse what passes through `{point}` of another plugin")
            }
            Self::Limit { name, from, to } => {
                write!(f, "`{name}` of {} instead of {}", amount(to), amount(from))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Consent, Escalation};
    use switchboard_manifest::{Capability, Manifest};

    fn consent(capabilities: &str, limits: &str) -> Consent {
        let text = format!(
            "id: it\nname: It\nversion: 1.0.0\ncategory: utility\nentry_point: plugin.wasm\nrequires: [clips]\n\
             capabilities: [{capabilities}]\nlimits: {{{limits}}}\n"
        );
        Consent::of(&Manifest::read(&text).unwrap_or_else(|faults| panic!("{}", faults.report("it"))))
    }

    #[test]
    fn what_was_consented_to_is_no_escalation() {
        let had = consent(
            "{name: db, reason: r}, {name: http, reason: r, hosts: ['*.example.com']}",
            "memory_mb: 64, storage_mb: 10",
        );
        let asked = consent(
            "{name: http, reason: another, hosts: [api.example.com]}",
            "memory_mb: 32, storage_mb: 10, calls_per_second: 5",
        );
        assert_eq!(had.beyond(&asked), []);
        assert_eq!(had.beyond(&had), []);
    }

    #[test]
    fn whatever_reaches_farther_is_one() {
        let had = consent(
            "{name: db, reason: r}, {name: http, reason: r, hosts: [api.example.com]}",
            "storage_mb: 10, calls_per_second: 5",
        );
        let asked = consent(
            "{name: db, reason: r}, {name: http, reason: r, hosts: ['*.example.com', api.example.com]}, \
             {name: mail, reason: r}, {name: secrets, reason: r, secrets: [api_key]}, {name: blobs, reason: r, read_from: [clips]}",
            "memory_mb: 512, storage_mb: 11",
        );
        assert_eq!(
            had.beyond(&asked),
            [
                Escalation::Capability(Capability::Blobs),
                Escalation::ReadFrom("clips".into()),
                Escalation::Host("*.example.com".into()),
                Escalation::Capability(Capability::Secrets),
                Escalation::Secret("api_key".into()),
                Escalation::Capability(Capability::Mail),
                Escalation::Limit { name: "memory_mb", from: Some(64), to: Some(512) },
                Escalation::Limit { name: "calls_per_second", from: Some(5), to: None },
                Escalation::Limit { name: "storage_mb", from: Some(10), to: Some(11) },
            ]
        );
    }

    #[test]
    fn what_it_does_to_others_is_one_and_what_it_does_to_itself_is_not() {
        let provides = |routes: &str, listeners: &str, filters: &str| {
            let text = format!(
                "id: it\nname: It\nversion: 1.0.0\ncategory: utility\nentry_point: plugin.wasm\n\
                 capabilities: [{{name: events, reason: r}}]\nprovides:\n  api_routes: [{routes}]\n  events: [{{type: it.done}}]\n  filter_points: [{{name: it.doing}}]\n  \
                 listeners: [{listeners}]\n  filters: [{filters}]\n"
            );
            Consent::of(&Manifest::read(&text).unwrap_or_else(|faults| panic!("{}", faults.report("it"))))
        };
        let had = provides(
            "{method: GET, path: /a}, {method: GET, path: /api/v1/old, scope: root, reason: r}",
            "{event: it.done}, {event: 'clip.*'}",
            "{name: it.doing}",
        );
        assert_eq!(Consent::default().beyond(&had).len(), 3, "{had:?}");
        let asked = provides(
            "{method: GET, path: /a}, {method: POST, path: /b}, {method: GET, path: /api/v1/old, scope: root, reason: r, access: anyone}, \
             {method: POST, path: /api/v1/new, scope: root, reason: r}, {method: GET, path: /all, scope: global, access: anyone}",
            "{event: it.done}, {event: clip.created}, {event: 'clip.**'}, {event: match.won}",
            "{name: it.doing}, {name: clip.captured}",
        );
        assert_eq!(
            had.beyond(&asked),
            [
                Escalation::RootRoute("POST /api/v1/new".into()),
                Escalation::PublicRoute("GET /api/plugins/it/all".into()),
                Escalation::PublicRoute("GET /api/v1/old".into()),
                Escalation::Listener("clip.**".into()),
                Escalation::Listener("match.won".into()),
                Escalation::Filter("clip.captured".into()),
            ]
        );
        // A pattern is not held against another: rather asked once too often.
        assert_eq!(asked.beyond(&had), [Escalation::Listener("clip.*".into())]);
    }
}
