//! What goes wrong, as the document says it: in which shape, and with which statuses an operation must reckon.

use serde_json::{Map, Value as Json, json};
use switchboard_manifest::{ErrorShape, Method, Scope};

use super::schemas::Schemas;

/// A way in which any plugin's operation can fail before or beside what the plugin itself does.
#[derive(Debug, Clone, Copy)]
struct Kind {
    status: u16,
    /// Its name under `components/responses`.
    name: &'static str,
    description: &'static str,
}

const UNDECIDED: Kind =
    Kind { status: 400, name: "Undecided", description: "It cannot be told for which organization this is." };
const UNAUTHORIZED: Kind =
    Kind { status: 401, name: "Unauthorized", description: "The token is missing, unknown or revoked." };
const FORBIDDEN: Kind =
    Kind { status: 403, name: "Forbidden", description: "The token does not allow this." };
const NOT_FOUND: Kind =
    Kind { status: 404, name: "NotFound", description: "It does not exist, or not for this organization." };
const CONFLICT: Kind = Kind { status: 409, name: "Conflict", description: "It does not fit what is there." };
const TOO_LARGE: Kind =
    Kind { status: 413, name: "TooLarge", description: "The body is larger than is accepted." };
const INVALID: Kind =
    Kind { status: 422, name: "Invalid", description: "A parameter or the body breaks a rule." };
const TOO_MANY: Kind = Kind {
    status: 429,
    name: "TooMany",
    description: "There were too many; `Retry-After` says when to come again.",
};

const ALL: [Kind; 8] =
    [UNDECIDED, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_LARGE, INVALID, TOO_MANY];

/// What decides how an operation can fail.
pub(super) struct Circumstances {
    pub(super) shape: ErrorShape,
    pub(super) method: Method,
    pub(super) scope: Scope,
    /// Whether the plugin is on everywhere, so that it is never "not switched on".
    pub(super) is_global: bool,
    /// Whether anyone may call it.
    pub(super) is_open: bool,
    pub(super) needs_permission: bool,
    pub(super) has_path_parameters: bool,
    pub(super) has_query_parameters: bool,
    pub(super) has_body: bool,
}

impl Circumstances {
    fn can_fail_as(&self, kind: Kind) -> bool {
        match kind.status {
            400 => self.scope == Scope::Root && !self.is_global,
            401 => !self.is_open,
            403 => match self.is_open {
                true => self.method != Method::Get,
                false => self.needs_permission || matches!(self.scope, Scope::Admin | Scope::Root),
            },
            404 => self.has_path_parameters || !self.is_global,
            409 => self.method != Method::Get,
            413 => self.has_body,
            422 => self.has_path_parameters || self.has_query_parameters || self.has_body,
            _ => true,
        }
    }

    /// The errors by status, with one for whatever else can go wrong.
    pub(super) fn responses(&self) -> Map<String, Json> {
        let fitting = ALL.into_iter().filter(|kind| self.can_fail_as(*kind));
        let mut responses: Map<String, Json> =
            fitting.map(|kind| (kind.status.to_string(), reference(self.shape, kind.name))).collect();
        responses.insert("default".to_owned(), reference(self.shape, "Failed"));
        responses
    }
}

/// `components/responses`: each kind in both shapes.
pub(super) fn responses() -> Map<String, Json> {
    let failed = ("Failed", "Something failed, or there is no room for the call now; the status says which.");
    let kinds = ALL.into_iter().map(|kind| (kind.name, kind.description)).chain([failed]);
    kinds
        .flat_map(|(name, description)| {
            [ErrorShape::Problem, ErrorShape::Detail]
                .map(|shape| (component(shape, name), response(shape, name, description)))
        })
        .collect()
}

/// `components/schemas`: the shapes themselves.
pub(super) fn insert_schemas(schemas: &mut Schemas) {
    schemas.insert(
        "Problem",
        json!({
            "type": "object",
            "description": "What went wrong, by RFC 9457.",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {
                    "type": "string",
                    "description": "A stable word for the kind of problem.",
                    "examples": ["urn:switchboard:problem:not_found"],
                },
                "title": {"type": "string", "description": "The kind of problem, for people."},
                "status": {"type": "integer", "description": "The status of the answer."},
                "detail": {"type": "string", "description": "What went wrong this time, and what to do."},
                "instance": {"type": "string", "description": "The request's id, by which the log has it."},
                "errors": {
                    "type": "array",
                    "description": "Each rule that was broken, where that can be said by field.",
                    "items": {"$ref": "#/components/schemas/Fault"},
                },
                "violated-policies": {
                    "type": "array",
                    "description": "The limit that there were too many requests for, as `RateLimit-Policy` names it.",
                    "items": {"type": "string"},
                    "examples": [["token"]],
                },
            },
        }),
    );
    schemas.insert(
        "Detail",
        json!({
            "type": "object",
            "description": "What went wrong, in a sentence.",
            "required": ["detail"],
            "properties": {"detail": {"type": "string"}},
        }),
    );
    schemas.insert(
        "ValidationDetail",
        json!({
            "type": "object",
            "description": "Each rule that was broken.",
            "required": ["detail"],
            "properties": {"detail": {"anyOf": [
                {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
                {"type": "string"},
            ]}},
        }),
    );
    schemas.insert(
        "Fault",
        json!({
            "type": "object",
            "description": "One rule broken, at one place.",
            "required": ["type", "loc", "msg", "input"],
            "properties": {
                "type": {"type": "string", "description": "A stable word for the rule.", "examples": ["missing"]},
                "loc": {
                    "type": "array",
                    "description": "The way to the place.",
                    "items": {"type": ["string", "integer"]},
                    "examples": [["body", "title"]],
                },
                "msg": {"type": "string", "description": "What is wrong, for people.", "examples": ["Field required"]},
                "input": {"description": "What was sent there."},
            },
        }),
    );
}

fn response(shape: ErrorShape, name: &str, description: &str) -> Json {
    let (content_type, schema) = match shape {
        ErrorShape::Problem => ("application/problem+json", "Problem"),
        ErrorShape::Detail if name == INVALID.name => ("application/json", "ValidationDetail"),
        ErrorShape::Detail => ("application/json", "Detail"),
    };
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "description": description, "content": { content_type: { "schema": schema } } })
}

fn reference(shape: ErrorShape, name: &str) -> Json {
    json!({ "$ref": format!("#/components/responses/{}", component(shape, name)) })
}

fn component(shape: ErrorShape, name: &str) -> String {
    match shape {
        ErrorShape::Problem => name.to_owned(),
        ErrorShape::Detail => format!("{name}Detail"),
    }
}
