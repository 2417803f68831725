//! What a plugin's code binds.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::HookKind;

/// What a plugin's code binds: compared with its manifest at load, and the source of the OpenAPI document.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Description {
    /// The routes, by method and path as the manifest writes them: `GET /clips/{id}`.
    pub routes: Vec<Operation>,
    /// The filter points it takes part in.
    pub filters: Vec<String>,
    /// The event patterns it listens to.
    pub listeners: Vec<String>,
    /// The services it offers.
    pub services: Vec<ServiceDescription>,
    /// The tasks it can do.
    pub tasks: Vec<String>,
    /// The commands it answers. A component that was built before there were any says nothing of them.
    #[serde(default)]
    pub commands: Vec<String>,
    /// The hooks it wants to be called for.
    pub hooks: Vec<HookKind>,
    /// What is configured where nothing was set, as far as the code says: below the manifest's defaults.
    #[serde(default)]
    pub config_defaults: Option<Json>,
}

/// A route: what it takes and what it gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Operation {
    /// Method and path: `GET /clips/{id}`.
    pub key: String,
    /// A unique word for clients, from the handler's name.
    pub id: String,
    /// What it does, in a few words.
    pub summary: String,
    /// Path and query parameters.
    pub parameters: Vec<Parameter>,
    /// The body it takes.
    pub body: Option<BodyDescription>,
    /// What it answers when all goes well.
    pub answers: Vec<Answer>,
}

/// A parameter of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: ParameterPlace,
    /// Whether it must be given.
    pub required: bool,
    /// Its JSON Schema.
    pub schema: Json,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterPlace {
    /// In the path.
    Path,
    /// In the query.
    Query,
}

/// The body that a route takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BodyDescription {
    /// Its media type.
    pub content_type: String,
    /// Its JSON Schema; the host checks a JSON body against it before the plugin is called.
    pub schema: Json,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    #[serde(with = "status")]
    pub status: StatusCode,
    /// What it means.
    pub description: String,
    /// The body's media type and JSON Schema; none for an empty one.
    pub body: Option<BodyDescription>,
}

/// A service: what it takes and what it gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceDescription {
    /// Its name.
    pub name: String,
    /// The JSON Schema of what it takes.
    pub takes: Json,
    /// The JSON Schema of what it gives.
    pub gives: Json,
}

mod status {
    use http::StatusCode;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(status.as_u16())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
        StatusCode::from_u16(u16::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
