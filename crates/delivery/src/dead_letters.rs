//! Events that were given up, to be looked at, and sent again or discarded.

use std::{cmp::Reverse, collections::HashSet};

use serde::Deserialize;
use serde_json::json;
use switchboard_api::{Event, Timestamp};
use switchboard_kernel::{AuditEntry, By};
use switchboard_manifest::PluginId;
use switchboard_sql::Conditions;
use switchboard_store::Room;
use tokio::sync::oneshot;

use crate::{
    Delivery, Error, EventFilter,
    fan_out::REPLAYED,
    history::fitting,
    ledger::keys_in,
    outbox::Said,
    shared::{Shared, moment},
};

/// An event that a listener failed to hear too often.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The event; its `attempt` is the last one.
    pub event: Event,
    /// The plugin that failed.
    pub listener: PluginId,
    /// What it failed with the last time.
    pub error: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// Which dead letters are meant. Each part that is absent lets all through.
#[derive(Debug, Clone, Default)]
pub struct LetterFilter {
    /// Only those of these events.
    pub events: EventFilter,
    /// Only those of the event with this id.
    pub event: Option<String>,
    /// Only those to this listener.
    pub listener: Option<PluginId>,
}

/// What becomes of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterFate {
    /// They are delivered again, as if they had never been tried.
    Replayed,
    /// They are never delivered, and kept no longer than other events.
    Discarded,
}

/// Letters whose fate somebody decided; the worker that delivers them takes care of it.
pub(crate) struct Decision {
    pub(crate) filter: LetterFilter,
    pub(crate) fate: LetterFate,
    /// How many there were.
    pub(crate) answer: oneshot::Sender<Result<u64, Error>>,
}

/// What is known of a letter before it is read.
#[derive(Deserialize)]
struct Listed {
    seq: i64,
    listener: PluginId,
    name: String,
    bytes: i64,
}

const LETTERS: &str =
    "from _switchboard_delivery d join _switchboard_outbox o on o.seq = d.seq where d.state = 'dead'";

impl LetterFilter {
    fn conditions(&self) -> Conditions {
        let mut wanted = self.events.conditions();
        if let Some(id) = &self.event {
            wanted.add("o.id =", id.as_str().into());
        }
        if let Some(listener) = &self.listener {
            wanted.add("d.listener =", listener.as_str().into());
        }
        wanted
    }

    async fn listed(&self, room: &Room) -> Result<Vec<Listed>, Error> {
        let (conditions, values) = self.conditions().into_parts();
        let sql = format!(
            "select d.seq, d.listener, o.name, octet_length(o.data) as bytes {LETTERS} and {conditions}
            order by d.seq desc, d.listener"
        );
        let mut listed = room.query(&sql, values).await?.to::<Listed>()?;
        listed.retain(|letter| self.events.matches(&letter.name));
        Ok(listed)
    }

    /// What it says, for the audit log.
    fn in_words(&self) -> serde_json::Value {
        let EventFilter { source, pattern, subject, since, until, .. } = &self.events;
        let mut said = json!({
            "event": self.event, "listener": self.listener, "plugin": source, "subject": subject,
            "type": pattern.as_ref().map(ToString::to_string), "since": since, "until": until,
        });
        if let Some(said) = said.as_object_mut() {
            said.retain(|_, part| !part.is_null());
        }
        said
    }
}

impl LetterFate {
    const fn action(self) -> &'static str {
        match self {
            Self::Replayed => "event.replayed",
            Self::Discarded => "event.discarded",
        }
    }
}

