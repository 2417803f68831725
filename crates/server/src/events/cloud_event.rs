//! An event in the form of CloudEvents 1.0.

use switchboard_api::Event;
use switchboard_delivery::KeptEvent;
use switchboard_kernel::Kernel;
use switchboard_sdk::{Timestamp, prelude::*};

use crate::audit_lines::name_of;

/// An event as CloudEvents 1.0 has it in JSON; from `organization` on, the attributes are this server's own.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CloudEvent {
    /// The version of the form.
    #[schemars(extend("const" = "1.0"))]
    specversion: &'static str,
    /// Unique within its source.
    id: String,
    /// The plugin that said it.
    source: String,
    /// What has happened, such as `clip.created`.
    #[serde(rename = "type")]
    name: String,
    /// What it is about, such as `clip/7`.
    subject: String,
    /// When it was said, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    time: Timestamp,
    /// What `data` is.
    #[schemars(extend("const" = "application/json"))]
    datacontenttype: &'static str,
    /// In which organization it happened, by its name in addresses; absent in global scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// Who was behind it.
    actor: String,
    /// The id of the request in which it happened.
    trace: String,
    /// Its number among the events of its source, which grows with time.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    /// For how many listeners it waits, to be tried again or because others stand before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<u32>,
    /// How many listeners it was given up with.
    #[serde(skip_serializing_if = "Option::is_none")]
    dead: Option<u32>,
    /// What the event carries, as its source's manifest says.
    data: serde_json::Value,
}

impl CloudEvent {
    /// An event alone.
    pub(crate) fn of(kernel: &Kernel, event: Event) -> Result<Self> {
        Ok(Self {
            specversion: "1.0",
            data: event.data.to()?,
            id: event.id,
            source: event.source,
            name: event.name,
            subject: event.subject,
            time: event.time,
            datacontenttype: "application/json",
            organization: event.organization.map(|id| name_of(kernel, id)),
            actor: event.actor,
            trace: event.trace,
            sequence: None,
            waiting: None,
            dead: None,
        })
    }

    /// An event with how it stands.
    pub(crate) fn kept(kernel: &Kernel, kept: KeptEvent) -> Result<Self> {
        Ok(Self {
            sequence: Some(kept.seq.to_string()),
            waiting: Some(kept.waiting),
            dead: Some(kept.dead),
            ..Self::of(kernel, kept.event)?
        })
    }
}
