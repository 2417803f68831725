//! What a plugin can be called for.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, Uri};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Body, Event, Payload};

/// What a plugin is called for. A new kind of thing that plugins can do is a new variant here.
#[derive(Debug)]
pub enum Call {
    /// A step of the plugin's life.
    Lifecycle(Hook),
    /// A request to one of its routes.
    Request(Request),
    /// An event that it listens to.
    Event(Event),
    /// A moment of another plugin in which it takes part. [`Failure::Conflict`](crate::Failure::Conflict) is a veto.
    Filter(FilterCall),
    /// Work of its own, apart from a request.
    Task(TaskCall),
    /// One of its services, called by another plugin.
    Service(ServiceCall),
    /// One of its commands, given by somebody in a chat, at a terminal or over REST.
    Command(CommandCall),
}

/// The kinds of calls, for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum CallKind {
    Lifecycle,
    Request,
    Event,
    Filter,
    Task,
    Service,
    Command,
}

impl Call {
    /// Its kind.
    pub fn kind(&self) -> CallKind {
        match self {
            Self::Lifecycle(_) => CallKind::Lifecycle,
            Self::Request(_) => CallKind::Request,
            Self::Event(_) => CallKind::Event,
            Self::Filter(_) => CallKind::Filter,
            Self::Task(_) => CallKind::Task,
            Self::Service(_) => CallKind::Service,
            Self::Command(_) => CallKind::Command,
        }
    }
}

impl CallKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Lifecycle, Self::Request, Self::Event, Self::Filter, Self::Task, Self::Service, Self::Command];

    /// The kind as logs and metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Request => "request",
            Self::Event => "event",
            Self::Filter => "filter",
            Self::Task => "task",
            Self::Service => "service",
            Self::Command => "command",
        }
    }
}

/// A step of a plugin's life. The organization, where there is one, is the context's.
#[derive(Debug, Clone, PartialEq)]
pub enum Hook {
    /// It was installed; its tables are there. Runs once.
    Install,
    /// It was loaded. Runs at every start.
    Load,
    /// An organization switches it on; a failure leaves it off.
    Enable {
        /// The configuration it will run with.
        config: Payload,
    },
    /// An organization's configuration is about to change; a failure leaves it as it was.
    ConfigChanged {
        /// The configuration it will run with.
        config: Payload,
    },
    /// An organization switches it off; a failure leaves it on.
    Disable,
    /// It was loaded in another version than the last time.
    Upgrade {
        /// The version before.
        from: Version,
        /// The version now.
        to: Version,
    },
    /// It is about to be unloaded.
    Unload,
    /// It is about to be removed with its data.
    Uninstall,
}

/// The names of the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum HookKind {
    Install,
    Load,
    Enable,
    ConfigChanged,
    Disable,
    Upgrade,
    Unload,
    Uninstall,
}

impl Hook {
    /// Its name.
    pub fn kind(&self) -> HookKind {
        match self {
            Self::Install => HookKind::Install,
            Self::Load => HookKind::Load,
            Self::Enable { .. } => HookKind::Enable,
            Self::ConfigChanged { .. } => HookKind::ConfigChanged,
            Self::Disable => HookKind::Disable,
            Self::Upgrade { .. } => HookKind::Upgrade,
            Self::Unload => HookKind::Unload,
            Self::Uninstall => HookKind::Uninstall,
        }
    }
}

impl HookKind {
    /// The hook as authors name it: `on_enable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "on_install",
            Self::Load => "on_load",
            Self::Enable => "on_enable",
            Self::ConfigChanged => "on_config_changed",
            Self::Disable => "on_disable",
            Self::Upgrade => "on_upgrade",
            Self::Unload => "on_unload",
            Self::Uninstall => "on_uninstall",
        }
    }
}

/// A request to a route.
#[derive(Debug)]
pub struct Request {
    /// Which route: its position in the manifest's `provides.api_routes`.
    pub route: usize,
    /// The address as it was asked for. Not told to a component by the contract: its route and parameters say it.
    pub uri: Uri,
    /// The path's parameters in order, each as its described schema says.
    pub params: Vec<(Arc<str>, Json)>,
    /// The query's parameters that the route describes, each as its schema says.
    pub query: serde_json::Map<String, Json>,
    /// The headers.
    pub headers: HeaderMap,
    /// Whether only the head of the answer is wanted.
    pub head_only: bool,
    /// The body.
    pub body: Body,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

impl Response {
    /// An empty answer.
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Body::Empty }
    }
}

/// A part taken in another plugin's doing.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterCall {
    /// The filter point, such as `clip.captured`.
    pub name: String,
    /// What passes through.
    pub payload: Payload,
}

/// Work apart from a request.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskCall {
    /// The task's name.
    pub name: String,
    /// Names this run among all.
    pub run: String,
    /// What it was asked for with; `null` when it runs by its schedule.
    pub payload: Payload,
    /// 1 the first time, 2 when it is tried again.
    pub attempt: u32,
}

/// A call of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceCall {
    /// The service, such as `presets.get`.
    pub name: String,
    /// What is asked.
    pub payload: Payload,
}

/// A command that somebody gave.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandCall {
    /// The command's name.
    pub name: String,
    /// The arguments that were given, by name: an object that fits what the manifest declares.
    pub arguments: Payload,
    /// Where it was given: an object whose `kind` is `api`, or the chat's word for itself, which then says more of the place.
    pub origin: Payload,
}

/// What is said to somebody who gave a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The text, in Markdown.
    pub text: String,
    /// Whether it is for nobody but whoever gave the command.
    #[serde(default)]
    pub ephemeral: bool,
}

impl Said {
    /// A text for everybody who is there.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ephemeral: false }
    }

    /// A text for nobody but whoever gave the command.
    pub fn ephemeral(text: impl Into<String>) -> Self {
        Self { text: text.into(), ephemeral: true }
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// What a plugin answers.
#[derive(Debug)]
pub enum Reply {
    /// Done; there is nothing to say.
    Done,
    /// The answer to a request.
    Response(Response),
    /// What a service gives, or what passes on through a filter point.
    Payload(Payload),
    /// What is said to whoever gave a command.
    Said(Said),
}
