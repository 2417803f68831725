//! A form with files.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as Polling, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use schemars::JsonSchema;
use switchboard_api::{Body, BodyDescription, Chunks, Failure, Fault, Operation, Request};

use super::FromRequest;
use crate::Context;

/// How much may stand before a field and between two: headers, and what belongs to no field.
const MOST_BETWEEN: usize = 64 << 10;

/// A `multipart/form-data` body, read field by field in the order in which they come.
///
/// No more of it is in memory than a piece as it came, and the headers of a field.
pub struct Multipart {
    inner: multer::Multipart<'static>,
    /// The field given last, which goes back here when it is dropped before its end.
    unread: Arc<Mutex<Option<multer::Field<'static>>>>,
    /// How many bytes may still be taken before the next field begins; without bound within one.
    allowance: Arc<AtomicUsize>,
}

/// A field of a form: a value, or a file.
pub struct Field {
    inner: Option<multer::Field<'static>>,
    unread: Arc<Mutex<Option<multer::Field<'static>>>>,
}

impl FromRequest for Multipart {
    async fn from_request(_: &Context, request: &mut Request) -> Result<Self, Failure> {
        let content_type =
            request.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary =
            content_type.and_then(|value| multer::parse_boundary(value).ok()).ok_or_else(|| {
                let msg = "A form is expected: send `Content-Type: multipart/form-data` with its boundary";
                let input = content_type.map_or(serde_json::Value::Null, Into::into);
                Failure::faults(vec![Fault::new("form_expected", ["header", "content-type"], msg, input)])
            })?;
        let allowance = Arc::new(AtomicUsize::new(usize::MAX));
        let pieces = Pieces {
            chunks: std::mem::take(&mut request.body).into_chunks(),
            gave: false,
            allowance: Arc::clone(&allowance),
        };
        Ok(Self { inner: multer::Multipart::new(pieces, boundary), unread: Arc::default(), allowance })
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
        // What is left of the field before is passed over here, so that what remains is what stands between two.
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut unread) = unread {
            while unread.chunk().await.map_err(malformed)?.is_some() {}
        }
        self.allowance.store(MOST_BETWEEN, Ordering::Relaxed);
        let field = self.inner.next_field().await.map_err(malformed)?;
        self.allowance.store(usize::MAX, Ordering::Relaxed);
        Ok(field.map(|inner| Field { inner: Some(inner), unread: Arc::clone(&self.unread) }))
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
        self.inner.as_ref()?.name()
    }

    /// The file's name, when it is a file.
    pub fn file_name(&self) -> Option<&str> {
        self.inner.as_ref()?.file_name()
    }

    /// The content as text, at most `limit` bytes of it.
    ///
    /// # Errors
    /// [`Failure::TooLarge`] beyond the limit; [`Failure::Invalid`] when it is not UTF-8, or cut short.
    pub async fn text(mut self, limit: usize) -> Result<String, Failure> {
        let name = self.name().unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                let message = format!("field `{name}` is longer than the {limit} bytes accepted");
                return Err(Failure::too_large(message, limit as u64));
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|error| {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let msg = "Input should be UTF-8 text";
            Failure::faults(vec![Fault::new("string_unicode", ["body", &name], msg, text.into())])
        })
    }

    /// The content as it comes.
    pub fn into_body(self) -> Body {
        let chunks = futures_util::stream::unfold(self, async |mut field| {
            let chunk = field.chunk().await.transpose()?;
            Some((chunk, field))
        });
        Body::stream(chunks, None)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(inner) = &mut self.inner else { return Ok(None) };
        let chunk = inner.chunk().await;
        if !matches!(chunk, Ok(Some(_))) {
            self.inner = None;
        }
        chunk.map_err(malformed)
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(inner);
        }
    }
}

/// The pieces of a body, one each time that is asked: a reader that takes all that is ready would take a whole file into
/// memory where pieces come without waiting.
struct Pieces {
    chunks: Chunks,
    gave: bool,
    allowance: Arc<AtomicUsize>,
}

impl Stream for Pieces {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, polling: &mut Polling<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.gave) {
            polling.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.chunks.as_mut().poll_next(polling);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.gave = true;
            let left = self.allowance.load(Ordering::Relaxed);
            if left == 0 {
                let message = format!(
                    "the form could not be read: more than {MOST_BETWEEN} bytes stand where a field should begin"
                );
                return Poll::Ready(Some(Err(Failure::invalid(message))));
            }
            if left != usize::MAX {
                self.allowance.store(left.saturating_sub(chunk.len()), Ordering::Relaxed);
            }
        }
        polled
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
