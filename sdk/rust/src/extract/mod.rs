//! What a handler's arguments can be.
//!
//! Each takes its part of the request, and says in the route's description what it takes.

mod headers;
mod json;
mod multipart;
mod path;
mod query;
mod shared;

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, LazyLock, RwLock},
};

pub use headers::{HeadOnly, Headers, WholeBody};
pub use multipart::{Field, Multipart};
pub use path::Path;
pub use query::Query;
pub use shared::Shared;

use schemars::{JsonSchema, generate::SchemaSettings};
use switchboard_api::{Failure, Operation, Request};

use crate::Context;

/// Something that a handler takes from the request.
pub trait FromRequest: Sized + Send {
    /// Takes it.
    ///
    /// # Errors
    /// A [`Failure`] that becomes the answer.
    fn from_request(
        context: &Context,
        request: &mut Request,
    ) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Says in the route's description what it takes.
    fn describe(operation: &mut Operation);
}

impl FromRequest for Context {
    async fn from_request(context: &Context, _: &mut Request) -> Result<Self, Failure> {
        Ok(context.clone())
    }

    fn describe(_: &mut Operation) {}
}

/// The JSON Schema (2020-12) of a type, as it is read; made once for each type.
pub(crate) fn schema_of<T: JsonSchema + 'static>() -> Arc<serde_json::Value> {
    static MADE: LazyLock<RwLock<HashMap<TypeId, Arc<serde_json::Value>>>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<T>();
    let made = MADE.read().ok().and_then(|made| made.get(&id).cloned());
    made.unwrap_or_else(|| {
        let schema =
            Arc::new(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value());
        if let Ok(mut made) = MADE.write() {
            made.insert(id, Arc::clone(&schema));
        }
        schema
    })
}

/// The JSON Schema of a type as it is written in an answer.
pub(crate) fn answer_schema_of<T: JsonSchema>() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
