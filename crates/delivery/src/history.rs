//! What was said and is still kept, the newest first, and how it stands with those who listen.

use std::{cmp::Reverse, fmt, str::FromStr};

use serde::Deserialize;
use switchboard_api::{Event, OrganizationId, Timestamp};
use switchboard_manifest::{EventPattern, PluginId};
use switchboard_sql::Conditions;

use crate::{Delivery, Error, outbox::Said, shared::moment};

/// How many bytes of data a page has at most; one event alone may be larger.
const PAGE_BYTES: i64 = 8 << 20;

/// Which events are wanted. Each part that is absent lets all through.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only those that this plugin said.
    pub source: Option<PluginId>,
    /// Only those that happened in this organization.
    pub organization: Option<OrganizationId>,
    /// Only those of these types.
    pub pattern: Option<EventPattern>,
    /// Only those about this.
    pub subject: Option<String>,
    /// Only those that were said from then on.
    pub since: Option<Timestamp>,
    /// Only those that were said before then.
    pub until: Option<Timestamp>,
}

/// Where an event stands among those of all plugins: `1764150000000000.clips`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlace {
    /// Its number in the outbox of its plugin, which grows with time.
    pub seq: i64,
    /// The plugin that said it.
    pub source: PluginId,
}

/// A text is no place of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place among events; take `next` of the page before")]
pub struct NotAnEventPlace(String);

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, self.source)
    }
}

impl FromStr for EventPlace {
    type Err = NotAnEventPlace;

    fn from_str(text: &str) -> Result<Self, NotAnEventPlace> {
        let parts =
            text.split_once('.').and_then(|(seq, source)| Some((seq.parse().ok()?, source.parse().ok()?)));
        let (seq, source) = parts.ok_or_else(|| NotAnEventPlace(text.to_owned()))?;
        Ok(Self { seq, source })
    }
}

/// An event that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEvent {
    /// The event, as a listener hears it first.
    pub event: Event,
    /// Its number in the outbox of its plugin, which grows with time.
    pub seq: i64,
    /// For how many listeners it waits, to be tried again or because others stand before it.
    pub waiting: u32,
    /// How many listeners it was given up with.
    pub dead: u32,
}

/// Some of the events that are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// The newest first. There may be fewer than were asked for, also where others follow.
    pub events: Vec<KeptEvent>,
    /// Before which place to look for those that follow; none where there are no others.
    pub next: Option<EventPlace>,
}

/// How an event stands with one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearing {
    /// The plugin that listens.
    pub listener: PluginId,
    /// Whether it has heard it.
    pub state: HearingState,
    /// How often it was tried and failed.
    pub attempt: u32,
    /// When it is tried next, or was given up.
    pub at: Option<Timestamp>,
    /// What it failed with the last time.
    pub error: Option<String>,
}

/// Whether a listener has heard an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HearingState {
    /// It has heard it; or it listens now, and was not there to hear it then.
    Delivered,
    /// It has not come to it yet, or it was not written down yet that it has.
    Underway,
    /// It is tried again, or waits for others of its subject.
    Waiting,
    /// It was given up, and waits for a person.
    Dead,
    /// It was given up, and a person said that this is well.
    Discarded,
}

impl EventFilter {
    /// What stands behind `where` for it. What a pattern wants beyond its beginning is to be looked at afterwards.
    pub(crate) fn conditions(&self) -> Conditions {
        let mut wanted = Conditions::default();
        if let Some(organization) = self.organization {
            wanted.add("organization_id =", organization.into());
        }
        if let Some(subject) = &self.subject {
            wanted.add("subject =", subject.as_str().into());
        }
        if let Some(since) = self.since {
            wanted.add("time >=", since.as_microsecond().into());
        }
        if let Some(until) = self.until {
            wanted.add("time <", until.as_microsecond().into());
        }
        let beginning =
            self.pattern.as_ref().map(EventPattern::beginning).filter(|beginning| !beginning.is_empty());
        if let Some(beginning) = beginning {
            wanted.add(&format!("substr(name, 1, {}) =", beginning.len()), beginning.into());
        }
        wanted
    }

    /// Whether an event's type is wanted.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches(name))
    }
}

/// What is known of an event before it is read.
#[derive(Deserialize)]
struct Listed {
    seq: i64,
    bytes: i64,
}

