//! A long clip is listened to in the background.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use switchboard_sdk::prelude::*;

use crate::{
    Progress,
    listening::{listen, media_of, no_file},
};

/// Which clip.
#[derive(Deserialize)]
struct Order {
    id: i64,
}

/// Listens to a clip and saves what was found; nothing is saved when the clip, or its file, is another meanwhile.
pub(crate) async fn find_highlights(ctx: Context, task: TaskCall) -> Result<()> {
    let Order { id } = task.payload.to()?;
    match save_highlights(&ctx, id).await {
        // A clip that was deleted wants no highlights, and a file that was replaced was captured anew.
        Err(Failure::NotFound { message } | Failure::Conflict { message }) => {
            ctx.log().info(&format!("the highlights of clip {id} are not needed any more: {message}"));
            Ok(())
        }
        other => other,
    }
}

async fn save_highlights(ctx: &Context, clip: i64) -> Result<()> {
    let media = media_of(ctx, clip).await?;
    let outcome = match &media.key {
        None => no_file(),
        Some(key) => {
            let call = ctx.clone();
            let watch = move |progress| {
                report(&call, progress);
                if call.should_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            listen(ctx, key, watch).await?.ok_or_else(|| {
                Failure::unavailable(format!("listening to clip {clip} was stopped before its end"))
            })?
        }
    };
    let saved = json!({
        "id": clip,
        "media": media.key,
        "metadata": outcome.metadata(),
        "remove": outcome.outdated(),
    });
    ctx.services().call::<Value>("clips.annotate", &saved).await.map(drop)
}

fn report(ctx: &Context, progress: Progress) {
    let message = match progress.total {
        Some(total) => format!("listened to {:.0} of {:.0} minutes", progress.done / 60.0, total / 60.0),
        None => format!("listened to {:.0} minutes", progress.done / 60.0),
    };
    // Progress is for people to see; the work is done all the same where it cannot be said.
    let _ = ctx.schedule().progress(progress.share().unwrap_or(0.0), message);
}
