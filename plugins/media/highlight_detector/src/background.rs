//! A long clip is listened to in the background.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use switchboard_sdk::prelude::*;

use crate::{
    Progress,
    clip::Order,
    listening::{listen, media_of},
};

/// Listens to a clip and saves what was found; nothing is saved when the clip, or its file, is another meanwhile.
pub(crate) async fn find_highlights(ctx: Context, task: TaskCall) -> Result<()> {
    let order: Order = task.payload.to()?;
    match save_highlights(&ctx, &order, &task).await {
        // A clip that was deleted wants no highlights, and a file that was replaced was captured anew.
        Err(Failure::NotFound { message } | Failure::Conflict { message }) => {
            ctx.log()
                .info(&format!("the highlights of clip {} are not needed any more: {message}", order.id));
            Ok(())
        }
        other => other,
    }
}

async fn save_highlights(ctx: &Context, order: &Order, task: &TaskCall) -> Result<()> {
    let clip = order.id;
    if media_of(ctx, clip).await?.key.as_ref() != Some(&order.media) {
        return Err(conflict!("its file was replaced"));
    }
    let call = ctx.clone();
    let watch = move |progress| {
        report(&call, progress);
        if call.should_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = listen(ctx, &order.media, watch).await?.ok_or_else(|| {
        Failure::unavailable(format!("listening to clip {clip} was stopped before its end"))
    })?;
    // The answer that says `queued` is saved when every plugin has had its turn, and would come on top of what is saved
    // before it. One that was never saved, or that somebody took out, is not waited for a second time.
    if task.attempt == 1 && !is_queued(ctx, clip, &task.run).await? {
        return Err(Failure::unavailable(format!("that clip {clip} is being listened to is not saved yet")));
    }
    let saved = json!({
        "id": clip,
        "media": order.media,
        "metadata": outcome.metadata(),
        "remove": outcome.outdated(),
    });
    ctx.services().call::<Value>("clips.annotate", &saved).await.map(drop)
}

/// Whether the clip says that this run is to come.
async fn is_queued(ctx: &Context, clip: i64, run: &str) -> Result<bool> {
    let clip: Value = ctx.services().call("clips.get", &json!({ "id": clip })).await?;
    Ok(clip.pointer("/metadata/analysis/run").and_then(Value::as_str) == Some(run))
}

fn report(ctx: &Context, progress: Progress) {
    let message = match progress.total {
        Some(total) => format!("listened to {:.0} of {:.0} minutes", progress.done / 60.0, total / 60.0),
        None => format!("listened to {:.0} minutes", progress.done / 60.0),
    };
    // Progress is for people to see; the work is done all the same where it cannot be said.
    let _ = ctx.schedule().progress(progress.share().unwrap_or(0.0), message);
}
