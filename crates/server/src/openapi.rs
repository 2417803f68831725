//! The whole API as one OpenAPI 3.1 document, made from what is loaded.
//!
//! The manifest says where a route stands, who may call it and how its errors look; the code's description says what it
//! takes and gives. Nothing is written twice, so nothing disagrees.

mod errors;
mod fixed;
mod schemas;

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value as Json, json};
use switchboard_api::{BodyDescription, Description, Operation, Parameter, ParameterPlace};
use switchboard_kernel::Snapshot;
use switchboard_manifest::{Access, BodyLimit, Manifest, Method, Route, Scope};

use self::{errors::Circumstances, schemas::Schemas};
use crate::session_cookie;

/// The document for what serves now. The same plugins give the same document, whatever the order they were loaded in.
pub(crate) fn document(snapshot: &Snapshot, version: &str) -> Json {
    // Anyone reads the document, and private plugins are not for anyone to know of.
    let plugins = snapshot.plugins().iter().filter(|plugin| !plugin.manifest().private);
    let plugins = plugins.map(|plugin| (&**plugin.manifest(), plugin.description()));
    document_of(plugins, version)
}

fn document_of<'a>(plugins: impl Iterator<Item = (&'a Manifest, &'a Description)>, version: &str) -> Json {
    let plugins: BTreeMap<_, _> =
        plugins.map(|(manifest, description)| (&manifest.id, (manifest, description))).collect();
    let mut writing = Writing::default();
    errors::insert_schemas(&mut writing.schemas);
    writing.paths = fixed::paths();
    let mut tags = Vec::new();
    for (manifest, description) in plugins.into_values() {
        let mut has_routes = false;
        for route in &manifest.provides.api_routes {
            let key = route.key().to_string();
            if let Some(operation) = description.routes.iter().find(|operation| operation.key == key) {
                writing.route(manifest, route, operation);
                has_routes = true;
            }
        }
        if has_routes {
            tags.push(json!({ "name": manifest.id, "description": about(manifest) }));
        }
    }
    tags.push(json!({ "name": fixed::TAG, "description": "What the server itself answers, whatever is plugged in." }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Switchboard",
            "version": version,
            "summary": "An application server whose every feature is a plugin",
            "description": "Made from the plugins that are loaded now. Whether a plugin answers is decided for each \
                organization: one that is not switched on there answers 404.\n\nMake a token with `switchboard token \
                create`, and send it as `Authorization: Bearer swb_…`.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "session": [] }],
        "tags": tags,
        "paths": writing.paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "An API token: `swb_…`." },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": session_cookie::NAME,
                    "description": "The session of a browser that has signed in. What changes something needs its \
                        `csrf_token` as well, in the header `X-CSRF-Token`.",
                },
            },
            "parameters": parameters(),
            "responses": errors::responses(),
            "schemas": writing.schemas.into_components(),
        },
    })
}

/// The document as far as it is written.
#[derive(Default)]
struct Writing {
    paths: Map<String, Json>,
    schemas: Schemas,
    operation_ids: HashSet<String>,
    /// Addresses by what tells them apart: the names of parameters do not.
    addresses: BTreeMap<String, String>,
}

impl Writing {
    fn route(&mut self, manifest: &Manifest, route: &Route, operation: &Operation) {
        let address = manifest.address_of(route).replace("{*", "{");
        let names: Vec<String> = parameter_names(&address).map(str::to_owned).collect();
        let shape =
            names.iter().fold(address.clone(), |shape, name| shape.replace(&format!("{{{name}}}"), "{}"));
        let place = self.addresses.entry(shape).or_insert(address).clone();
        let renamed: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(parameter_names(&place)).collect();
        let mut written = self.operation(manifest, route, operation, &renamed);
        let head = head_of(route, operation, &written);
        written.insert("operationId".to_owned(), self.operation_id(manifest, route, operation).into());
        let methods = self.paths.entry(place).or_insert_with(|| json!({}));
        let Some(methods) = methods.as_object_mut() else { return };
        methods.insert(route.method.as_str().to_ascii_lowercase(), Json::Object(written));
        if let Some(mut head) = head {
            let id = format!("{}.head_{}", manifest.id, operation_word(route, operation));
            head.insert("operationId".to_owned(), unused(&mut self.operation_ids, id).into());
            methods.insert("head".to_owned(), Json::Object(head));
        }
    }

