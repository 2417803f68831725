//! The query's parameters.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use switchboard_api::{Failure, Operation, Parameter, ParameterPlace, Request};

use super::{FromRequest, parameter_schema_of, read};
use crate::Context;

/// The query's parameters as a struct. Those it does not name are ignored.
///
/// The host reads each by its type (whole numbers, numbers, `true/false/1/0/yes/no/on/off`, lists by repetition) and
/// answers 422 for one that does not fit, before the plugin is called.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromRequest for Query<T> {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        read(&Json::Object(std::mem::take(&mut request.query)), &["query"]).map(Self)
    }

    fn describe(operation: &mut Operation) {
        let schema = parameter_schema_of::<T>();
        let required = schema.get("required").and_then(Json::as_array);
        let properties = schema.get("properties").and_then(Json::as_object);
        for (name, own) in properties.into_iter().flat_map(Map::iter) {
            let mut own = own.clone();
            if let (Some(own), Some(definitions)) = (own.as_object_mut(), schema.get("$defs")) {
                own.insert("$defs".to_owned(), definitions.clone());
            }
            operation.parameters.push(Parameter {
                name: name.clone(),
                place: ParameterPlace::Query,
                required: required.is_some_and(|required| required.iter().any(|other| other == name)),
                schema: own,
            });
        }
    }
}
