//! Media that no clip is sure to name, so that none is left behind for good.
//!
//! A key is noted before its media is stored, and taken off in the transaction in which a clip takes it; it is noted
//! again in the one in which the clip gives it up. Whatever crashes between leaves a note, and what the note names is
//! removed when the organization uploads or deletes again. A note without a time is given up for good: no clip takes
//! its key any more, so that media cannot be removed from under a clip that is being stored.

use switchboard_sdk::{Context, Failure, Result, capability::Transaction};

use crate::clip::moment;

/// How long an upload may take before its key counts as given up, in hours.
const LONGEST_UPLOAD: u64 = 24;

/// How many are removed at once.
const AT_ONCE: i64 = 20;

/// A key for media to be stored, noted; first, what was left behind is removed.
pub(crate) async fn fresh_key(ctx: &Context) -> Result<String> {
    sweep(ctx).await?;
    let mut random = [0; 16];
    ctx.random(&mut random);
    let key = random.iter().fold("media/".to_owned(), |key, byte| format!("{key}{byte:02x}"));
    let note = "insert into stray_media (media_key, organization_id, since) values ($1, $2, $3)";
    ctx.db().execute(note, (key.as_str(), ctx.organization()?.id, moment(ctx.now()))).await?;
    Ok(key)
}

/// A clip takes the media.
///
/// # Errors
/// [`Failure::Unavailable`] when it was removed meanwhile as left behind.
pub(crate) async fn take(ctx: &Context, tx: &mut Transaction, key: &str) -> Result<()> {
    let note = "delete from stray_media where media_key = $1 and organization_id = $2 and since <> ''";
    match tx.execute(note, (key, ctx.organization()?.id)).await? {
        0 => Err(Failure::unavailable("the media was given up before it was stored; upload it again")),
        _ => Ok(()),
    }
}

/// A clip gives the media up.
pub(crate) async fn give_up(ctx: &Context, tx: &mut Transaction, key: &str) -> Result<()> {
    let note = "insert into stray_media (media_key, organization_id, since) values ($1, $2, $3)";
    tx.execute(note, (key, ctx.organization()?.id, moment(ctx.now()))).await?;
    Ok(())
}

/// Removes media that was noted, and that nobody but the caller can take. What fails is logged, and done later.
pub(crate) async fn discard(ctx: &Context, key: &str) {
    if let Err(failure) = remove(ctx, key).await {
        ctx.log().warn(&format!("media `{key}` could not be removed yet: {failure}"));
    }
}

/// What is noted when the plugin is loaded belongs to no upload that still runs.
pub(crate) async fn abandon_all(ctx: Context) -> Result<()> {
    ctx.db().execute("update stray_media set since = ''", ()).await?;
    Ok(())
}

/// Removes what was left behind.
pub(crate) async fn sweep(ctx: &Context) -> Result<()> {
    let organization = ctx.organization()?.id;
    let since = moment(ctx.now() - std::time::Duration::from_secs(LONGEST_UPLOAD * 3600));
    let left = "select media_key from stray_media where organization_id = $1 and since < $2 limit $3";
    let keys: Vec<String> = ctx.db().query(left, (organization, &since, AT_ONCE)).await?;
    if keys.is_empty() {
        return Ok(());
    }
    let give_up = "update stray_media set since = '' where organization_id = $1 and since < $2";
    ctx.db().execute(give_up, (organization, &since)).await?;
    let given_up = "select media_key from stray_media where organization_id = $1 and since = '' limit $2";
    let keys: Vec<String> = ctx.db().query(given_up, (organization, AT_ONCE)).await?;
    for key in keys {
        discard(ctx, &key).await;
    }
    Ok(())
}

async fn remove(ctx: &Context, key: &str) -> Result<()> {
    ctx.blobs().delete(key).await?;
    let note = "delete from stray_media where media_key = $1 and organization_id = $2";
    ctx.db().execute(note, (key, ctx.organization()?.id)).await?;
    Ok(())
}
