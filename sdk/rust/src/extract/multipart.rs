//! A form with files.

use bytes::Bytes;
use schemars::JsonSchema;
use switchboard_api::{Body, BodyDescription, Failure, Operation, Request};

use super::FromRequest;
use crate::Context;

/// A `multipart/form-data` body, read field by field in the order in which they come.
pub struct Multipart {
    inner: multer::Multipart<'static>,
}

/// A field of a form: a value, or a file.
pub struct Field {
    inner: multer::Field<'static>,
}

impl FromRequest for Multipart {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        let boundary = request
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| multer::parse_boundary(value).ok())
            .ok_or_else(|| {
                Failure::invalid(
                    "a form is expected: send `Content-Type: multipart/form-data` with its boundary",
                )
            })?;
        let chunks = std::mem::take(&mut request.body).into_chunks();
        Ok(Self { inner: multer::Multipart::new(chunks, boundary) })
    }

    fn describe(operation: &mut Operation) {
        Self::describe_as(operation, serde_json::json!({ "type": "object" }));
    }
}

impl Multipart {
    /// The next field; `None` after the last.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when the form is malformed or cut short.
    pub async fn next_field(&mut self) -> Result<Option<Field>, Failure> {
        Ok(self.inner.next_field().await.map_err(malformed)?.map(|inner| Field { inner }))
    }

    /// The schema of a form whose fields are those of `T`, with a file called `file`.
    pub fn schema_with_file<T: JsonSchema + 'static>(file: &str) -> serde_json::Value {
        let mut schema = super::schema_of::<T>().as_ref().clone();
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.insert(file.to_owned(), serde_json::json!({ "type": "string", "format": "binary" }));
        }
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("required".to_owned(), serde_json::json!([file]));
        }
        schema
    }

    fn describe_as(operation: &mut Operation, schema: serde_json::Value) {
        operation.body = Some(BodyDescription { content_type: "multipart/form-data".to_owned(), schema });
    }
}

impl Field {
    /// The field's name.
    pub fn name(&self) -> Option<&str> {
        self.inner.name()
    }

    /// The file's name, when it is a file.
    pub fn file_name(&self) -> Option<&str> {
        self.inner.file_name()
    }

    /// The content as text, at most `limit` bytes of it.
    ///
    /// # Errors
    /// [`Failure::TooLarge`] beyond the limit; [`Failure::Invalid`] when it is not UTF-8, or cut short.
    pub async fn text(mut self, limit: usize) -> Result<String, Failure> {
        let name = self.inner.name().unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = self.inner.chunk().await.map_err(malformed)? {
            if bytes.len() + chunk.len() > limit {
                let message = format!("field `{name}` is longer than the {limit} bytes accepted");
                return Err(Failure::too_large(message, limit as u64));
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|_| Failure::invalid(format!("field `{name}` is not UTF-8 text")))
    }

    /// The content as it comes.
    pub fn into_body(self) -> Body {
        use futures_util::TryStreamExt;
        Body::stream(self.inner.map_err(malformed).map_ok(Bytes::from), None)
    }
}

/// The failure of the body underneath, where that is what went wrong.
fn malformed(error: multer::Error) -> Failure {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(cause) => Failure::invalid(format!("the form could not be read: {cause}")),
        },
        other => Failure::invalid(format!("the form could not be read: {other}")),
    }
}
