//! What plugins that require this one can ask for.

use serde_json::{Map, Value as Json};
use switchboard_sdk::prelude::{Context, Deserialize, JsonSchema, Result, Serialize, conflict};

use crate::{
    clip::Clip,
    filters::Change,
    library,
    media::{self, Media},
};

/// Which clip.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Which {
    id: i64,
}

/// Where a clip's media is; all null without media.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Location {
    /// The key of the blob, which this plugin shares.
    key: Option<String>,
    content_type: Option<String>,
    /// Bytes.
    size: Option<i64>,
    /// Whole seconds, if known.
    duration: Option<i64>,
}

/// What is to be kept with a clip.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Annotation {
    id: i64,
    /// Keys to be set.
    #[serde(default)]
    metadata: Map<String, Json>,
    /// Keys to be taken out.
    #[serde(default)]
    remove: Vec<String>,
    /// The key that the clip's media must still have: what was found out is about that media.
    media: Option<String>,
}

pub(crate) async fn get(ctx: Context, which: Which) -> Result<Clip> {
    library::find(&ctx, which.id).await
}

pub(crate) async fn media(ctx: Context, which: Which) -> Result<Location> {
    let clip = library::find(&ctx, which.id).await?;
    let media = media::of(&ctx, which.id).await?;
    let Media { key, content_type, size, .. } = match media {
        Some(media) => media,
        None => return Ok(Location { key: None, content_type: None, size: None, duration: clip.duration }),
    };
    Ok(Location {
        key: Some(key),
        content_type: Some(content_type),
        size: Some(size),
        duration: clip.duration,
    })
}

pub(crate) async fn annotate(ctx: Context, annotation: Annotation) -> Result<Clip> {
    let id = annotation.id;
    let mut tx = ctx.db().begin().await?;
    if let Some(expected) = &annotation.media {
        let media = media::of_in(&ctx, &mut tx, id).await?;
        if media.is_none_or(|media| media.key != *expected) {
            return Err(conflict!(
                "the media of clip {id} is another by now: what is said of it no longer fits"
            ));
        }
    }
    let change = Change { set: annotation.metadata, remove: annotation.remove };
    let clip = change.save(&ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(clip)
}
