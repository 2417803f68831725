//! Events as they are said, for whoever looks on.
//!
//! What somebody who looks on has not seen yet stands in the outboxes, however slow they are: nothing is kept for them in
//! memory, and nothing is lost before its time.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use arc_swap::ArcSwap;
use switchboard_api::{Event, OrganizationId};
use switchboard_manifest::PluginId;
use switchboard_store::{Engine, Room};
use tokio::sync::watch;

use crate::{
    Delivery, Error, EventFilter,
    delivery::Served,
    outbox::{Said, newest, said_after},
    shared::Shared,
};

/// How many events are given at once, and how many bytes of data; one event alone may be larger.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 << 10;

/// How often it is looked for events that were said on other servers.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(1);

/// Up to which event of each plugin somebody has seen them: `clips.1764150000000000,guestbook.1764150000000001`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bookmark(BTreeMap<PluginId, i64>);

/// A text is no bookmark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in a stream of events; give the `id` of the last event that was read")]
pub struct NotABookmark(String);

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (source, seq)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{source}.{seq}")?;
        }
        Ok(())
    }
}

impl FromStr for Bookmark {
    type Err = NotABookmark;

    fn from_str(text: &str) -> Result<Self, NotABookmark> {
        let place = |place: &str| {
            let (source, seq) = place.split_once('.')?;
            Some((source.parse().ok()?, seq.parse().ok()?))
        };
        let places = text.split(',').filter(|place| !place.is_empty()).map(place);
        places.collect::<Option<_>>().map(Self).ok_or_else(|| NotABookmark(text.to_owned()))
    }
}

/// How many look on, for each organization, and for all of them at once.
#[derive(Default)]
pub(crate) struct Onlookers {
    /// Counts wakes of plugins for whoever looks on.
    pub(crate) news: watch::Sender<u64>,
    /// Whether they are sent home.
    pub(crate) dismissed: watch::Sender<bool>,
    present: Mutex<HashMap<Option<OrganizationId>, usize>>,
}

impl Onlookers {
    fn present(&self) -> MutexGuard<'_, HashMap<Option<OrganizationId>, usize>> {
        // Nothing panics while it is held.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who looks on.
pub struct Onlooker {
    shared: Arc<Shared>,
    served: Arc<ArcSwap<HashMap<PluginId, Served>>>,
    wanted: EventFilter,
    bookmark: Bookmark,
    missed: bool,
    rooms: HashMap<PluginId, Room>,
    /// How often each plugin had been woken when its events were last read to the end.
    read: HashMap<PluginId, u64>,
    news: watch::Receiver<u64>,
    dismissed: watch::Receiver<bool>,
    /// Given back when it is dropped.
    _seat: Seat,
}

struct Seat {
    shared: Arc<Shared>,
    organization: Option<OrganizationId>,
}

impl Seat {
    fn take(shared: &Arc<Shared>, organization: Option<OrganizationId>) -> Result<Self, Error> {
        let most = shared.options.onlookers;
        let mut present = shared.onlookers.present();
        let taken = present.entry(organization).or_default();
        if *taken >= most {
            return Err(Error::TooManyOnlookers(most));
        }
        *taken += 1;
        Ok(Self { shared: Arc::clone(shared), organization })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut present = self.shared.onlookers.present();
        if let Some(taken) = present.get_mut(&self.organization) {
            *taken -= 1;
            if *taken == 0 {
                present.remove(&self.organization);
            }
        }
    }
}

impl Delivery {
    /// Looks on as events are said: from now on, or from what was seen last.
    ///
    /// # Errors
    /// [`Error::TooManyOnlookers`]; [`Error::Store`].
    pub async fn look_on(&self, wanted: EventFilter, from: Option<Bookmark>) -> Result<Onlooker, Error> {
        let seat = Seat::take(&self.shared, wanted.organization)?;
        // Before it is read what there is, so that nothing is said in between.
        let news = self.shared.onlookers.news.subscribe();
        let dismissed = self.shared.onlookers.dismissed.subscribe();
        let forgotten = self.shared.keep_since().as_microsecond();
        let (mut bookmark, mut missed) = (from.clone().unwrap_or_default(), false);
        let catalog = self.shared.kernel().map(|kernel| kernel.catalog());
        for (source, room) in self.shared.rooms(wanted.source.as_ref()).await? {
            if catalog.as_ref().is_some_and(|catalog| catalog.entry(source.as_str()).is_some()) {
                // It may have said its first word on another server.
                self.serve(&source);
            }
            let newest = newest(&room).await?;
            match bookmark.0.get(&source) {
                Some(seen) => missed |= *seen < forgotten && *seen < newest,
                None if from.is_none() => drop(bookmark.0.insert(source, newest)),
                // It has begun to say something since.
                None => {}
            }
        }
        if self.shared.store.engine() != Engine::Sqlite {
            self.look_elsewhere();
        }
        Ok(Onlooker {
            shared: Arc::clone(&self.shared),
            served: Arc::clone(&self.served),
            wanted,
            bookmark,
            missed,
            rooms: HashMap::new(),
            read: HashMap::new(),
            news,
            dismissed,
            _seat: seat,
        })
    }

