//! What plugins say has happened. The attributes are those of CloudEvents 1.0.

use serde::Serialize;

use crate::{Failure, OrganizationId, Payload, Timestamp};

/// An event that a plugin is about to say.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The type that the manifest declares, such as `clip.created`.
    pub name: String,
    /// What it is about, such as `clip/7`; events of one subject are delivered in order.
    pub subject: String,
    /// The data, as the declared schema says.
    pub data: Payload,
}

impl NewEvent {
    /// An event with its data.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the data has no JSON form.
    pub fn new<T: Serialize + ?Sized>(
        name: impl Into<String>,
        subject: impl Into<String>,
        data: &T,
    ) -> Result<Self, Failure> {
        Ok(Self { name: name.into(), subject: subject.into(), data: Payload::of(data)? })
    }
}

/// An event as a listener hears it.
///
/// It comes at least once: the same `source` and `id` may come again, and mean the same event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique within its source.
    pub id: String,
    /// The plugin that said it.
    pub source: String,
    /// Its type, such as `clip.created`.
    pub name: String,
    /// What it is about.
    pub subject: String,
    /// When it was said.
    pub time: Timestamp,
    /// The organization in which it happened; none in global scope.
    pub organization: Option<OrganizationId>,
    /// Who was behind it.
    pub actor: String,
    /// The id of the request in which it happened.
    pub trace: String,
    /// The data.
    pub data: Payload,
    /// 1 the first time, 2 when delivered again.
    pub attempt: u32,
}
