//! A clip, and what is written into its metadata.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Highlight;

/// The name under which the highlights are signed.
const ANALYZED_BY: &str = "highlight_detector";

/// Every key of the metadata that tells of an analysis. Those that a new one does not set were of another file.
const KEYS: [&str; 4] = ["highlights", "highlight_count", "analyzed_by", "analysis"];

/// A clip on its way through a filter point. What this plugin does not know passes through as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clip {
    pub(crate) id: i64,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Clip {
    /// Its metadata, begun when there is none.
    pub(crate) fn metadata(&mut self) -> &mut Map<String, Value> {
        self.metadata.get_or_insert_default()
    }
}

/// Where the clip's media file is, as the service `clips.media` says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Media {
    /// Its blob; `None` when the clip has no file.
    pub(crate) key: Option<String>,
    /// Its length in seconds, when it is known.
    #[serde(default)]
    pub(crate) duration: Option<f64>,
}

/// A clip that is to be listened to in the background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    /// The blob of its file: a clip that has another meanwhile has been captured anew.
    pub(crate) media: String,
}

/// What came of listening to a clip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// It was heard to its end.
    Found(Vec<Highlight>),
    /// There is nothing to hear; why.
    Skipped(String),
    /// It is listened to in the background; by which run.
    Queued(String),
}

impl Outcome {
    /// The keys that it sets in the clip's metadata.
    pub(crate) fn metadata(&self) -> Map<String, Value> {
        let keys = match self {
            Self::Found(highlights) => json!({
                "highlights": highlights,
                "highlight_count": highlights.len(),
                "analyzed_by": ANALYZED_BY,
            }),
            Self::Skipped(reason) => json!({
                "highlights": [],
                "highlight_count": 0,
                "analysis": { "status": "skipped", "reason": reason },
            }),
            Self::Queued(run) => json!({ "analysis": { "status": "queued", "run": run } }),
        };
        match keys {
            Value::Object(keys) => keys,
            _ => Map::new(),
        }
    }

    /// The keys of an earlier analysis that do not hold any more.
    pub(crate) fn outdated(&self) -> Vec<&'static str> {
        let set = self.metadata();
        KEYS.into_iter().filter(|key| !set.contains_key(*key)).collect()
    }

    /// Writes it into a clip's metadata, and leaves everything else that is there.
    pub(crate) fn write_into(&self, metadata: &mut Map<String, Value>) {
        for key in self.outdated() {
            metadata.remove(key);
        }
        metadata.extend(self.metadata());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn written(outcome: &Outcome, metadata: Value) -> Value {
        let Value::Object(mut metadata) = metadata else { panic!("no object") };
        outcome.write_into(&mut metadata);
        Value::Object(metadata)
    }

    #[test]
    fn highlights_are_written_beside_what_else_is_there() {
        let found = Outcome::Found(vec![Highlight {
            timestamp: 12.0,
            duration: 6.1,
            score: 0.9,
            kind: Kind::Transient,
        }]);
        assert_eq!(
            written(&found, json!({ "player": "Ada", "analysis": { "status": "queued", "run": "7" } })),
            json!({
                "player": "Ada",
                "highlights": [{ "timestamp": 12.0, "duration": 6.1, "score": 0.9, "type": "transient" }],
                "highlight_count": 1,
                "analyzed_by": "highlight_detector",
            })
        );
    }

    #[test]
    fn the_highlights_of_a_file_that_was_replaced_do_not_stay() {
        let stale =
            json!({ "highlights": [1, 2], "highlight_count": 2, "analyzed_by": "highlight_detector" });
        assert_eq!(
            written(&Outcome::Skipped("the clip has no file".to_owned()), stale.clone()),
            json!({
                "highlights": [],
                "highlight_count": 0,
                "analysis": { "status": "skipped", "reason": "the clip has no file" },
            })
        );
        assert_eq!(
            written(&Outcome::Queued("run-3".to_owned()), stale),
            json!({ "analysis": { "status": "queued", "run": "run-3" } })
        );
    }

    #[test]
    fn a_clip_passes_through_with_all_that_it_carries() {
        let clip =
            json!({ "id": 7, "title": "Goal", "file_path": "a.mp4", "game_name": null, "metadata": null });
        let mut read: Clip = serde_json::from_value(clip.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), clip);
        read.metadata().insert("seen".to_owned(), json!(true));
        assert_eq!(serde_json::to_value(&read).unwrap()["metadata"], json!({ "seen": true }));
        assert_eq!(serde_json::to_value(&read).unwrap()["title"], "Goal");
    }

    #[test]
    fn what_the_clips_plugin_says_of_media_is_understood() {
        let media = |value| serde_json::from_value::<Media>(value).unwrap();
        let known = json!({ "key": "media/7", "content_type": "video/mp4", "size": 10, "duration": 64 });
        assert_eq!(media(known), Media { key: Some("media/7".to_owned()), duration: Some(64.0) });
        let none = json!({ "key": null, "content_type": null, "size": null, "duration": null });
        assert_eq!(media(none), Media { key: None, duration: None });
    }
}
