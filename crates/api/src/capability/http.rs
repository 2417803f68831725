//! `http`: requests to other servers.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::{BoxFuture, Context, Failure};

/// A request to another server.
///
/// ```
/// use switchboard_api::capability::HttpRequest;
/// # fn example() -> Result<(), switchboard_api::Failure> {
/// let request = HttpRequest::post("https://api.example.com/messages")
///     .header("authorization", "Bearer abc")?
///     .json(&serde_json::json!({ "text": "hello" }))?;
/// assert_eq!(request.body, br#"{"text":"hello"}"#.as_slice());
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The whole address, by `https` or `http`.
    pub url: String,
    /// The headers. Those of the connection, such as `Host` and `Content-Length`, are the host's to write.
    pub headers: HeaderMap,
    /// The body, of at most 8 MiB.
    pub body: Bytes,
}

/// What another server answered.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpResponse {
    /// The status, whatever it is: also one of 404 or 500 is an answer.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Requests to other servers.
pub trait Http: Send + Sync {
    /// Sends a request, follows up to five redirects, and gives the answer with its whole body.
    ///
    /// Only hosts that the manifest names are called, and none that is, or is redirected to, an address of a private network,
    /// unless the operator allows that network. A request whose answer does not come may have been done all the same.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an address that is none, and for a header that is the connection's; [`Failure::Forbidden`] for
    /// a host that the manifest does not name, and for a private address; [`Failure::TooLarge`] for more than 8 MiB either
    /// way; [`Failure::RateLimited`] for too many at once; [`Failure::TimedOut`] after 30 seconds, or when the call's time is
    /// up; [`Failure::Unavailable`] when the server cannot be reached or breaks off.
    fn send<'a>(
        &'a self,
        context: &'a Context,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>>;
}

impl HttpRequest {
    /// A request with this method and nothing else.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A request that reads.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A request that sends.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// The request with a header, in place of one of the name.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a name or a value that is none.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::invalid(format!("header `{name}`: its {what} is none"));
        let key: HeaderName = name.parse().map_err(|_| wrong("name"))?;
        let mut value: HeaderValue = value.parse().map_err(|_| wrong("value"))?;
        value.set_sensitive(key == header::AUTHORIZATION);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// The request with a body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The request with a body of JSON, and its `Content-Type`.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Result<Self, Failure> {
        let json = serde_json::to_vec(value)
            .map_err(|error| Failure::broken(format!("a request's body has no JSON form: {error}")))?;
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self.body(json))
    }
}

impl HttpResponse {
    /// The body read as JSON.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when it is none, or another than was expected: the other server does not answer as it should.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Failure::unavailable(format!("the other server's answer is not as expected: {error}"))
        })
    }
}
