//! The path's parameters.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use switchboard_api::{Failure, Operation, Parameter, ParameterPlace, Request};

use super::{FromRequest, parameter_schema_of, read, schema_of};
use crate::Context;

/// The path's parameters: one value, a tuple in their order, or a struct by their names.
///
/// A parameter that does not fit its type is answered with 422 by the host, before the plugin is called.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromRequest for Path<T> {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        let values = std::mem::take(&mut request.params);
        let value = match (schema_of::<T>().get("type").and_then(Json::as_str), values.len()) {
            (Some("object"), _) => {
                Json::Object(values.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
            }
            (Some("array"), _) | (_, 2..) => {
                Json::Array(values.into_iter().map(|(_, value)| value).collect())
            }
            _ => values.into_iter().next().map_or(Json::Null, |(_, value)| value),
        };
        read(&value, &["path"]).map(Self)
    }

    fn describe(operation: &mut Operation) {
        let schema = parameter_schema_of::<T>();
        let names: Vec<String> = names(&operation.key).map(str::to_owned).collect();
        for (position, name) in names.into_iter().enumerate() {
            let own = schema.get("properties").and_then(|properties| properties.get(&name));
            let own = own.or_else(|| schema.get("prefixItems").and_then(|items| items.get(position)));
            let mut own = own.unwrap_or(&schema).clone();
            if let Some(own) = own.as_object_mut() {
                own.remove("$schema");
                own.remove("title");
                if let Some(definitions) = schema.get("$defs") {
                    own.insert("$defs".to_owned(), definitions.clone());
                }
            }
            operation.parameters.push(Parameter {
                name,
                place: ParameterPlace::Path,
                required: true,
                schema: own,
            });
        }
    }
}

/// The names in braces: `id` of `GET /clips/{id}`.
fn names(key: &str) -> impl Iterator<Item = &str> {
    key.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(|name| name.trim_start_matches('*'))
}
