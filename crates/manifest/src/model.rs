//! The model of a manifest: what a plugin contributes and what it needs.
//!
//! Field documentation here becomes the description in the JSON Schema that authors' editors read, so it
//! is written for them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::{id::PluginId, task::Task};

/// What a plugin declares about itself, read from its `manifest.yaml` (or JSON).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's name in addresses, permissions and data: lower-case letters, digits and `_`, a letter first.
    pub id: PluginId,
    /// The name people read.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// The plugin's own version, by semantic versioning.
    pub version: Version,
    /// One or two sentences on what the plugin does for its users.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub description: String,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Where to read more: an `https://` address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://"))]
    pub website: Option<String>,
    /// An SPDX licence expression, such as `MIT OR Apache-2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Compiled into the server (`builtin`), or a component in a folder of its own (`external`).
    #[serde(rename = "type", default)]
    pub kind: Kind,
    /// Where the plugin is listed.
    pub category: Category,
    /// What an external plugin is started from: a file beside the manifest, such as `plugin.wasm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<String>,
    /// Whether a new organization starts with the plugin switched on.
    #[serde(default)]
    pub enabled_by_default: bool,
    /// Whether the plugin is switched on nowhere by itself, whatever `enabled_by_default` says: only where an administrator
    /// does it.
    #[serde(default)]
    pub private: bool,
    /// Always on, in every organization and outside of all.
    #[serde(default)]
    pub global_plugin: bool,
    /// The range of host versions that the plugin runs on.
    #[serde(default = "any_version", with = "range")]
    #[schemars(with = "String")]
    pub host: VersionReq,
    /// Plugins that must be loaded first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Dependency>,
    /// Plugins that are used when they are there; they are loaded first if so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<Dependency>,
    /// Plugins that this one cannot run beside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Dependency>,
    /// What the plugin asks the host for, each with a reason that the administrator can read. What is asked for and offered
    /// is granted; what is not asked for is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<CapabilityRequest>,
    /// What the plugin contributes.
    #[serde(default)]
    pub provides: Provides,
    /// The actions that the plugin knows, and the roles that would bundle them.
    #[serde(default)]
    pub permissions: Permissions,
    /// Bounds on what the plugin may use.
    #[serde(default)]
    pub limits: Limits,
    /// A JSON Schema of the plugin's configuration. A property with `"secret": true` is set over the
    /// administration and never shown by it; it is stored as it is, and the plugin reads it like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<serde_json::Map<String, serde_json::Value>>,
    /// The configuration's defaults, below what an installation or an organization sets.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub config_defaults: serde_json::Map<String, serde_json::Value>,
}

/// Where a plugin's code comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Compiled into the server.
    Builtin,
    /// A WebAssembly component in a folder of its own.
    #[default]
    External,
}

/// The shelf on which a plugin is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Category {
    Global,
    Core,
    Competition,
    Randomizer,
    Integration,
    Utility,
    Automation,
    Workspace,
    Media,
    Game,
}

/// Another plugin and the versions of it that fit: an id alone, or `{plugin_id, version}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "DependencyForm", into = "DependencyForm")]
#[schemars(with = "DependencyForm")]
pub struct Dependency {
    /// The other plugin.
    pub plugin_id: PluginId,
    /// The versions of it that fit; `*` where only the id was given.
    pub version: VersionReq,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum DependencyForm {
    /// Any version of the plugin.
    Id(PluginId),
    /// A range of versions.
    Range(DependencyRange),
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DependencyRange {
    plugin_id: PluginId,
    #[serde(default = "any_version", with = "range")]
    #[schemars(with = "String")]
    version: VersionReq,
}

impl From<DependencyForm> for Dependency {
    fn from(form: DependencyForm) -> Self {
        match form {
            DependencyForm::Id(plugin_id) => Self { plugin_id, version: VersionReq::STAR },
            DependencyForm::Range(DependencyRange { plugin_id, version }) => Self { plugin_id, version },
        }
    }
}

impl From<Dependency> for DependencyForm {
    fn from(Dependency { plugin_id, version }: Dependency) -> Self {
        if version == VersionReq::STAR {
            Self::Id(plugin_id)
        } else {
            Self::Range(DependencyRange { plugin_id, version })
        }
    }
}

/// One thing that a plugin asks the host for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityRequest {
    /// Which capability.
    pub name: Capability,
    /// Why, in a sentence for the administrator.
    #[schemars(length(min = 1, max = 300))]
    pub reason: String,
    /// For `http`: the hosts that may be called, such as `api.example.com`, `*.example.com` or
    /// `api.example.com:8443`; `*` for every host of the public internet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// For `blobs`: other plugins whose shared blobs are read; each must be required, and share some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_from: Vec<PluginId>,
    /// For `secrets`: the settings that are wanted, each a property that `config_schema` calls secret, such as `api_key` or
    /// `mail.password`. `config` then leaves them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

/// The capabilities that a host can hand out.
///
/// `log`, `clock`, `random`, `config` and `metrics` do no harm and are handed out unasked. A plugin that asks for one that is
/// not offered does not load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// The plugin's own tables.
    Db,
    /// Small values with expiry.
    Kv,
    /// Large values as streams.
    Blobs,
    /// Saying what happened.
    Events,
    /// Calling other servers.
    Http,
    /// Calling plugins that this one requires or can use.
    Services,
    /// Work to be done later.
    Schedule,
    /// Secret settings by name.
    Secrets,
    /// Sending e-mail.
    Mail,
    /// Long-lived WebSocket connections that the host keeps. Not offered yet.
    Sockets,
}

/// What a plugin contributes. Code binds a handler to each route, filter, listener, service, task and command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Provides {
    /// Database tables, for display; migrations make them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Model>,
    /// Functions that plugins which require this one may call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// Pages in the browser. This version does not load a plugin that has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Page>,
    /// REST routes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_routes: Vec<Route>,
    /// Commands that people give in a chat, at a terminal or over REST.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Command>,
    /// Events that the plugin emits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventType>,
    /// Events, of any plugin, that this one wants to hear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Listener>,
    /// Moments of this plugin in which others may change or veto what it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filter_points: Vec<FilterPoint>,
    /// Filter points, of any plugin, in which this one takes part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// Work that runs apart from a request, when the plugin asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// Tiles for dashboards. This version does not load a plugin that has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub widgets: Vec<Widget>,
    /// Entries in the navigation, each of which leads to one of `pages`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub menu_items: Vec<MenuItem>,
    /// Blobs that plugins which require this one may read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_blobs: Vec<SharedBlobs>,
}