    fn operation(
        &mut self,
        manifest: &Manifest,
        route: &Route,
        operation: &Operation,
        renamed: &[(&str, &str)],
    ) -> Map<String, Json> {
        let plugin = manifest.id.as_str();
        let (mut parameters, mut has_query_parameters) = (Vec::new(), false);
        for (own, name) in renamed {
            let described = operation
                .parameters
                .iter()
                .find(|parameter| parameter.place == ParameterPlace::Path && parameter.name == *own);
            parameters.push(match described {
                Some(parameter) => self.parameter(plugin, name, parameter),
                None if route.scope == Scope::Organization && *own == "org" => {
                    json!({ "$ref": "#/components/parameters/OrganizationInPath" })
                }
                None => json!({ "name": name, "in": "path", "required": true, "schema": {"type": "string"} }),
            });
        }
        for parameter in
            operation.parameters.iter().filter(|parameter| parameter.place == ParameterPlace::Query)
        {
            parameters.push(self.parameter(plugin, &parameter.name, parameter));
            has_query_parameters = true;
        }
        if route.scope == Scope::Root && !manifest.global_plugin {
            parameters.push(json!({ "$ref": "#/components/parameters/Organization" }));
        }
        let circumstances = Circumstances {
            shape: route.errors,
            method: route.method,
            scope: route.scope,
            is_global: manifest.global_plugin,
            is_open: route.access == Access::Anyone,
            needs_permission: route.permission.is_some(),
            has_path_parameters: !renamed.is_empty(),
            has_query_parameters,
            has_body: operation.body.is_some(),
        };
        let mut responses = circumstances.responses();
        let mut own: Map<String, Json> = Map::new();
        for answer in &operation.answers {
            let response = own
                .entry(answer.status.as_u16().to_string())
                .or_insert_with(|| json!({ "description": answer.description }));
            if let (Some(body), Some(response)) = (&answer.body, response.as_object_mut()) {
                let content = response.entry("content").or_insert_with(|| json!({}));
                if let Some(content) = content.as_object_mut() {
                    content.insert(body.content_type.clone(), self.media(plugin, body));
                }
            }
        }
        responses.extend(own);
        let responses: BTreeMap<String, Json> = responses.into_iter().collect();

        let mut written = Map::new();
        written.insert("tags".to_owned(), json!([plugin]));
        written.insert("summary".to_owned(), operation.summary.clone().into());
        if let Some(description) = terms(route) {
            written.insert("description".to_owned(), description.into());
        }
        if !parameters.is_empty() {
            written.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = &operation.body {
            let content = json!({ body.content_type.clone(): self.media(plugin, body) });
            written.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
        }
        written.insert("responses".to_owned(), json!(responses));
        if route.access == Access::Anyone {
            written.insert("security".to_owned(), json!([]));
        }
        written
    }

    fn parameter(&mut self, plugin: &str, name: &str, parameter: &Parameter) -> Json {
        let schema = without_null(&parameter.schema);
        let mut schema = self.schemas.used(plugin, &schema);
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let place = match parameter.place {
            ParameterPlace::Path => "path",
            ParameterPlace::Query => "query",
        };
        let required = parameter.required || parameter.place == ParameterPlace::Path;
        let mut written = json!({ "name": name, "in": place, "required": required, "schema": schema });
        if let (Some(written), Some(description)) = (written.as_object_mut(), description) {
            written.insert("description".to_owned(), description);
        }
        written
    }

    fn media(&mut self, plugin: &str, body: &BodyDescription) -> Json {
        json!({ "schema": self.schemas.used(plugin, &body.schema) })
    }

    fn operation_id(&mut self, manifest: &Manifest, route: &Route, operation: &Operation) -> String {
        let word = operation_word(route, operation);
        let plain = format!("{}.{word}", manifest.id);
        if self.operation_ids.insert(plain.clone()) {
            return plain;
        }
        // One handler for two methods, such as PUT and PATCH.
        let method = route.method.as_str().to_ascii_lowercase();
        unused(&mut self.operation_ids, format!("{plain}_{method}"))
    }
}

/// `components/parameters`: how a request names its organization.
fn parameters() -> Json {
    json!({
        "Organization": {
            "name": "X-Organization", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "For which organization, by its name in addresses. Needed where the token serves several.",
        },
        "OrganizationInPath": {
            "name": "org", "in": "path", "required": true, "schema": {"type": "string"},
            "description": "For which organization, by its name in addresses.",
        },
    })
}

fn about(manifest: &Manifest) -> String {
    let Manifest { name, version, description, .. } = manifest;
    if description.is_empty() {
        format!("{name} {version}")
    } else {
        format!("**{name}** {version}. {description}")
    }
}

/// What a caller must know beside the types.
fn terms(route: &Route) -> Option<String> {
    let permission = route.permission.as_ref().map(|action| format!("Needs the action `{action}`."));
    let limit = match route.body_limit {
        BodyLimit::Bytes(bytes) => Some(format!("The body has at most {bytes} bytes.")),
        BodyLimit::Named(_) => Some("The server's limit on uploads bounds the body.".to_owned()),
        BodyLimit::Ordinary => None,
    };
    let sentences: Vec<String> = permission.into_iter().chain(limit).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// The same without a body, where GET gives something that one may want to know of before it is fetched.
fn head_of(route: &Route, operation: &Operation, written: &Map<String, Json>) -> Option<Map<String, Json>> {
    let streams = operation
        .answers
        .iter()
        .filter_map(|answer| answer.body.as_ref())
        .any(|body| !body.content_type.ends_with("json"));
    if route.method != Method::Get || !streams {
        return None;
    }
    let mut head = written.clone();
    head.insert("summary".to_owned(), format!("{}: the headers alone", operation.summary).into());
    for response in head.get_mut("responses").and_then(Json::as_object_mut)?.values_mut() {
        if let Some(response) = response.as_object_mut() {
            response.remove("content");
        }
    }
    Some(head)
}

fn operation_word(route: &Route, operation: &Operation) -> String {
    if operation.id.is_empty() {
        let words =
            route.path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        std::iter::once(route.method.as_str().to_ascii_lowercase().as_str())
            .chain(words)
            .collect::<Vec<_>>()
            .join("_")
    } else {
        operation.id.clone()
    }
}

fn unused(taken: &mut HashSet<String>, wanted: String) -> String {
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    let mut free = std::iter::once(wanted.clone()).chain(numbered).filter(|id| !taken.contains(id));
    let id = free.next().unwrap_or(wanted);
    taken.insert(id.clone());
    id
}

fn parameter_names(address: &str) -> impl Iterator<Item = &str> {
    address.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

/// A parameter that may be absent is described as one that may be null; an address has no null.
fn without_null(schema: &Json) -> Json {
    let is_null = |schema: &Json| schema.get("type").and_then(Json::as_str) == Some("null");
    let mut schema = schema.clone();
    let Some(object) = schema.as_object_mut() else { return schema };
    if let Some(Json::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(branches)) = object.get_mut("anyOf") {
        branches.retain(|branch| !is_null(branch));
        if let [Json::Object(only)] = branches.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
    if object.get("default") == Some(&Json::Null) {
        object.remove("default");
    }
    schema
}
