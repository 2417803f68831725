//! Listening to a clip's media file within a call.

use std::ops::ControlFlow;

use serde_json::json;
use switchboard_sdk::prelude::*;

use crate::{
    Progress, Settings, Unheard, analyse,
    clip::{Media, Outcome},
};

/// Where the clip's media file is.
pub(crate) async fn media_of(ctx: &Context, clip: i64) -> Result<Media> {
    ctx.services().call("clips.media", &json!({ "id": clip })).await
}

/// Listens to a file of the clips plugin with the organization's settings; `None` when `watch` ended it.
///
/// `watch` runs where the listening is done, and decides after each second of audio whether it goes on.
pub(crate) async fn listen(
    ctx: &Context,
    key: &str,
    watch: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static,
) -> Result<Option<Outcome>> {
    let clips = "clips".parse().map_err(|_| Failure::broken("`clips` is not a plugin id"))?;
    let Some(file) = ctx.blobs().of(&clips).open(key).await? else {
        return Ok(Some(Outcome::Skipped("the clip's file is not in the storage".to_owned())));
    };
    let settings: Settings = ctx.config()?;
    match ctx.compute(move || analyse(file, &settings, watch)).await? {
        Ok(analysis) => Ok(Some(Outcome::Found(analysis.highlights))),
        Err(Unheard::Stopped) => Ok(None),
        Err(Unheard::Unreadable(why)) => {
            Err(Failure::unavailable(format!("blob `{key}` could not be read: {why}")))
        }
        Err(reason) => Ok(Some(Outcome::Skipped(reason.to_string()))),
    }
}

/// The outcome for a clip without a file.
pub(crate) fn no_file() -> Outcome {
    Outcome::Skipped("the clip has no file".to_owned())
}