/// A table of the plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The table's name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What a row is.
    #[serde(default)]
    pub description: String,
}

/// A function for other plugins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name, beginning with the plugin's id: `presets.get`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"))]
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
}

/// Who a route or page is for; it fixes the address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// `/api/org/{org}/{plugin_id}/…`: tokens of an organization in which the plugin is on.
    #[default]
    Organization,
    /// `/api/plugins/{plugin_id}/…`: every token; the call is for no organization.
    Global,
    /// `/api/admin/{plugin_id}/…`: tokens that may administer and are not bound to one organization.
    Admin,
    /// The address exactly as declared; needs a `reason`.
    Root,
}

/// The methods that a route may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A REST route. GET answers HEAD as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The address below the scope's, with parameters in braces: `/matches/{id}`. For `root`, the whole address.
    #[schemars(regex(pattern = r"^/"))]
    pub path: String,
    /// Who it is for, and so where it stands.
    #[serde(default)]
    pub scope: Scope,
    /// Why a `root` route cannot live below the plugin's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The action that the caller must be allowed to do, such as `clip:delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// Whether it must be known who calls.
    #[serde(default, skip_serializing_if = "is_default")]
    pub access: Access,
    /// The shape of errors: RFC 9457 problem details, or `{"detail": …}` for existing clients.
    #[serde(default, skip_serializing_if = "is_default")]
    pub errors: ErrorShape,
    /// The largest body accepted, in bytes. When absent, the server's limit: 1 MiB, unless the operator sets another.
    /// `upload` stands for the server's limit on uploads.
    #[serde(default, skip_serializing_if = "is_default")]
    pub body_limit: BodyLimit,
}

/// Whether it must be known who calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Whoever shows a session or a token; within an organization, its members alone.
    #[default]
    Known,
    /// Everybody, also who shows nothing. Such a route asks for no `permission` and is not within an organization.
    Anyone,
}

/// How a route's errors are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// RFC 9457 problem details.
    #[default]
    Problem,
    /// `{"detail": …}`, with a list of `{type, loc, msg, input}` for a body that breaks a rule.
    Detail,
}

/// The largest body that a route accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BodyLimit {
    /// This many bytes.
    Bytes(#[schemars(range(max = 1_099_511_627_776_u64))] u64),
    /// A word that stands for a limit of the server.
    Named(NamedLimit),
    /// The server's limit for ordinary bodies.
    #[default]
    #[serde(skip)]
    Ordinary,
}

/// A limit that the operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NamedLimit {
    /// The limit on uploads.
    Upload,
}

/// A page in the browser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The address below the scope's.
    #[schemars(regex(pattern = r"^/"))]
    pub path: String,
    /// The title.
    #[schemars(length(min = 1))]
    pub title: String,
    /// Who it is for.
    #[serde(default)]
    pub scope: Scope,
    /// The action that the viewer must be allowed to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
}

/// A command that people give in a chat, at a terminal or over REST: `!signatures 3`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its name, without the sign that a chat puts before it.
    #[schemars(regex(pattern = r"^[a-z0-9_-]{1,32}$"))]
    pub name: String,
    /// What it does, in a line.
    #[schemars(length(min = 1, max = 100))]
    pub description: String,
    /// The action that the caller must be allowed to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// What it takes, in the order in which people write it; those that must be given come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 25))]
    pub arguments: Vec<Argument>,
}

