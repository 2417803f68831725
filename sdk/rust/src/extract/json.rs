//! A JSON body.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use switchboard_api::{BodyDescription, Failure, Fault, Operation, Request};

use super::{FromRequest, read, schema_of};
use crate::{Context, answer::Json};

/// The host checked the body against the schema of `T`, and bounded its size, before the plugin was called.
impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromRequest for Json<T> {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        let body = std::mem::take(&mut request.body).collect(u64::MAX).await?;
        let value: serde_json::Value = serde_json::from_slice(&body).map_err(|error| {
            let msg = format!("The body is not JSON: {error}");
            Failure::faults(vec![Fault::new("json_invalid", ["body"], msg, serde_json::Value::Null)])
        })?;
        read(&value, &["body"]).map(Json)
    }

    fn describe(operation: &mut Operation) {
        operation.body = Some(BodyDescription {
            content_type: "application/json".to_owned(),
            schema: schema_of::<T>().as_ref().clone(),
        });
    }
}
