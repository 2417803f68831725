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
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use switchboard_api::{Failure, Fault, Operation, Request};

use crate::Context;

/// Something that a handler takes from the request.
///
/// ```
/// use switchboard_sdk::{Failure, Fault, extract::{FromRequest, Headers}, prelude::*};
/// # use switchboard_api::{Operation, Request};
///
/// /// The player's name, from a header.
/// struct Player(String);
///
/// impl FromRequest for Player {
///     async fn from_request(ctx: &Context, request: &mut Request) -> Result<Self> {
///         let headers = Headers::from_request(ctx, request).await?;
///         let missing = || {
///             let fault = Fault::new("missing", ["header", "x-player"], "Field required", Default::default());
///             Failure::faults(vec![fault])
///         };
///         headers.get("x-player").map(|name| Self(name.to_owned())).ok_or_else(missing)
///     }
///
///     fn describe(_: &mut Operation) {}
/// }
///
/// async fn greet(Player(name): Player) -> Result<Json<String>> {
///     Ok(Json(format!("Hello, {name}!")))
/// }
/// # let _ = Definition::new("").get("/", greet);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a request",
    note = "a handler's arguments are `Context`, `Path`, `Query`, `Json`, `Headers`, `Multipart`, `WholeBody`, `Shared`, \
            or a type of yours that implements `FromRequest`"
)]
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

/// The schema of a type whose parts are parameters, each to be read on its own: nothing in it refers to another place.
pub(crate) fn parameter_schema_of<T: JsonSchema>() -> serde_json::Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A value as a `T`. What the schema lets pass and the type does not is a fault at its place below `root`.
pub(crate) fn read<T: DeserializeOwned>(value: &serde_json::Value, root: &[&str]) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut loc: Vec<serde_json::Value> = root.iter().map(|word| (*word).into()).collect();
        let mut input = Some(value);
        for segment in error.path() {
            let word: serde_json::Value = match segment {
                Segment::Seq { index } => (*index).into(),
                Segment::Map { key } => key.as_str().into(),
                Segment::Enum { variant } => variant.as_str().into(),
                Segment::Unknown => continue,
            };
            input = input.and_then(|input| match &word {
                serde_json::Value::String(name) => input.get(name),
                index => input.get(index.as_u64().and_then(|index| usize::try_from(index).ok())?),
            });
            loc.push(word);
        }
        let input = input.cloned().unwrap_or_default();
        Failure::faults(vec![Fault::new("value_error", loc, error.inner().to_string(), input)])
    })
}

/// The JSON Schema of a type as it is written in an answer.
pub(crate) fn answer_schema_of<T: JsonSchema>() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