/// What a command takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name among those of the command.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,31}$"))]
    pub name: String,
    /// What it says, in a line.
    #[schemars(length(min = 1, max = 100))]
    pub description: String,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// A JSON Schema of it, whose `type` is `string`, `integer`, `number` or `boolean`; any text when absent. The last argument takes
    /// the rest of the line, when it is a text.
    #[serde(default = "any_text", skip_serializing_if = "is_any_text")]
    pub schema: serde_json::Map<String, serde_json::Value>,
}

/// An event that the plugin emits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventType {
    /// Its type: words joined by dots, such as `clip.created`.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"))]
    pub name: String,
    /// What has happened when it is emitted.
    #[serde(default)]
    pub description: String,
    /// A JSON Schema of its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A wish to hear events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// The type, or a pattern in which `*` stands for one word and a last `**` for the rest: `tournament.match.*`.
    pub event: String,
    /// Listeners of one event run in order of priority, lowest first, then by plugin id.
    #[serde(default = "default_priority")]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i32,
}

/// A moment in which other plugins may change or veto what this one does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterPoint {
    /// Its name, such as `clip.captured`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"))]
    pub name: String,
    /// What passes through, and when.
    #[serde(default)]
    pub description: String,
    /// What happens when one that takes part fails or runs out of time.
    #[serde(default)]
    pub on_failure: OnFilterFailure,
    /// A JSON Schema of what passes through. One that gives back something else has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What a failing filter does to the moment it takes part in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFilterFailure {
    /// It is skipped, logged and counted.
    #[default]
    Skip,
    /// The whole fails.
    Fail,
}

/// A part taken in a filter point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The filter point.
    pub name: String,
    /// Lowest first, then by plugin id.
    #[serde(default = "default_priority")]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i32,
    /// How long it may take, in milliseconds; the plugin's `limits.call_ms` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: Option<u64>,
}

/// A tile for dashboards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Widget {
    /// Its name within the plugin.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The title.
    #[schemars(length(min = 1))]
    pub title: String,
}

/// An entry in the navigation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MenuItem {
    /// What it says.
    #[schemars(length(min = 1))]
    pub label: String,
    /// The page it leads to.
    pub page: String,
    /// An icon's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The action that the viewer must be allowed to do to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
}

/// Blobs that plugins which require this one may read, if they ask for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedBlobs {
    /// The beginning of their keys, such as `media/`.
    #[schemars(regex(pattern = r"^[a-z0-9_-]+/$"))]
    pub prefix: String,
    /// What they are.
    #[serde(default)]
    pub description: String,
}

/// The actions that a plugin knows, and the roles that would bundle them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Permissions {
    /// The actions, such as `tournament:create`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Roles by name, each with its actions; a last `*` stands for all of a kind: `tournament:*`. What stands under `viewer`,
    /// `member`, `admin` or `owner` adds to that role of every organization; any other name becomes a role that organizations
    /// can give, with the plugin's id in front.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Vec<String>>,
}

/// Something that a person may or may not do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Its name: kind and verb, such as `clip:delete`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$"))]
    pub name: String,
    /// What it allows.
    #[serde(default)]
    pub description: String,
}

/// Bounds on what a plugin may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Memory of one instance of a sandboxed plugin, in MiB. What is compiled into the server is not bounded.
    #[schemars(range(min = 1, max = 4096))]
    pub memory_mb: u32,
    /// Time of one call, in milliseconds. Waiting for other plugins and for a client's bytes does not count.
    #[schemars(range(min = 1, max = 600_000))]
    pub call_ms: u64,
    /// Whether an instance of a sandboxed plugin that has served an organization's call serves its next one. Without it every call
    /// begins a new one, which costs a small plugin some 25 µs and one with an interpreter a millisecond.
    pub reuse_instances: bool,
    /// Calls that may run at the same time. One more is refused as unavailable; an event or a task waits.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrent_calls: u32,
    /// Events that the plugin handles at the same time on one server, whoever said them; the others wait. As many as calls when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrent_events: Option<u32>,
    /// Requests, commands, calls of services and of filters that are taken in a second, for each organization. One more is
    /// refused as rate limited. Events and tasks are not counted. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub calls_per_second: Option<u32>,
    /// Blobs that the plugin may store, in MiB, for each organization. Its tables are not counted. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub storage_mb: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mb: 64,
            call_ms: 10_000,
            reuse_instances: true,
            concurrent_calls: 256,
            concurrent_events: None,
            calls_per_second: None,
            storage_mb: None,
        }
    }
}

fn any_version() -> VersionReq {
    VersionReq::STAR
}

fn default_priority() -> i32 {
    50
}

fn any_text() -> serde_json::Map<String, serde_json::Value> {
    [("type".to_owned(), "string".into())].into_iter().collect()
}

fn is_any_text(schema: &serde_json::Map<String, serde_json::Value>) -> bool {
    *schema == any_text()
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A version range as text, `*` included.
mod range {
    use semver::VersionReq;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(range: &VersionReq, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(range)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VersionReq, D::Error> {
        let text = String::deserialize(deserializer)?;
        VersionReq::parse(&text).map_err(D::Error::custom)
    }
}
