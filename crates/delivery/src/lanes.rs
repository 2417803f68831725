//! Who waits for another attempt: one lane for each listener and topic, so that its order is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use switchboard_api::Timestamp;
use switchboard_manifest::PluginId;

use crate::outbox::Topic;

/// A listener and what the events are about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LaneKey {
    pub(crate) listener: PluginId,
    pub(crate) topic: Topic,
}

/// The lanes with something in them.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: HashMap<LaneKey, Lane>,
    /// The lanes that are not busy, by the moment at which their first event is due.
    due: BTreeSet<(Timestamp, LaneKey)>,
    /// Those among which it is not looked, by the same.
    parked: BTreeSet<(Timestamp, LaneKey)>,
    waiting: usize,
}

#[derive(Debug)]
struct Lane {
    /// The attempts so far, by the event's number.
    events: BTreeMap<i64, u32>,
    next_at: Timestamp,
    busy: bool,
}

impl Lanes {
    /// Whether something waits there, so that later events must wait as well.
    pub(crate) fn holds(&self, key: &LaneKey) -> bool {
        self.lanes.contains_key(key)
    }

    /// How many events wait, each counted once for each listener.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Has an event wait. The moment counts for a lane that is new; elsewhere the first event has its own.
    pub(crate) fn put(&mut self, key: LaneKey, seq: i64, attempt: u32, next_at: Timestamp) {
        let lane = self.lanes.entry(key.clone()).or_insert_with(|| {
            self.due.insert((next_at, key));
            Lane { events: BTreeMap::new(), next_at, busy: false }
        });
        if lane.events.insert(seq, attempt).is_none() {
            self.waiting += 1;
        }
    }

    /// Takes the first event of a lane that is due; the lane is busy until one of the next two is told of it.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<(LaneKey, i64, u32)> {
        if self.next_due()? > now {
            return None;
        }
        let (_, key) = self.due.pop_first()?;
        let lane = self.lanes.get_mut(&key)?;
        lane.busy = true;
        let (seq, attempt) = lane.events.first_key_value()?;
        Some((key, *seq, *attempt))
    }

    /// The event is delivered or given up; the next one of its lane is due.
    pub(crate) fn done(&mut self, key: &LaneKey, seq: i64, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        if lane.events.remove(&seq).is_none() {
            return;
        }
        self.waiting -= 1;
        if lane.events.is_empty() {
            let lane = (lane.next_at, key.clone());
            self.due.remove(&lane);
            self.parked.remove(&lane);
            self.lanes.remove(key);
        } else {
            self.free(key, now);
        }
    }

    /// The event is tried again later; false when it is not in the lane.
    pub(crate) fn again(&mut self, key: &LaneKey, seq: i64, attempt: u32, next_at: Timestamp) -> bool {
        let held = self.lanes.get_mut(key).and_then(|lane| lane.events.get_mut(&seq));
        let Some(attempts) = held else { return false };
        *attempts = attempt;
        self.free(key, next_at);
        true
    }

    /// Has what waits in a lane tried now, unless it is being tried.
    pub(crate) fn hurry(&mut self, key: &LaneKey, now: Timestamp) {
        if self.lanes.get(key).is_some_and(|lane| !lane.busy) {
            self.free(key, now);
        }
    }

    /// The event that was just taken is not tried, nor is any of its lane, until [`unpark`](Self::unpark).
    pub(crate) fn park(&mut self, key: LaneKey) {
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.busy = false;
            self.parked.insert((lane.next_at, key));
        }
    }

    /// Has what waits in these lanes tried again.
    pub(crate) fn unpark(&mut self, mut may: impl FnMut(&LaneKey) -> bool) {
        self.due.extend(self.parked.extract_if(.., |(_, key)| may(key)));
    }

    /// When the next event is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    fn free(&mut self, key: &LaneKey, next_at: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(key) {
            let before = (lane.next_at, key.clone());
            self.due.remove(&before);
            self.parked.remove(&before);
            lane.busy = false;
            lane.next_at = next_at;
            self.due.insert((next_at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: &str) -> LaneKey {
        let topic = Topic { organization: None, subject: subject.into() };
        LaneKey { listener: "archive".parse().unwrap(), topic }
    }

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).unwrap()
    }

    #[test]
    fn a_lane_gives_its_events_one_at_a_time_and_in_order() {
        let mut lanes = Lanes::default();
        lanes.put(key("clip/1"), 5, 1, second(10));
        lanes.put(key("clip/1"), 3, 0, second(10));
        assert_eq!(lanes.take_due(second(9)), None);
        assert_eq!(lanes.take_due(second(10)), Some((key("clip/1"), 3, 0)));
        assert_eq!(lanes.take_due(second(99)), None, "it is busy");
        lanes.done(&key("clip/1"), 3, second(11));
        assert_eq!(lanes.take_due(second(11)), Some((key("clip/1"), 5, 1)));
        lanes.done(&key("clip/1"), 5, second(12));
        assert!(!lanes.holds(&key("clip/1")) && lanes.waiting() == 0 && lanes.next_due().is_none());
    }

    #[test]
    fn a_failure_holds_its_own_lane_only() {
        let mut lanes = Lanes::default();
        lanes.put(key("clip/1"), 1, 1, second(1));
        lanes.put(key("clip/2"), 2, 1, second(2));
        let (first, seq, _) = lanes.take_due(second(2)).unwrap();
        lanes.again(&first, seq, 2, second(50));
        assert_eq!(lanes.take_due(second(2)), Some((key("clip/2"), 2, 1)));
        assert_eq!(lanes.next_due(), Some(second(50)));
        lanes.hurry(&first, second(3));
        assert_eq!(lanes.next_due(), Some(second(3)));
    }

    #[test]
    fn a_lane_that_is_parked_is_not_due_until_it_is_let_go() {
        let mut lanes = Lanes::default();
        lanes.put(key("clip/1"), 1, 1, second(1));
        lanes.put(key("clip/2"), 2, 1, second(2));
        let (first, ..) = lanes.take_due(second(2)).unwrap();
        lanes.park(first);
        assert_eq!(lanes.next_due(), Some(second(2)));
        lanes.put(key("clip/1"), 3, 0, second(2));
        lanes.unpark(|key| &*key.topic.subject != "clip/1");
        assert_eq!(lanes.next_due(), Some(second(2)), "another one is let go");
        lanes.unpark(|_| true);
        assert_eq!(lanes.take_due(second(2)), Some((key("clip/1"), 1, 1)));
    }
}
