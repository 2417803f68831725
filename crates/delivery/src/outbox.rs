//! Events on their way out: written in the transaction of the change that they report.

use std::sync::Arc;

use serde::Deserialize;
use switchboard_api::{Context, Event, NewEvent, OrganizationId, Payload, Timestamp, Value};
use switchboard_store::Room;

use crate::{Error, EventFilter};

const INSERT: &str = "insert into _switchboard_outbox
        (seq, id, name, subject, organization_id, time, actor, trace, data)
    values (
        case when exists (select 1 from _switchboard_outbox where seq >= $1)
            then (select 1 + max(seq) from _switchboard_outbox) else $1 end,
        $2, $3, $4, $5, $1, $6, $7, $8)";

/// The one statement that puts an event into the outbox of the plugin that says it.
///
/// Run it as host in the transaction of the change, never as a statement of its own on PostgreSQL: events have to be
/// committed in the order of their numbers, which transactions of a room are. And [`wake`](crate::Delivery::wake) the delivery when that is
/// committed. Nothing is written for listeners: who hears the event is found out later.
pub fn outbox_insert(
    event: &NewEvent,
    context: &Context,
    id: String,
    now: Timestamp,
) -> (&'static str, Vec<Value>) {
    let values = vec![
        now.as_microsecond().into(),
        id.into(),
        event.name.as_str().into(),
        event.subject.as_str().into(),
        context.organization.as_ref().map(|organization| organization.id).into(),
        (*context.actor.name).into(),
        (*context.trace).into(),
        event.data.as_str().into(),
    ];
    (INSERT, values)
}

/// What an event is about, for whom: the events of one topic are delivered in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Topic {
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) subject: Arc<str>,
}

/// An event as it stands in the outbox.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    pub(crate) seq: i64,
    id: String,
    pub(crate) name: String,
    subject: Arc<str>,
    organization_id: Option<OrganizationId>,
    time: i64,
    actor: String,
    trace: String,
    data: String,
}

impl Said {
    pub(crate) const COLUMNS: &str =
        "o.seq, o.id, o.name, o.subject, o.organization_id, o.time, o.actor, o.trace, o.data";

    pub(crate) fn topic(&self) -> Topic {
        Topic { organization: self.organization_id, subject: Arc::clone(&self.subject) }
    }

    pub(crate) fn organization_id(&self) -> Option<OrganizationId> {
        self.organization_id
    }

    /// How many bytes of data it has.
    pub(crate) fn bytes(&self) -> usize {
        self.data.len()
    }

    pub(crate) fn trace(&self) -> &str {
        &self.trace
    }

    /// The event as a listener hears it.
    ///
    /// # Errors
    /// [`Error::Data`] when somebody wrote into the outbox what is no event.
    pub(crate) fn event(&self, source: &str, attempt: u32) -> Result<Event, Error> {
        let not_an_event = |why: String| Error::Data(format!("event `{}` of `{source}`: {why}", self.id));
        Ok(Event {
            id: self.id.clone(),
            source: source.to_owned(),
            name: self.name.clone(),
            subject: self.subject.as_ref().to_owned(),
            time: Timestamp::from_microsecond(self.time).map_err(|error| not_an_event(error.to_string()))?,
            organization: self.organization_id,
            actor: self.actor.clone(),
            trace: self.trace.clone(),
            data: Payload::from_text(self.data.as_str()).map_err(|error| not_an_event(error.to_string()))?,
            attempt,
        })
    }
}

/// The events after the one of that number that a filter lets through, by all but the end of its pattern: at most so many, and no
/// more once their data are that many bytes.
pub(crate) async fn said_after(
    room: &Room,
    wanted: &EventFilter,
    seq: i64,
    most: usize,
    most_bytes: usize,
) -> Result<Vec<Said>, Error> {
    let columns = Said::COLUMNS;
    let mut conditions = wanted.conditions();
    conditions.add("seq >", seq.into());
    let [most, most_bytes] = [most, most_bytes].map(|most| i64::try_from(most).unwrap_or(i64::MAX));
    let (most, most_bytes) = (conditions.value(most.into()), conditions.value(most_bytes.into()));
    let (conditions, values) = conditions.into_parts();
    let sql = format!(
        "select {columns} from _switchboard_outbox o join (
            select seq, sum(bytes) over (order by seq) - bytes as before from (
                select seq, octet_length(data) as bytes from _switchboard_outbox
                where {conditions} order by seq limit {most}) as sizes
        ) sized on sized.seq = o.seq
        where sized.before < {most_bytes} order by o.seq"
    );
    Ok(room.query(&sql, values).await?.to()?)
}

/// The number of the newest event; -1 when there was none.
pub(crate) async fn newest(room: &Room) -> Result<i64, Error> {
    let sql = "select coalesce(max(seq), -1) from _switchboard_outbox";
    Ok(room.query(sql, vec![]).await?.to()?.pop().unwrap_or(-1))
}

/// The event of that number, if it is still there.
pub(crate) async fn said(room: &Room, seq: i64) -> Result<Option<Said>, Error> {
    let columns = Said::COLUMNS;
    let sql = format!("select {columns} from _switchboard_outbox o where o.seq = $1");
    Ok(room.query(&sql, vec![seq.into()]).await?.to()?.pop())
}
