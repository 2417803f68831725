//! A clip was processed: nothing more is done for its highlights.

use switchboard_sdk::prelude::*;

use crate::clip::Clip;

/// Says in the clip's metadata that the detection is complete.
pub(crate) async fn mark_complete(_: Context, mut clip: Clip) -> Result<Clip> {
    clip.metadata().insert("highlight_detection_complete".to_owned(), true.into());
    Ok(clip)
}