impl Delivery {
    /// The dead letters that are meant, of the newest events first, at most so many; and how many there are.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Data`].
    pub async fn dead_letters(
        &self,
        wanted: &LetterFilter,
        most: u32,
    ) -> Result<(Vec<DeadLetter>, u64), Error> {
        #[derive(Deserialize)]
        struct Row {
            listener: PluginId,
            attempt: u32,
            next_at: i64,
            error: Option<String>,
            #[serde(flatten)]
            said: Said,
        }
        let rooms = self.shared.rooms(wanted.events.source.as_ref()).await?;
        let mut listed = Vec::new();
        for (index, (_, room)) in rooms.iter().enumerate() {
            listed.extend(wanted.listed(room).await?.into_iter().map(|letter| (letter, index)));
        }
        let total = listed.len() as u64;
        listed.sort_by(|(a, of_a), (b, of_b)| {
            (Reverse(a.seq), of_a, &a.listener).cmp(&(Reverse(b.seq), of_b, &b.listener))
        });
        listed.truncate(fitting(listed.iter().map(|(letter, _)| letter.bytes).take(most as usize)));
        let mut letters = Vec::with_capacity(listed.len());
        for (index, (source, room)) in rooms.iter().enumerate() {
            let of_room = || listed.iter().filter(|(_, other)| *other == index).map(|(letter, _)| letter);
            let seqs = || of_room().map(|letter| letter.seq);
            let (Some(last), Some(first)) = (seqs().min(), seqs().max()) else { continue };
            let mut conditions = wanted.conditions();
            conditions.add("d.seq >=", last.into());
            conditions.add("d.seq <=", first.into());
            let (conditions, values) = conditions.into_parts();
            let columns = Said::COLUMNS;
            let sql = format!(
                "select {columns}, d.listener, d.attempt, d.next_at, d.error {LETTERS} and {conditions}"
            );
            let is_listed: HashSet<(i64, &PluginId)> =
                of_room().map(|letter| (letter.seq, &letter.listener)).collect();
            for row in room.query(&sql, values).await?.to::<Row>()? {
                if is_listed.contains(&(row.said.seq, &row.listener)) {
                    let letter = DeadLetter {
                        event: row.said.event(source.as_str(), row.attempt)?,
                        listener: row.listener,
                        error: row.error.unwrap_or_default(),
                        at: moment(row.next_at),
                    };
                    letters.push((Reverse(row.said.seq), index, letter));
                }
            }
        }
        letters.sort_by(|(seq, index, a), (other_seq, other, b)| {
            (seq, index, &a.listener).cmp(&(other_seq, other, &b.listener))
        });
        Ok((letters.into_iter().map(|(.., letter)| letter).collect(), total))
    }

    /// Has dead letters delivered again, or discards them, on somebody's behalf. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Kernel`] when it cannot be noted who does it; [`Error::Stopping`] when the server stops before
    /// it is done. Some of it may be done then.
    pub async fn decide(&self, by: &By, which: &LetterFilter, fate: LetterFate) -> Result<u64, Error> {
        let mut found = Vec::new();
        let mut count = 0;
        for (source, room) in self.shared.rooms(which.events.source.as_ref()).await? {
            let listed = which.listed(&room).await?.len() as u64;
            if listed > 0 {
                count += listed;
                found.push(source);
            }
        }
        let kernel = self.shared.kernel().ok_or(Error::Stopping)?;
        if count == 0 {
            return Ok(0);
        }
        let subject = match (&which.event, &which.events.source) {
            (Some(event), Some(source)) => format!("event:{source}/{event}"),
            (Some(event), None) => format!("event:{event}"),
            (None, Some(source)) => format!("plugin:{source}"),
            (None, None) => "events".to_owned(),
        };
        let entry = AuditEntry::new(fate.action(), subject).within(which.events.organization);
        // First: whoever decides is known, also when it is broken off.
        kernel.note(by, entry.after(json!({ "which": which.in_words(), "letters": count }))).await?;
        let mut done = 0;
        for source in found {
            done += self.decide_of(&source, which, fate).await?;
        }
        Ok(done)
    }

    async fn decide_of(
        &self,
        source: &PluginId,
        which: &LetterFilter,
        fate: LetterFate,
    ) -> Result<u64, Error> {
        let Ok(served) = self.served(source) else {
            return elsewhere(&self.shared, source, which, fate).await;
        };
        let (answer, answered) = oneshot::channel();
        let decision = Decision { filter: which.clone(), fate, answer };
        served.events.decisions.send(decision).map_err(|_| Error::Stopping)?;
        answered.await.map_err(|_| Error::Stopping)?
    }
}

/// Decides on letters among the events of a plugin that nobody delivers, or another server.
pub(crate) async fn elsewhere(
    shared: &Shared,
    source: &PluginId,
    which: &LetterFilter,
    fate: LetterFate,
) -> Result<u64, Error> {
    let done = decide(&shared.room(source).await?, which, fate, shared.now()).await?;
    shared.store.announce(REPLAYED, source.as_str()).await?;
    Ok(done)
}

/// Writes down what becomes of letters; gives how many.
pub(crate) async fn decide(
    room: &Room,
    which: &LetterFilter,
    fate: LetterFate,
    now: Timestamp,
) -> Result<u64, Error> {
    let keys: Vec<(i64, PluginId)> =
        which.listed(room).await?.into_iter().map(|letter| (letter.seq, letter.listener)).collect();
    let set = match fate {
        LetterFate::Replayed => "state = 'pending', attempt = 0, next_at = $1, error = null",
        LetterFate::Discarded => "state = 'discarded', next_at = $1",
    };
    let sql = format!(
        "update _switchboard_delivery set {set} where state = 'dead' and (seq, listener) in ({})",
        keys_in(room.engine(), 2)
    );
    let params = vec![now.as_microsecond().into(), json!(keys).to_string().into()];
    Ok(room.execute(&sql, params).await?.rows_affected)
}
