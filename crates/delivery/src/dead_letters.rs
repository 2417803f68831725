//! Events that were given up, to be looked at and sent again.

use serde::Deserialize;
use switchboard_api::{Event, Timestamp, Value};
use switchboard_manifest::PluginId;
use switchboard_store::Room;
use tokio::sync::oneshot;

use crate::{Error, outbox::Said, shared::moment};

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

/// Which dead letters to send again.
pub(crate) struct Replay {
    /// The event of that id; every one when absent.
    pub(crate) event: Option<String>,
    /// To that listener; to every one when absent.
    pub(crate) listener: Option<PluginId>,
    /// How many there were.
    pub(crate) answer: oneshot::Sender<Result<u64, Error>>,
}

/// The dead letters among the events of a plugin, oldest first, at most so many.
pub(crate) async fn list(room: &Room, source: &PluginId, most: u32) -> Result<Vec<DeadLetter>, Error> {
    #[derive(Deserialize)]
    struct Dead {
        listener: PluginId,
        attempt: u32,
        next_at: i64,
        error: Option<String>,
        #[serde(flatten)]
        said: Said,
    }
    let columns = Said::COLUMNS;
    let sql = format!(
        "select {columns}, d.listener, d.attempt, d.next_at, d.error
        from _switchboard_delivery d join _switchboard_outbox o on o.seq = d.seq
        where d.state = 'dead' order by d.seq, d.listener limit $1"
    );
    let rows = room.query(&sql, vec![most.into()]).await?.to::<Dead>()?;
    let letter = |dead: Dead| {
        Ok(DeadLetter {
            event: dead.said.event(source.as_str(), dead.attempt)?,
            listener: dead.listener,
            error: dead.error.unwrap_or_default(),
            at: moment(dead.next_at),
        })
    };
    rows.into_iter().map(letter).collect()
}

/// Has dead letters wait for an attempt, as if they had never been tried; gives how many.
pub(crate) async fn revive(room: &Room, replay: &Replay, now: Timestamp) -> Result<u64, Error> {
    let sql = "update _switchboard_delivery set state = 'pending', attempt = 0, next_at = $1, error = null
        where state = 'dead'
            and (cast($2 as text) is null or seq in (select seq from _switchboard_outbox where id = $2))
            and (cast($3 as text) is null or listener = $3)";
    let listener: Value = replay.listener.as_ref().map(PluginId::as_str).into();
    let params = vec![now.as_microsecond().into(), replay.event.as_deref().into(), listener];
    Ok(room.execute(sql, params).await?.rows_affected)
}