    /// Sends home whoever looks on, and lets nobody look on any more: the server is about to stop.
    pub fn dismiss_onlookers(&self) {
        self.shared.onlookers.dismissed.send_replace(true);
    }

    /// Looks for events that are said on other servers, as long as somebody looks on.
    fn look_elsewhere(&self) {
        if self.shared.looks_elsewhere.swap(true, Ordering::AcqRel) {
            return;
        }
        let (shared, served) = (Arc::clone(&self.shared), Arc::clone(&self.served));
        tokio::spawn(async move {
            let mut known: HashMap<PluginId, i64> = HashMap::new();
            while shared.onlookers.news.receiver_count() > 0 && !shared.is_stopping() {
                for (plugin, served) in served.load_full().iter() {
                    let looked = async { newest(&shared.room(plugin).await?).await };
                    match looked.await {
                        Ok(newest) if known.insert(plugin.clone(), newest).is_some_and(|it| it < newest) => {
                            served.events.said.fetch_add(1, Ordering::AcqRel);
                            shared.onlookers.news.send_modify(|news| *news += 1);
                        }
                        Ok(_) => {}
                        Err(error) => tracing::debug!(%plugin, "it was not looked for its events: {error}"),
                    }
                }
                tokio::time::sleep(LOOK_ELSEWHERE).await;
            }
            shared.looks_elsewhere.store(false, Ordering::Release);
        });
    }
}

impl Onlooker {
    /// Whether events may be gone that were said since what was seen last: they were not kept long enough.
    pub fn has_missed_some(&self) -> bool {
        self.missed
    }

    /// Waits for events, and gives some of them, those of one plugin, oldest first; each with the bookmark of who has seen it. None
    /// when the server stops. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Data`].
    pub async fn next(&mut self) -> Result<Option<Vec<(Event, Bookmark)>>, Error> {
        loop {
            if *self.dismissed.borrow() || self.shared.is_stopping() {
                return Ok(None);
            }
            self.news.mark_unchanged();
            let served = self.served.load_full();
            for (source, served) in served.iter() {
                let woken = served.events.said.load(Ordering::Acquire);
                let is_other = self.wanted.source.as_ref().is_some_and(|wanted| wanted != source);
                if is_other || self.read.get(source) == Some(&woken) {
                    continue;
                }
                let events = self.read_of(source, woken).await?;
                if !events.is_empty() {
                    return Ok(Some(events));
                }
            }
            tokio::select! {
                _ = self.news.changed() => {}
                _ = self.dismissed.changed() => {}
            }
        }
    }

    /// The next events of a plugin that are wanted; none when they were read to the end.
    async fn read_of(&mut self, source: &PluginId, woken: u64) -> Result<Vec<(Event, Bookmark)>, Error> {
        let room = match self.rooms.get(source) {
            Some(room) => room.clone(),
            None => {
                let room = self.shared.room(source).await?;
                self.rooms.insert(source.clone(), room.clone());
                room
            }
        };
        loop {
            let end = newest(&room).await?;
            let seen = self.bookmark.0.get(source).copied().unwrap_or(-1);
            let said = said_after(&room, &self.wanted, seen, BATCH, BATCH_BYTES).await?;
            let (bytes, last) =
                (said.iter().map(Said::bytes).sum::<usize>(), said.last().map(|said| said.seq));
            let is_full = said.len() == BATCH || bytes >= BATCH_BYTES;
            let mut events = Vec::new();
            for said in said.iter().filter(|said| self.wanted.matches(&said.name)) {
                self.bookmark.0.insert(source.clone(), said.seq);
                events.push((said.event(source.as_str(), 1)?, self.bookmark.clone()));
            }
            // What is not wanted is not looked through again.
            let up_to = if is_full { last.unwrap_or(end) } else { last.map_or(end, |last| last.max(end)) };
            self.bookmark.0.insert(source.clone(), up_to.max(seen));
            if !is_full {
                self.read.insert(source.clone(), woken);
            }
            if !events.is_empty() || !is_full {
                return Ok(events);
            }
        }
    }
}
