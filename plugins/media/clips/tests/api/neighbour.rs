//! Another plugin beside the library: it takes part in what the library does, and hears what it says.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use switchboard_sdk::{Context, Definition, Event, Failure, Plugin, Result};

/// What a neighbour saw, in order.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Json>>>);

impl Seen {
    pub(crate) fn note(&self, what: Json) {
        self.0.lock().unwrap().push(what);
    }

    pub(crate) fn all(&self) -> Vec<Json> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn take(&self) -> Vec<Json> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// The manifest of a plugin that requires the library and takes part in both filter points.
pub(crate) const MARKER: &str = r#"
id: marker
name: Marker
version: 1.0.0
type: builtin
category: media
enabled_by_default: true
requires: [{ plugin_id: clips, version: ">=1" }]
provides:
  filters: [{ name: clip.captured }, { name: clip.processed }]
"#;

/// As [`MARKER`], under an id that comes before it.
pub(crate) const EARLIER: &str = r#"
id: earlier
name: Earlier
version: 1.0.0
type: builtin
category: media
enabled_by_default: true
requires: [{ plugin_id: clips, version: ">=1" }]
provides:
  filters: [{ name: clip.captured }, { name: clip.processed }]
"#;

/// As [`MARKER`], under an id that comes after it, and yet asked first.
pub(crate) const URGENT: &str = r#"
id: urgent
name: Urgent
version: 1.0.0
type: builtin
category: media
enabled_by_default: true
requires: [{ plugin_id: clips, version: ">=1" }]
provides:
  filters: [{ name: clip.captured, priority: 1 }, { name: clip.processed, priority: 1 }]
"#;

const LISTENER: &str = r#"
id: listener
name: Listener
version: 1.0.0
type: builtin
category: media
enabled_by_default: true
requires: [{ plugin_id: clips, version: ">=1" }]
capabilities: [{ name: events, reason: Hears of clips. }]
provides:
  listeners: [{ event: "clip.*" }]
"#;

pub(crate) fn built(definition: Definition) -> Arc<dyn Plugin> {
    definition.build().unwrap_or_else(|faults| panic!("{faults}"))
}

/// A plugin that does this at both points: it is given the point and what passes through, and gives what goes on.
pub(crate) fn taking_part<F>(manifest: &'static str, act: F) -> Arc<dyn Plugin>
where
    F: Fn(&'static str, Json) -> Result<Json> + Clone + Send + Sync + 'static,
{
    let at = |point: &'static str, act: F| {
        move |_: Context, passing: Json| {
            let acted = act(point, passing);
            async move { acted }
        }
    };
    let definition = Definition::new(manifest)
        .filter("clip.captured", at("clip.captured", act.clone()))
        .filter("clip.processed", at("clip.processed", act));
    built(definition)
}

/// A plugin that writes `key: value` into the metadata at each point, and notes what passed.
pub(crate) fn marking(
    manifest: &'static str,
    seen: &Seen,
    key: &'static str,
    value: Json,
) -> Arc<dyn Plugin> {
    let seen = seen.clone();
    taking_part(manifest, move |point, mut passing| {
        seen.note(json!({"point": point, "passing": passing}));
        let metadata = passing["metadata"].take();
        let mut metadata = metadata.as_object().cloned().unwrap_or_default();
        metadata.insert(key.to_owned(), value.clone());
        passing["metadata"] = metadata.into();
        Ok(passing)
    })
}

/// A plugin that does not let anything pass.
pub(crate) fn refusing(manifest: &'static str, point: &'static str) -> Arc<dyn Plugin> {
    taking_part(manifest, move |at, passing| match at == point {
        true => Err(Failure::conflict("not this one")),
        false => Ok(passing),
    })
}

/// A plugin that notes the library's events.
pub(crate) fn listening(seen: &Seen) -> Arc<dyn Plugin> {
    let seen = seen.clone();
    let hear = move |_: Context, event: Event| {
        let data: Json = event.data.to().unwrap();
        seen.note(json!({
            "name": event.name, "subject": event.subject, "organization": event.organization.map(|id| id.0),
            "data": data,
        }));
        async { Ok(()) }
    };
    built(Definition::new(LISTENER).on("clip.*", hear))
}
