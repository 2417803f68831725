//! A clip was captured: its highlights are found before anybody sees it.

use std::{ops::ControlFlow, time::Duration};

use switchboard_sdk::prelude::*;

use crate::{
    clip::{Clip, Order, Outcome},
    listening::{listen, media_of, no_file},
};

/// Longer audio is listened to in the background, in seconds.
const AT_ONCE: f64 = 600.0;

/// The time that is kept back of the call's, to hand the clip over when listening takes too long.
const RESERVE: Duration = Duration::from_secs(5);

/// Finds the highlights of a clip and writes them into its metadata.
pub(crate) async fn find_highlights(ctx: Context, mut clip: Clip) -> Result<Clip> {
    let outcome = outcome_of(&ctx, clip.id).await?;
    outcome.write_into(clip.metadata());
    Ok(clip)
}

async fn outcome_of(ctx: &Context, clip: i64) -> Result<Outcome> {
    let media = media_of(ctx, clip).await?;
    let Some(key) = media.key else { return Ok(no_file()) };
    if media.duration.is_some_and(|duration| duration > AT_ONCE) {
        return hand_over(ctx, clip, key).await;
    }
    let call = ctx.clone();
    let heard = listen(ctx, &key, move |progress| {
        let length = progress.total.unwrap_or(progress.done);
        let too_slow = call.time_left() < RESERVE || call.should_stop();
        if length > AT_ONCE || too_slow { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match heard.await? {
        Some(outcome) => Ok(outcome),
        None => hand_over(ctx, clip, key).await,
    }
}

async fn hand_over(ctx: &Context, id: i64, media: String) -> Result<Outcome> {
    ctx.schedule().run("analyse", &Order { id, media }).await.map(Outcome::Queued)
}
