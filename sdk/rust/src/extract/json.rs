//! A JSON body.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use switchboard_api::{BodyDescription, Failure, Operation, Request};

use super::{FromRequest, schema_of};
use crate::{Context, answer::Json};

/// The host checked the body against the schema of `T`, and bounded its size, before the plugin was called.
impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromRequest for Json<T> {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        let body = std::mem::take(&mut request.body).collect(u64::MAX).await?;
        serde_json::from_slice(&body)
            .map(Json)
            .map_err(|error| Failure::invalid(format!("the body does not have the shape expected: {error}")))
    }

    fn describe(operation: &mut Operation) {
        operation.body = Some(BodyDescription {
            content_type: "application/json".to_owned(),
            schema: schema_of::<T>().as_ref().clone(),
        });
    }
}
