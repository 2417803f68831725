//! Asking the plugins that take part, and keeping what they find out.

use serde_json::{Map, Value as Json};
use switchboard_sdk::{capability::Transaction, prelude::*};

use crate::{
    clip::{Clip, JsonText, moment},
    library, media,
};

/// What passes through `clip.captured` and `clip.processed`.
#[derive(Serialize, Deserialize)]
struct Passing {
    id: i64,
    title: String,
    file_path: String,
    game_name: Option<String>,
    metadata: Option<Map<String, Json>>,
}

/// A change to a clip's metadata: keys to be set, and keys to be taken out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Change {
    pub(crate) set: Map<String, Json>,
    pub(crate) remove: Vec<String>,
}

/// Passes the clip through everyone who takes part, saves the metadata if it changed, and gives the clip.
///
/// With `media`, it is saved only while that is still the key of the clip's media: what was found out is about that
/// media, and who replaced it asks anew.
///
/// # Errors
/// [`Failure::Conflict`] for a veto. Another failure of those who take part is logged, and the clip stays as it is.
pub(crate) async fn pass(ctx: &Context, point: &str, clip: Clip, media: Option<&str>) -> Result<Clip> {
    let before = clip.metadata.as_ref().map(JsonText::object);
    let passing = Passing {
        id: clip.id,
        title: clip.title.clone(),
        file_path: clip.file_path.clone(),
        game_name: clip.game_name.clone(),
        metadata: before.clone(),
    };
    let after = match ctx.filter(point, &passing).await {
        Ok(passed) => passed.metadata,
        Err(veto @ Failure::Conflict { .. }) => return Err(veto),
        Err(failure) => {
            ctx.log()
                .warn(&format!("what came out of `{point}` for clip {} is passed over: {failure}", clip.id));
            return Ok(clip);
        }
    };
    let change = Change::between(before.unwrap_or_default(), after.unwrap_or_default());
    if change == Change::default() {
        return Ok(clip);
    }
    // The row's metadata may be another by now: a plugin that took part may go on annotating from a task.
    let mut tx = ctx.db().begin().await?;
    let now = match media {
        Some(_) => media::of_in(ctx, &mut tx, clip.id).await?.map(|media| media.key),
        None => None,
    };
    if now.as_deref() != media {
        return library::find_in(ctx, &mut tx, clip.id).await;
    }
    let clip = change.save(ctx, &mut tx, clip.id).await?;
    tx.commit().await?;
    Ok(clip)
}

impl Change {
    fn between(before: Map<String, Json>, after: Map<String, Json>) -> Self {
        let remove = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
        let set = after.into_iter().filter(|(key, value)| before.get(key) != Some(value)).collect();
        Self { set, remove }
    }

    /// Writes it into the clip's metadata as it stands now, says so unless nothing is different, and gives the clip.
    pub(crate) async fn save(self, ctx: &Context, tx: &mut Transaction, id: i64) -> Result<Clip> {
        let mut clip = library::find_in(ctx, tx, id).await?;
        let before = clip.metadata.as_ref().map(JsonText::object).unwrap_or_default();
        let mut metadata = before.clone();
        metadata.retain(|key, _| !self.remove.contains(key));
        metadata.extend(self.set);
        if metadata == before {
            return Ok(clip);
        }
        clip.metadata = Some(JsonText::of(&metadata)?);
        clip.updated_at = moment(ctx.now());
        library::write(ctx, tx, &clip).await?;
        tx.emit(clip.event("clip.updated", Some(&["metadata"]))?)?;
        Ok(clip)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Json) -> Map<String, Json> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_change_is_what_differs() {
        let before = object(json!({"kept": 1, "changed": 1, "gone": 1}));
        let after = object(json!({"kept": 1, "changed": 2, "new": [3]}));
        let change = Change::between(before.clone(), after);
        assert_eq!(change.set, object(json!({"changed": 2, "new": [3]})));
        assert_eq!(change.remove, ["gone"]);
        assert_eq!(Change::between(before.clone(), before), Change::default());
    }
}
