//! The events that are kept, and how each stands with those who listen.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use switchboard_api::{Fault, Operation, OrganizationId};
use switchboard_delivery::{Delivery, EventFilter, Hearing, HearingState};
use switchboard_kernel::Kernel;
use switchboard_sdk::{Response, Timestamp, answer::IntoAnswer, extract::Headers, prelude::*};

use super::cloud_event::CloudEvent;

/// The media types of CloudEvents in JSON: one event, and a list of some.
const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// Where a list of events that is nothing but that goes on.
const NEXT: &str = "x-next";

/// Which events are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Wanted {
    /// Only those of this type, or of a pattern of types such as `tournament.match.*`.
    #[serde(rename = "type")]
    pattern: Option<String>,
    /// Only those about this, such as `clip/7`.
    subject: Option<String>,
    /// Only those that this plugin said.
    plugin: Option<String>,
    /// Only those that were said from then on.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    since: Option<Timestamp>,
    /// Only those that were said before then.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    until: Option<Timestamp>,
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Listing {
    #[serde(flatten)]
    wanted: Wanted,
    /// Only those before this place: `next` of the page before.
    before: Option<String>,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

impl Default for Listing {
    fn default() -> Self {
        Self { wanted: Wanted::default(), before: None, limit: 100 }
    }
}

/// Events that are kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Events {
    /// The events, newest first. There may be fewer than were asked for, also where others follow.
    events: Vec<CloudEvent>,
    /// What to give as `before` for those that follow; `null` when there are none.
    next: Option<String>,
}

/// An event with how it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventInFull {
    /// The event.
    event: CloudEvent,
    /// The plugins that listen to it, by id.
    listeners: Vec<Heard>,
}

/// How an event stands with one listener.
#[derive(Debug, Serialize, JsonSchema)]
struct Heard {
    /// The plugin that listens.
    listener: String,
    /// Whether it has heard it.
    state: State,
    /// How often it was tried and failed.
    attempts: u32,
    /// When it is tried next, or was given up, in UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    at: Option<Timestamp>,
    /// What it failed with the last time.
    error: Option<String>,
}

/// Whether a listener has heard an event.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It has heard it; or it listens now, and was not there to hear it then.
    Delivered,
    /// It has not come to it yet, or just now.
    Underway,
    /// It is tried again, or waits for others of its subject, or until it is heard again what was paused.
    Waiting,
    /// It was given up, and waits for a person.
    Dead,
    /// It was given up, and a person said that this is well.
    Discarded,
}

/// An answer in the form that was asked for: this server's, or that of CloudEvents and nothing else.
pub(crate) enum InForm<T> {
    Own(Json<T>),
    Cloud(Response),
}

impl<T: Serialize + JsonSchema> IntoAnswer for InForm<T> {
    fn into_answer(self) -> Result<Response> {
        match self {
            Self::Own(own) => own.into_answer(),
            Self::Cloud(response) => Ok(response),
        }
    }

    fn describe(operation: &mut Operation) {
        <Json<T> as IntoAnswer>::describe(operation);
    }
}

impl Wanted {
    /// Whether nothing is left out.
    pub(super) fn is_all(&self) -> bool {
        let Self { pattern, subject, plugin, since, until } = self;
        pattern.is_none() && subject.is_none() && plugin.is_none() && since.is_none() && until.is_none()
    }

    /// The filter that it means, in an organization or in all. It stands in the query, or in the body.
    pub(super) fn filter(self, place: &str, organization: Option<OrganizationId>) -> Result<EventFilter> {
        let Self { pattern, subject, plugin, since, until } = self;
        Ok(EventFilter {
            source: plugin.map(|plugin| parsed([place, "plugin"], &plugin)).transpose()?,
            organization,
            pattern: pattern.map(|pattern| parsed([place, "type"], &pattern)).transpose()?,
            subject,
            since,
            until,
        })
    }
}

/// What stands in a request as text, in this place.
pub(super) fn parsed<T>(place: [&str; 2], text: &str) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| {
        Failure::faults(vec![Fault::new("value_error", place, error.to_string(), text.into())])
    })
}

/// A page of the events that are wanted, in an organization or in all.
pub(crate) async fn events(
    kernel: &Kernel,
    delivery: &Delivery,
    organization: Option<OrganizationId>,
    Listing { wanted, before, limit }: Listing,
    headers: &Headers,
) -> Result<InForm<Events>> {
    let before = before.map(|before| parsed(["query", "before"], &before)).transpose()?;
    let page = delivery.events(&wanted.filter("query", organization)?, before.as_ref(), limit).await?;
    let events = page.events.into_iter().map(|kept| CloudEvent::kept(kernel, kept));
    let (events, next) = (events.collect::<Result<Vec<_>>>()?, page.next.map(|next| next.to_string()));
    if !asks_for(headers, BATCH) {
        return Ok(InForm::Own(Json(Events { events, next })));
    }
    let mut response = in_cloud_form(BATCH, &events)?;
    if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        response.headers.insert(NEXT, next);
    }
    Ok(InForm::Cloud(response))
}

/// One event, in an organization or in all, and how it stands with those listeners of whom the reader may know.
pub(crate) async fn event(
    kernel: &Kernel,
    delivery: &Delivery,
    organization: Option<OrganizationId>,
    (plugin, id): (&str, &str),
    headers: &Headers,
) -> Result<InForm<EventInFull>> {
    let nothing = || not_found!("plugin `{plugin}` has said no event `{id}`, or it is not kept any more");
    let source = plugin.parse().map_err(|_| nothing())?;
    let found = delivery.event(&source, id).await?;
    let is_seen = |kept: &Option<OrganizationId>| organization.is_none() || *kept == organization;
    let (kept, hearings) = found.filter(|(kept, _)| is_seen(&kept.event.organization)).ok_or_else(nothing)?;
    let event = CloudEvent::kept(kernel, kept)?;
    if asks_for(headers, ONE) {
        return in_cloud_form(ONE, &event).map(InForm::Cloud);
    }
    let snapshot = kernel.snapshot();
    let is_known = |hearing: &Hearing| {
        let plugin = snapshot.plugin(hearing.listener.as_str());
        organization.is_none_or(|id| plugin.is_some_and(|plugin| snapshot.is_seen(plugin, id)))
    };
    let listeners = hearings.into_iter().filter(is_known).map(Heard::of).collect();
    Ok(InForm::Own(Json(EventInFull { event, listeners })))
}

fn asks_for(headers: &Headers, media_type: &str) -> bool {
    headers.get("accept").is_some_and(|accept| {
        accept.split(',').any(|range| range.split(';').next().is_some_and(|range| range.trim() == media_type))
    })
}

fn in_cloud_form(media_type: &'static str, value: &impl Serialize) -> Result<Response> {
    let body = serde_json::to_vec(value)
        .map_err(|error| Failure::broken(format!("events could not be written as JSON: {error}")))?;
    let mut response = Response::new(StatusCode::OK);
    response.headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    response.body = body.into();
    Ok(response)
}

impl Heard {
    fn of(hearing: Hearing) -> Self {
        Self {
            listener: hearing.listener.to_string(),
            state: match hearing.state {
                HearingState::Delivered => State::Delivered,
                HearingState::Underway => State::Underway,
                HearingState::Waiting => State::Waiting,
                HearingState::Dead => State::Dead,
                HearingState::Discarded => State::Discarded,
            },
            attempts: hearing.attempt,
            at: hearing.at,
            error: hearing.error,
        }
    }
}
