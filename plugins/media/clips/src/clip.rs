//! A clip: as it stands in its row, as the API shows it, and as clients write it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Number, Value as Json, value::RawValue};
use switchboard_sdk::{Failure, Fault, NewEvent, Result, Timestamp};

/// The columns of [`Clip`], in the order in which the API shows them.
pub(crate) const COLUMNS: &str = "id, title, file_path, description, game_name, game_id, tags, metadata, file_size, \
     duration, resolution, fps, codec, recorded_at, processed, processing_status, created_at, updated_at";

/// A clip as the API shows it, which is as its row has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Clip {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) file_path: String,
    pub(crate) description: Option<String>,
    pub(crate) game_name: Option<String>,
    pub(crate) game_id: Option<String>,
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) tags: Option<JsonText>,
    #[schemars(with = "Option<Map<String, Json>>")]
    pub(crate) metadata: Option<JsonText>,
    /// Bytes.
    pub(crate) file_size: Option<i64>,
    /// Whole seconds.
    pub(crate) duration: Option<i64>,
    /// Width and height, such as `1920x1080`.
    pub(crate) resolution: Option<String>,
    /// Pictures a second.
    #[serde(serialize_with = "whole_if_it_can_be")]
    pub(crate) fps: Option<f64>,
    pub(crate) codec: Option<String>,
    pub(crate) recorded_at: Option<String>,
    pub(crate) processed: bool,
    pub(crate) processing_status: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// JSON in its text, which passes from the row to the answer as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct JsonText(String);

/// What a client writes to create a clip.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct NewClip {
    #[schemars(length(min = 1, max = 255))]
    pub(crate) title: String,
    #[schemars(length(min = 1, max = 500))]
    pub(crate) file_path: String,
    pub(crate) description: Option<String>,
    #[schemars(length(max = 255))]
    pub(crate) game_name: Option<String>,
    #[schemars(length(max = 255))]
    pub(crate) game_id: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) clip_metadata: Option<Map<String, Json>>,
    /// Bytes.
    #[serde(default, deserialize_with = "whole_number")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = LARGEST))]
    pub(crate) file_size: Option<i64>,
    /// Whole seconds.
    #[serde(default, deserialize_with = "whole_number")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = LARGEST))]
    pub(crate) duration: Option<i64>,
    /// Width and height, such as `1920x1080`.
    #[schemars(length(max = 50))]
    pub(crate) resolution: Option<String>,
    /// Pictures a second.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(crate) fps: Option<f64>,
    #[schemars(length(max = 50))]
    pub(crate) codec: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    pub(crate) recorded_at: Option<String>,
    #[serde(default)]
    pub(crate) processed: bool,
    #[schemars(length(max = 50))]
    pub(crate) processing_status: Option<String>,
}

/// What a client writes to change a clip: what is not given stays, null clears.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClipUpdate {
    #[schemars(with = "String", length(min = 1, max = 255))]
    title: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(max = 255))]
    game_name: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(max = 255))]
    game_id: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<Vec<String>>")]
    tags: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<Map<String, Json>>")]
    clip_metadata: Option<Option<Map<String, Json>>>,
    #[schemars(with = "bool")]
    processed: Option<bool>,
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(max = 50))]
    processing_status: Option<Option<String>>,
}

/// The largest whole number that every JSON reader keeps exactly.
const LARGEST: i64 = (1 << 53) - 1;

impl NewClip {
    /// The clip that this becomes, which has no number yet.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a `recorded_at` that is no moment.
    pub(crate) fn into_clip(self, now: Timestamp) -> Result<Clip> {
        let now = moment(now);
        Ok(Clip {
            id: 0,
            title: self.title,
            file_path: self.file_path,
            description: self.description,
            game_name: self.game_name,
            game_id: self.game_id,
            tags: self.tags.as_ref().map(JsonText::of).transpose()?,
            metadata: self.clip_metadata.as_ref().map(JsonText::of).transpose()?,
            file_size: self.file_size,
            duration: self.duration,
            resolution: self.resolution,
            fps: self.fps,
            codec: self.codec,
            recorded_at: self.recorded_at.as_deref().map(in_utc).transpose()?,
            processed: self.processed,
            processing_status: self.processing_status,
            created_at: now.clone(),
            updated_at: now,
        })
    }
}

impl ClipUpdate {
    /// Writes what is given into the clip, and gives the names of the fields that are now other than before.
    ///
    /// # Errors
    /// [`Failure::Broken`] when a value cannot be written as JSON.
    pub(crate) fn apply(self, clip: &mut Clip) -> Result<Vec<&'static str>> {
        let as_json = |given: Option<Option<Map<String, Json>>>| {
            given.map(|given| given.as_ref().map(JsonText::of).transpose()).transpose()
        };
        let tags = self.tags.map(|given| given.as_ref().map(JsonText::of).transpose()).transpose()?;
        let mut changed = Vec::new();
        set(&mut clip.title, self.title, "title", &mut changed);
        set(&mut clip.description, self.description, "description", &mut changed);
        set(&mut clip.game_name, self.game_name, "game_name", &mut changed);
        set(&mut clip.game_id, self.game_id, "game_id", &mut changed);
        set(&mut clip.tags, tags, "tags", &mut changed);
        set(&mut clip.metadata, as_json(self.clip_metadata)?, "metadata", &mut changed);
        set(&mut clip.processed, self.processed, "processed", &mut changed);
        set(&mut clip.processing_status, self.processing_status, "processing_status", &mut changed);
        Ok(changed)
    }
}

