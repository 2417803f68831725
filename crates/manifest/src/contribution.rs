//! What can be said of a single contribution: its name, its address, its word in a manifest.

use std::fmt;

use crate::model::{Capability, Category, Kind, Manifest, Method, Route, Scope};

/// A route by method and path, as the manifest declares it: `GET /clips/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// The method.
    pub method: Method,
    /// The path, parameters in braces, without the scope's part.
    pub path: String,
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Route {
    /// What code names this route by when it binds a handler to it.
    ///
    /// ```
    /// # use switchboard_manifest::Route;
    /// let route: Route = serde_json::from_str(r#"{"method": "GET", "path": "/clips/{id}"}"#)?;
    /// assert_eq!(route.key().to_string(), "GET /clips/{id}");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn key(&self) -> RouteKey {
        RouteKey { method: self.method, path: self.path.clone() }
    }
}

impl Manifest {
    /// The whole address of a route of this plugin, parameters in braces; the organization is `{org}`.
    ///
    /// The path `/` adds nothing to what the scope begins with.
    pub fn address_of(&self, route: &Route) -> String {
        address(route.scope, self.id.as_str(), &route.path)
    }

    /// Whether the plugin asks for a capability.
    pub fn asks_for(&self, capability: Capability) -> bool {
        self.capabilities.iter().any(|request| request.name == capability)
    }

    /// The secrets that the plugin asks for by name.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.capabilities.iter().flat_map(|request| request.secrets.iter().map(String::as_str))
    }
}

pub(crate) fn address(scope: Scope, plugin: &str, path: &str) -> String {
    let below = if path == "/" { "" } else { path };
    match scope {
        Scope::Root => path.to_owned(),
        Scope::Organization => format!("/api/org/{{org}}/{plugin}{below}"),
        Scope::Global => format!("/api/plugins/{plugin}{below}"),
        Scope::Admin => format!("/api/admin/{plugin}{below}"),
    }
}

impl Capability {
    /// Every capability, in the order in which they are documented.
    pub const ALL: [Self; 10] = [
        Self::Db,
        Self::Kv,
        Self::Blobs,
        Self::Events,
        Self::Http,
        Self::Services,
        Self::Schedule,
        Self::Secrets,
        Self::Mail,
        Self::Sockets,
    ];

    /// The interfaces of the contract that every component is given without asking for a capability.
    pub const UNASKED: [&str; 11] = [
        "types",
        "bodies",
        "call",
        "log",
        "clock",
        "random",
        "config",
        "schemas",
        "audit",
        "filter-points",
        "metrics",
    ];

    /// The capability of that name, which is that of its interface in the contract as well.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }

    /// The word for it in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Db => "db",
            Self::Kv => "kv",
            Self::Blobs => "blobs",
            Self::Events => "events",
            Self::Http => "http",
            Self::Services => "services",
            Self::Schedule => "schedule",
            Self::Secrets => "secrets",
            Self::Mail => "mail",
            Self::Sockets => "sockets",
        }
    }
}

impl Category {
    /// The word for it in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Core => "core",
            Self::Competition => "competition",
            Self::Randomizer => "randomizer",
            Self::Integration => "integration",
            Self::Utility => "utility",
            Self::Automation => "automation",
            Self::Workspace => "workspace",
            Self::Media => "media",
            Self::Game => "game",
        }
    }
}

impl Kind {
    /// The word for it in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::External => "external",
        }
    }
}

impl Method {
    /// The word for it in a manifest and in HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Scope {
    /// The word for it in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Global => "global",
            Self::Admin => "admin",
            Self::Root => "root",
        }
    }
}

macro_rules! shown_by_its_word {
    ($($noun:ty),+) => {$(
        impl fmt::Display for $noun {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    )+};
}

shown_by_its_word!(Capability, Category, Kind, Method, Scope);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_shown_is_the_word_that_is_read() {
        for capability in Capability::ALL {
            assert_eq!(serde_json::to_value(capability).unwrap(), capability.as_str());
        }
        for scope in [Scope::Organization, Scope::Global, Scope::Admin, Scope::Root] {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        for method in [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete] {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
        for kind in [Kind::Builtin, Kind::External] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        use Category::{
            Automation, Competition, Core, Game, Global, Integration, Media, Randomizer, Utility, Workspace,
        };
        for category in
            [Global, Core, Competition, Randomizer, Integration, Utility, Automation, Workspace, Media, Game]
        {
            assert_eq!(serde_json::to_value(category).unwrap(), category.as_str());
        }
    }

    #[test]
    fn the_scope_begins_the_address_and_a_lone_slash_adds_nothing() {
        assert_eq!(address(Scope::Organization, "clips", "/{id}"), "/api/org/{org}/clips/{id}");
        assert_eq!(address(Scope::Organization, "clips", "/"), "/api/org/{org}/clips");
        assert_eq!(address(Scope::Global, "clips", "/"), "/api/plugins/clips");
        assert_eq!(address(Scope::Admin, "clips", "/all"), "/api/admin/clips/all");
        assert_eq!(address(Scope::Root, "clips", "/"), "/");
        assert_eq!(address(Scope::Root, "clips", "/api/clip"), "/api/clip");
    }
}
