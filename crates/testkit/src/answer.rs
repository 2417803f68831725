//! What a route answered.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use switchboard_api::{Failure, Response};

/// What a route answered, its body read to the end.
#[derive(Debug)]
pub struct Answer {
    /// The status; none when the call failed.
    pub status: Option<StatusCode>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How the call failed, if it did.
    pub failure: Option<Failure>,
}

impl Answer {
    pub(crate) async fn of(reply: Result<Response, Failure>) -> Self {
        match reply {
            Ok(response) => match response.body.collect(u64::MAX).await {
                Ok(body) => {
                    Self { status: Some(response.status), headers: response.headers, body, failure: None }
                }
                Err(failure) => Self::failed(failure),
            },
            Err(failure) => Self::failed(failure),
        }
    }

    fn failed(failure: Failure) -> Self {
        Self { status: None, headers: HeaderMap::new(), body: Bytes::new(), failure: Some(failure) }
    }

    /// The body as a `T`, of an answer with this status.
    ///
    /// # Panics
    /// When the status is another or the body has another shape.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self, status: u16) -> T {
        self.expect(status);
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&self.body)))
    }

    /// Requires the status.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        let found = self.status.map(|status| status.as_u16());
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(found, Some(status), "failure: {:?}, body: {body}", self.failure);
        self
    }

    /// How the call failed.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn failure(&self) -> &Failure {
        self.failure.as_ref().unwrap_or_else(|| panic!("the call should have failed: {self:?}"))
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