fn set<T: PartialEq>(field: &mut T, given: Option<T>, name: &'static str, changed: &mut Vec<&'static str>) {
    if let Some(value) = given.filter(|value| value != field) {
        *field = value;
        changed.push(name);
    }
}

impl JsonText {
    /// The value as JSON, its fields by name: the same value is always the same text.
    ///
    /// # Errors
    /// [`Failure::Broken`] when it has no JSON form.
    pub(crate) fn of<T: Serialize>(value: &T) -> Result<Self> {
        let mut value = serde_json::to_value(value)
            .map_err(|error| Failure::broken(format!("a value could not be written as JSON: {error}")))?;
        value.sort_all_objects();
        Ok(Self(value.to_string()))
    }

    /// The object that it is; an empty one for anything else.
    pub(crate) fn object(&self) -> Map<String, Json> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl Clip {
    /// What its events tell of it.
    ///
    /// # Errors
    /// [`Failure::Broken`] when it cannot be written as JSON.
    pub(crate) fn event(&self, name: &str, changed: Option<&[&str]>) -> Result<NewEvent> {
        #[derive(Serialize)]
        struct Told<'a> {
            id: i64,
            title: &'a str,
            file_path: &'a str,
            game_name: Option<&'a str>,
            processed: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            changed: Option<&'a [&'a str]>,
        }
        let told = Told {
            id: self.id,
            title: &self.title,
            file_path: &self.file_path,
            game_name: self.game_name.as_deref(),
            processed: self.processed,
            changed,
        };
        NewEvent::new(name, format!("clip/{}", self.id), &told)
    }
}

/// The clip is not there, or not for this organization.
pub(crate) fn not_found(id: i64) -> Failure {
    Failure::not_found(format!("Clip with id {id} not found"))
}

/// A moment as rows and answers have it: UTC to the microsecond, always as wide.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// A moment that a client wrote with any offset, in UTC.
fn in_utc(written: &str) -> Result<String> {
    written.parse::<Timestamp>().map(|at| at.to_string()).map_err(|_| {
        let msg = "Input should be a valid datetime, such as 2026-01-31T12:00:00Z";
        Failure::faults(vec![Fault::new("datetime_parsing", ["body", "recorded_at"], msg, written.into())])
    })
}

/// `12` and `12.0`, which JSON Schema takes for the same whole number.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else { return Ok(None) };
    let whole = number.as_i64().or_else(|| {
        #[allow(clippy::cast_possible_truncation, reason = "the guard leaves only what an i64 holds exactly")]
        number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= LARGEST as f64).map(|n| n as i64)
    });
    whole.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is not a whole number")))
}

/// Tells a null that is given from a value that is not.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// 60 rather than 60.0: some clients read it as a whole number.
#[allow(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn whole_if_it_can_be<S: Serializer>(fps: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *fps {
        None => serializer.serialize_none(),
        #[allow(clippy::cast_possible_truncation, reason = "the guard leaves only what an i64 holds exactly")]
        Some(fps) if fps.fract() == 0.0 && fps.abs() <= LARGEST as f64 => {
            serializer.serialize_i64(fps as i64)
        }
        Some(fps) => serializer.serialize_f64(fps),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn clip(body: Json) -> Clip {
        let new: NewClip = serde_json::from_value(body).unwrap();
        new.into_clip("2026-01-31T12:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_clip_is_shown_with_every_field_and_null_for_what_is_absent() {
        let shown = clip(json!({
            "title": "Ace", "file_path": "/a.mp4", "tags": ["b", "a"], "clip_metadata": {"k": 1}, "fps": 60,
            "duration": 12.0, "recorded_at": "2026-01-31T14:00:00+02:00",
        }));
        assert_eq!(
            serde_json::to_string(&shown).unwrap(),
            concat!(
                r#"{"id":0,"title":"Ace","file_path":"/a.mp4","description":null,"game_name":null,"game_id":null,"#,
                r#""tags":["b","a"],"metadata":{"k":1},"file_size":null,"duration":12,"resolution":null,"fps":60,"#,
                r#""codec":null,"recorded_at":"2026-01-31T12:00:00Z","processed":false,"processing_status":null,"#,
                r#""created_at":"2026-01-31T12:00:00.000000Z","updated_at":"2026-01-31T12:00:00.000000Z"}"#
            )
        );
    }

    #[test]
    fn an_update_changes_what_is_given_and_null_clears() {
        let mut clip = clip(json!({"title": "Ace", "file_path": "a", "description": "d", "game_name": "g"}));
        let update: ClipUpdate =
            serde_json::from_value(json!({"description": null, "title": "Ace", "processed": true})).unwrap();
        assert_eq!(update.apply(&mut clip).unwrap(), ["description", "processed"]);
        assert_eq!((clip.description, clip.game_name.as_deref()), (None, Some("g")));
    }

    #[test]
    fn an_update_names_no_other_fields() {
        assert!(serde_json::from_value::<ClipUpdate>(json!({"file_path": "b"})).is_err());
    }
}
