//! JSON that crosses the boundary.

use serde::{Serialize, de::DeserializeOwned};

use crate::Failure;

/// A JSON value as text: what events, filters, services and tasks carry.
///
/// Text rather than a type, so that two plugins need not be built together to speak to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Box<str>);

impl Payload {
    /// The value as JSON.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the value has no JSON form, such as a map with keys that are no texts.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Failure> {
        match serde_json::to_string(value) {
            Ok(text) => Ok(Self(text.into())),
            Err(error) => Err(Failure::broken(format!("a payload could not be written as JSON: {error}"))),
        }
    }

    /// Text that is known to be JSON.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it is not.
    pub fn from_text(text: impl Into<Box<str>>) -> Result<Self, Failure> {
        let text = text.into();
        match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(Failure::invalid(format!("a payload is not JSON: {error}"))),
        }
    }

    /// Text that whoever hands it over has found to be JSON: it is not looked at again. Where it is none after all,
    /// [`to`](Self::to) fails.
    pub fn from_checked_text(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// `null`.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// The JSON text, itself.
    pub fn into_text(self) -> Box<str> {
        self.0
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a `T`.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it has another shape; the message says where.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.0)
            .map_err(|error| Failure::invalid(format!("a payload does not have the shape expected: {error}")))
    }
}
