//! Events as they are said, as server-sent events.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use switchboard_api::{Answer, Body, BodyDescription, Operation, OrganizationId};
use switchboard_delivery::{Delivery, Onlooker};
use switchboard_kernel::Kernel;
use switchboard_sdk::{Response, answer::IntoAnswer, extract::Headers, prelude::*};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{
    cloud_event::CloudEvent,
    listed::{Wanted, parsed},
};

/// How long a stream lasts: then the reader asks again, goes on where it was, and is asked again who it is.
const LASTS: Duration = Duration::from_secs(300);

/// How long nothing is sent at most, so that nobody on the way takes the connection for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a reader may leave what was sent to it unread.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many pieces wait for a slow reader at most.
const PIECES: usize = 4;

/// What begins a stream: when to ask again after it has ended.
const BEGINNING: &str = "retry: 1000\n\n";

/// Says that events may be missing.
const MISSED: &str = "event: gap\ndata: {\"reason\": \"events were said that are not kept any more\"}\n\n";

/// A stream of events.
pub(crate) struct Stream(Response);

impl IntoAnswer for Stream {
    fn into_answer(self) -> Result<Response> {
        Ok(self.0)
    }

    fn describe(operation: &mut Operation) {
        let body = BodyDescription {
            content_type: "text/event-stream".to_owned(),
            schema: serde_json::json!({ "type": "string" }),
        };
        let description = "Events as they are said, each in the JSON form of CloudEvents".to_owned();
        operation.answers.push(Answer { status: StatusCode::OK, description, body: Some(body) });
    }
}

/// The events that are wanted, in an organization or in all, as they are said: from now on, or from the one whose id the
/// reader says it had last.
pub(crate) async fn stream(
    kernel: Arc<Kernel>,
    delivery: &Delivery,
    organization: Option<OrganizationId>,
    wanted: Wanted,
    headers: &Headers,
) -> Result<Stream> {
    let last = headers.get("last-event-id").filter(|last| !last.is_empty());
    let last = last.map(|last| parsed(["header", "Last-Event-ID"], last)).transpose()?;
    let onlooker = delivery.look_on(wanted.filter("query", organization)?, last).await?;
    let (sender, receiver) = mpsc::channel(PIECES);
    let ended = Arc::new(OnceLock::new());
    let mut telling = Telling { kernel, onlooker, sender };
    let why = Arc::clone(&ended);
    tokio::spawn(async move {
        // Before the sender goes; and nobody else sets it.
        let _ = why.set(telling.run().await);
    });
    let pieces = stream::unfold(Some((receiver, ended)), |state| async move {
        let (mut receiver, ended) = state?;
        match receiver.recv().await {
            Some(piece) => Some((Ok(piece), Some((receiver, ended)))),
            None => {
                let reason = ended.get().copied().unwrap_or(Ended::Broken);
                Some((Ok::<_, Failure>(reason.told()), None))
            }
        }
    });
    let mut response = Response::new(StatusCode::OK);
    let is_stream = HeaderValue::from_static("text/event-stream");
    response.headers.insert(header::CONTENT_TYPE, is_stream);
    response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // For nginx, which would collect what is sent.
    response.headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.body = Body::stream(pieces, None);
    Ok(Stream(response))
}

/// Why a stream has ended.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// It has lasted as long as one does.
    Over,
    /// The reader left too much unread.
    TooSlow,
    /// The server stops.
    Stopping,
    /// The events could not be read.
    Broken,
    /// Nobody reads it any more.
    Left,
}

impl Ended {
    fn told(self) -> Bytes {
        let reason = match self {
            Self::Over => "ask again, with the id of the last event",
            Self::TooSlow => "too much was left unread; ask again, with the id of the last event",
            Self::Stopping => "the server stops",
            Self::Broken | Self::Left => "the events could not be read",
        };
        format!("event: end\ndata: {{\"reason\": \"{reason}\"}}\n\n").into()
    }
}

/// Tells a reader of events.
struct Telling {
    kernel: Arc<Kernel>,
    onlooker: Onlooker,
    sender: mpsc::Sender<Bytes>,
}

impl Telling {
    async fn run(&mut self) -> Ended {
        let until = Instant::now() + LASTS;
        let missed = if self.onlooker.has_missed_some() { MISSED } else { "" };
        let mut piece = Bytes::from(format!("{BEGINNING}{missed}"));
        loop {
            match timeout(PATIENCE, self.sender.send(piece)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ended::Left,
                Err(_) => return Ended::TooSlow,
            }
            piece = tokio::select! {
                events = self.onlooker.next() => match events {
                    Ok(Some(events)) => match self.pieces(events) {
                        Ok(piece) => piece,
                        Err(failure) => {
                            tracing::error!("a stream of events broke off: {failure}");
                            return Ended::Broken;
                        }
                    },
                    Ok(None) => return Ended::Stopping,
                    Err(error) => {
                        tracing::error!("a stream of events broke off: {error}");
                        return Ended::Broken;
                    }
                },
                () = self.sender.closed() => return Ended::Left,
                () = tokio::time::sleep(HEARTBEAT) => Bytes::from_static(b":\n\n"),
                () = tokio::time::sleep_until(until) => return Ended::Over,
            };
        }
    }

    fn pieces(&self, events: Vec<(switchboard_api::Event, switchboard_delivery::Bookmark)>) -> Result<Bytes> {
        let mut piece = String::new();
        for (event, bookmark) in events {
            let event = CloudEvent::of(&self.kernel, event)?;
            let data = serde_json::to_string(&event).map_err(|error| {
                Failure::broken(format!("an event could not be written as JSON: {error}"))
            })?;
            // JSON on one line: a line break within it is escaped.
            piece.push_str(&format!("id: {bookmark}\ndata: {data}\n\n"));
        }
        Ok(piece.into())
    }
}
