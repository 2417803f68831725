//! What a handler can give.
//!
//! Each becomes the answer to the request, and says in the route's description what it gives.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use switchboard_api::{Answer, BodyDescription, Failure, Operation, Response};

use crate::extract::answer_schema_of;

/// Something that answers a request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no answer to a request",
    note = "a handler gives `Json`, `Created`, `NoContent`, `Response`, one of them with a `HeaderMap`, or a `Result` of one"
)]
pub trait IntoAnswer {
    /// Makes the answer.
    ///
    /// # Errors
    /// The [`Failure`] that it is instead.
    fn into_answer(self) -> Result<Response, Failure>;

    /// Says in the route's description what it gives.
    fn describe(operation: &mut Operation);
}

/// A value as JSON: a body taken, or an answer of 200.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// An answer of 201 with what was created.
#[derive(Debug, Clone, Copy)]
pub struct Created<T>(pub T);

/// An answer of 204, empty.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl<T: Serialize + JsonSchema> IntoAnswer for Json<T> {
    fn into_answer(self) -> Result<Response, Failure> {
        json(StatusCode::OK, &self.0)
    }

    fn describe(operation: &mut Operation) {
        operation.answers.push(json_answer::<T>(StatusCode::OK, "Done"));
    }
}

impl<T: Serialize + JsonSchema> IntoAnswer for Created<T> {
    fn into_answer(self) -> Result<Response, Failure> {
        json(StatusCode::CREATED, &self.0)
    }

    fn describe(operation: &mut Operation) {
        operation.answers.push(json_answer::<T>(StatusCode::CREATED, "Created"));
    }
}

impl IntoAnswer for NoContent {
    fn into_answer(self) -> Result<Response, Failure> {
        Ok(Response::new(StatusCode::NO_CONTENT))
    }

    fn describe(operation: &mut Operation) {
        let description = "Done; there is nothing to say".to_owned();
        operation.answers.push(Answer { status: StatusCode::NO_CONTENT, description, body: None });
    }
}

impl IntoAnswer for Response {
    fn into_answer(self) -> Result<Response, Failure> {
        Ok(self)
    }

    fn describe(operation: &mut Operation) {
        let body = BodyDescription {
            content_type: "application/octet-stream".to_owned(),
            schema: serde_json::json!({ "type": "string", "format": "binary" }),
        };
        operation.answers.push(Answer {
            status: StatusCode::OK,
            description: "The content".to_owned(),
            body: Some(body),
        });
    }
}

/// An answer with these headers besides its own; one of the same name takes the place of its own.
impl<T: IntoAnswer> IntoAnswer for (HeaderMap, T) {
    fn into_answer(self) -> Result<Response, Failure> {
        let mut response = self.1.into_answer()?;
        response.headers.extend(self.0);
        Ok(response)
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<T: IntoAnswer> IntoAnswer for Result<T, Failure> {
    fn into_answer(self) -> Result<Response, Failure> {
        self?.into_answer()
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Failure> {
    // Room for an ordinary answer, so that it does not grow by doubling.
    let mut body = Vec::with_capacity(1024);
    serde_json::to_writer(&mut body, value)
        .map_err(|error| Failure::broken(format!("an answer could not be written as JSON: {error}")))?;
    let mut response = Response::new(status);
    response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.body = body.into();
    Ok(response)
}

fn json_answer<T: JsonSchema>(status: StatusCode, description: &str) -> Answer {
    Answer {
        status,
        description: description.to_owned(),
        body: Some(BodyDescription {
            content_type: "application/json".to_owned(),
            schema: answer_schema_of::<T>(),
        }),
    }
}