impl Delivery {
    /// The events that are kept, of all plugins whether they serve or not: the newest of those before a place, at most so
    /// many.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Data`].
    pub async fn events(
        &self,
        wanted: &EventFilter,
        before: Option<&EventPlace>,
        most: u32,
    ) -> Result<EventPage, Error> {
        let rooms = self.shared.rooms(wanted.source.as_ref()).await?;
        let mut listed = Vec::new();
        for (index, (source, room)) in rooms.iter().enumerate() {
            let mut conditions = wanted.conditions();
            if let Some(before) = before {
                // Of one number, they are in the order of their plugins.
                let comparison = if *source > before.source { "seq <=" } else { "seq <" };
                conditions.add(comparison, before.seq.into());
            }
            // One more tells whether others follow.
            let limit = conditions.value((most + 1).into());
            let (conditions, values) = conditions.into_parts();
            let sql = format!(
                "select seq, octet_length(data) as bytes from _switchboard_outbox where {conditions}
                order by seq desc limit {limit}"
            );
            let rows = room.query(&sql, values).await?.to::<Listed>()?;
            listed.extend(rows.into_iter().map(|row| (row, index)));
        }
        listed.sort_by_key(|(row, index)| (Reverse(row.seq), *index));
        let taken = fitting(listed.iter().map(|(row, _)| row.bytes).take(most as usize));
        let next = listed.get(taken).and_then(|_| listed.get(taken.checked_sub(1)?));
        let next = next
            .and_then(|(row, index)| Some(EventPlace { seq: row.seq, source: rooms.get(*index)?.0.clone() }));
        listed.truncate(taken);
        let mut events = Vec::with_capacity(taken);
        for (index, (source, room)) in rooms.iter().enumerate() {
            let of_room = || listed.iter().filter(|(_, other)| *other == index).map(|(row, _)| row.seq);
            let (Some(last), Some(first)) = (of_room().min(), of_room().max()) else { continue };
            let mut conditions = wanted.conditions();
            conditions.add("seq >=", last.into());
            conditions.add("seq <=", first.into());
            let (conditions, values) = conditions.into_parts();
            let sql = format!(
                "select {columns},
                    (select count(*) from _switchboard_delivery d where d.seq = o.seq and d.state = 'pending') as waiting,
                    (select count(*) from _switchboard_delivery d where d.seq = o.seq and d.state = 'dead') as dead
                from _switchboard_outbox o where {conditions}",
                columns = Said::COLUMNS
            );
            for row in room.query(&sql, values).await?.to::<Row>()? {
                if wanted.matches(&row.said.name) {
                    events.push((index, row.kept(source)?));
                }
            }
        }
        events.sort_by_key(|(index, kept)| (Reverse(kept.seq), *index));
        Ok(EventPage { events: events.into_iter().map(|(_, kept)| kept).collect(), next })
    }

    /// One event that is kept, and how it stands with each listener, by plugin; none when there is none of that id.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Data`].
    pub async fn event(
        &self,
        source: &PluginId,
        id: &str,
    ) -> Result<Option<(KeptEvent, Vec<Hearing>)>, Error> {
        #[derive(Deserialize)]
        struct Found {
            up_to: i64,
            #[serde(flatten)]
            said: Said,
        }
        #[derive(Deserialize)]
        struct Standing {
            listener: PluginId,
            state: String,
            attempt: u32,
            next_at: i64,
            error: Option<String>,
        }
        let Some((_, room)) = self.shared.rooms(Some(source)).await?.pop() else { return Ok(None) };
        let sql = format!(
            "select {columns}, coalesce((select seq from _switchboard_cursor), -1) as up_to
            from _switchboard_outbox o where o.id = $1 order by o.seq limit 1",
            columns = Said::COLUMNS
        );
        let found = room.query(&sql, vec![id.into()]).await?.to::<Found>()?.pop();
        let Some(Found { up_to, said }) = found else { return Ok(None) };
        let sql = "select listener, state, attempt, next_at, error from _switchboard_delivery where seq = $1";
        let standings = room.query(sql, vec![said.seq.into()]).await?.to::<Standing>()?;
        let mut hearings: Vec<Hearing> = standings
            .into_iter()
            .map(|standing| Hearing {
                listener: standing.listener,
                state: match standing.state.as_str() {
                    "pending" => HearingState::Waiting,
                    "discarded" => HearingState::Discarded,
                    _ => HearingState::Dead,
                },
                attempt: standing.attempt,
                at: Some(moment(standing.next_at)),
                error: standing.error,
            })
            .collect();
        if let Some(kernel) = self.shared.kernel() {
            let snapshot = kernel.snapshot();
            let state = if said.seq <= up_to { HearingState::Delivered } else { HearingState::Underway };
            for plugin in snapshot.listeners(&said.name) {
                let is_on = said.organization_id().is_none_or(|id| snapshot.is_enabled(plugin, id));
                if is_on && !hearings.iter().any(|hearing| hearing.listener == *plugin.id()) {
                    let listener = plugin.id().clone();
                    hearings.push(Hearing { listener, state, attempt: 0, at: None, error: None });
                }
            }
        }
        hearings.sort_by(|a, b| a.listener.cmp(&b.listener));
        let count = |state| hearings.iter().filter(|hearing| hearing.state == state).count();
        let [waiting, dead] = [HearingState::Waiting, HearingState::Dead].map(|state| count(state) as u32);
        Ok(Some((Row { said, waiting, dead }.kept(source)?, hearings)))
    }
}

/// How many of so large ones fit into a page; one always does.
pub(crate) fn fitting(bytes: impl Iterator<Item = i64>) -> usize {
    let sums = bytes.scan(0, |sum, bytes| {
        *sum += bytes;
        Some(*sum)
    });
    sums.enumerate().take_while(|(index, sum)| *index == 0 || *sum <= PAGE_BYTES).count()
}

/// An event as it is read, with how it stands.
#[derive(Deserialize)]
struct Row {
    waiting: u32,
    dead: u32,
    #[serde(flatten)]
    said: Said,
}

impl Row {
    fn kept(self, source: &PluginId) -> Result<KeptEvent, Error> {
        let Self { waiting, dead, said } = self;
        Ok(KeptEvent { event: said.event(source.as_str(), 1)?, seq: said.seq, waiting, dead })
    }
}
