//! The library: list, get, create, update and delete clips.

use std::sync::LazyLock;

use switchboard_sdk::{
    Engine, OrganizationId, Value,
    capability::Transaction,
    http::{HeaderMap, HeaderValue},
    prelude::*,
};

use crate::{
    clip::{COLUMNS, Clip, ClipUpdate, NewClip, moment, not_found},
    filters,
    media::Media,
    search, stray,
};

/// Which clips to list.
#[derive(Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Listing {
    #[schemars(range(min = 0))]
    skip: i64,
    #[schemars(range(min = 1, max = 1000))]
    limit: i64,
    /// Only those of this game, by its exact name.
    game_name: Option<String>,
    processed: Option<bool>,
    /// Only those with all these words in title, description, tags or game; the last may be a word's beginning.
    #[schemars(length(max = 200))]
    q: Option<String>,
    /// Whether to count, in `X-Total-Count`, how many there are without `skip` and `limit`.
    count: bool,
}

impl Default for Listing {
    fn default() -> Self {
        Self { skip: 0, limit: 100, game_name: None, processed: None, q: None, count: false }
    }
}

pub(crate) async fn list_clips(
    ctx: Context,
    Query(listing): Query<Listing>,
) -> Result<(HeaderMap, Json<Vec<Clip>>)> {
    let mut headers = HeaderMap::new();
    let mut selection = Selection::of(ctx.db().engine()?, ctx.organization()?.id, &listing);
    if listing.count {
        let sql = format!("select count(*) from clip where {}", selection.condition);
        let total: Option<i64> = ctx.db().query_one(&sql, selection.params.clone()).await?;
        headers.insert("x-total-count", HeaderValue::from(total.unwrap_or_default()));
    }
    let (limit, skip) = (selection.param(listing.limit), selection.param(listing.skip));
    let sql = format!(
        "select {COLUMNS} from clip where {} order by created_at desc, id desc limit {limit} offset {skip}",
        selection.condition
    );
    Ok((headers, Json(ctx.db().query(&sql, selection.params).await?)))
}

pub(crate) async fn get_clip(ctx: Context, Path(id): Path<i64>) -> Result<Json<Clip>> {
    find(&ctx, id).await.map(Json)
}

pub(crate) async fn create_clip(ctx: Context, Json(new): Json<NewClip>) -> Result<Created<Clip>> {
    let clip = store(&ctx, new.into_clip(ctx.now())?, None).await?;
    captured(&ctx, clip, None).await.map(Created)
}

pub(crate) async fn update_clip(
    ctx: Context,
    Path(id): Path<i64>,
    Json(update): Json<ClipUpdate>,
) -> Result<Json<Clip>> {
    let mut tx = ctx.db().begin().await?;
    let before = find_in(&ctx, &mut tx, id).await?;
    let mut clip = before.clone();
    let changed = update.apply(&mut clip)?;
    if changed.is_empty() {
        return Ok(Json(before));
    }
    let turned = clip.processed && !before.processed;
    clip.updated_at = moment(ctx.now());
    write(&ctx, &mut tx, &clip).await?;
    tx.emit(clip.event("clip.updated", Some(&changed))?)?;
    if turned {
        tx.emit(clip.event("clip.processed", None)?)?;
    }
    tx.commit().await?;
    if turned { processed(&ctx, clip).await.map(Json) } else { Ok(Json(clip)) }
}

pub(crate) async fn delete_clip(ctx: Context, Path(id): Path<i64>) -> Result<NoContent> {
    remove(&ctx, id).await?;
    if let Err(failure) = stray::sweep(&ctx).await {
        ctx.log().warn(&format!("media left behind could not be looked for: {failure}"));
    }
    Ok(NoContent)
}

/// The organization's clip of that number.
pub(crate) async fn find(ctx: &Context, id: i64) -> Result<Clip> {
    ctx.db().query_one(&SELECT_ONE, (ctx.organization()?.id, id)).await?.ok_or_else(|| not_found(id))
}

/// As [`find`], within a transaction.
pub(crate) async fn find_in(ctx: &Context, tx: &mut Transaction, id: i64) -> Result<Clip> {
    tx.query_one(&SELECT_ONE, (ctx.organization()?.id, id)).await?.ok_or_else(|| not_found(id))
}

static SELECT_ONE: LazyLock<String> =
    LazyLock::new(|| format!("select {COLUMNS} from clip where organization_id = $1 and id = $2"));

/// Stores a new clip, with media that was noted as stray, and gives it with its number.
pub(crate) async fn store(ctx: &Context, mut clip: Clip, media: Option<&Media>) -> Result<Clip> {
    let mut tx = ctx.db().begin().await?;
    let mut params = vec![ctx.organization()?.id.into()];
    params.extend(written(&clip));
    params.extend(Media::columns(media));
    clip.id =
        tx.query_one(INSERT, params).await?.ok_or_else(|| Failure::broken("a new clip got no number"))?;
    if let Some(media) = media {
        stray::take(ctx, &mut tx, &media.key).await?;
    }
    tx.emit(clip.event("clip.created", None)?)?;
    tx.commit().await?;
    Ok(clip)
}

/// Passes a clip just stored through `clip.captured`; a veto removes it again.
pub(crate) async fn captured(ctx: &Context, clip: Clip, media: Option<&str>) -> Result<Clip> {
    let id = clip.id;
    match filters::pass(ctx, "clip.captured", clip, media).await {
        Err(veto @ Failure::Conflict { .. }) => {
            remove(ctx, id).await?;
            Err(veto)
        }
        other => other,
    }
}

/// Passes a clip just processed through `clip.processed`; a veto turns it back.
async fn processed(ctx: &Context, clip: Clip) -> Result<Clip> {
    let id = clip.id;
    match filters::pass(ctx, "clip.processed", clip, None).await {
        Err(veto @ Failure::Conflict { .. }) => {
            let mut tx = ctx.db().begin().await?;
            let mut clip = find_in(ctx, &mut tx, id).await?;
            clip.processed = false;
            clip.updated_at = moment(ctx.now());
            write(ctx, &mut tx, &clip).await?;
            tx.emit(clip.event("clip.updated", Some(&["processed"]))?)?;
            tx.commit().await?;
            Err(veto)
        }
        other => other,
    }
}

/// Writes a clip's fields over those of its row.
pub(crate) async fn write(ctx: &Context, tx: &mut Transaction, clip: &Clip) -> Result<()> {
    let mut params = vec![ctx.organization()?.id.into(), clip.id.into()];
    params.extend(written(clip));
    tx.execute(UPDATE, params).await?;
    Ok(())
}

async fn remove(ctx: &Context, id: i64) -> Result<()> {
    let mut tx = ctx.db().begin().await?;
    let clip = find_in(ctx, &mut tx, id).await?;
    let sql = "delete from clip where organization_id = $1 and id = $2 returning media_key";
    let key: Option<Option<String>> = tx.query_one(sql, (ctx.organization()?.id, id)).await?;
    let key = key.flatten();
    if let Some(key) = &key {
        stray::give_up(ctx, &mut tx, key).await?;
    }
    tx.emit(clip.event("clip.deleted", None)?)?;
    tx.commit().await?;
    if let Some(key) = &key {
        stray::discard(ctx, key).await;
    }
    Ok(())
}

const INSERT: &str = "insert into clip (organization_id, title, file_path, description, game_name, game_id, tags, \
     metadata, file_size, duration, resolution, fps, codec, recorded_at, processed, processing_status, created_at, \
     updated_at, media_key, media_type, media_size, media_etag, media_at) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23) \
     returning id";

const UPDATE: &str = "update clip set title = $3, file_path = $4, description = $5, game_name = $6, game_id = $7, \
     tags = $8, metadata = $9, file_size = $10, duration = $11, resolution = $12, fps = $13, codec = $14, \
     recorded_at = $15, processed = $16, processing_status = $17, created_at = $18, updated_at = $19 \
     where organization_id = $1 and id = $2";

/// A clip's fields but its number, in the order of [`INSERT`] and [`UPDATE`].
fn written(clip: &Clip) -> [Value; 17] {
    [
        (&clip.title).into(),
        (&clip.file_path).into(),
        clip.description.as_deref().into(),
        clip.game_name.as_deref().into(),
        clip.game_id.as_deref().into(),
        clip.tags.as_ref().map(|tags| tags.as_str()).into(),
        clip.metadata.as_ref().map(|metadata| metadata.as_str()).into(),
        clip.file_size.into(),
        clip.duration.into(),
        clip.resolution.as_deref().into(),
        clip.fps.into(),
        clip.codec.as_deref().into(),
        clip.recorded_at.as_deref().into(),
        clip.processed.into(),
        clip.processing_status.as_deref().into(),
        (&clip.created_at).into(),
        (&clip.updated_at).into(),
    ]
}

/// Which rows: a condition and its parameters. There are few texts that it can be, so each is prepared once.
struct Selection {
    condition: String,
    params: Vec<Value>,
}

impl Selection {
    fn of(engine: Engine, organization: OrganizationId, listing: &Listing) -> Self {
        let mut selection =
            Self { condition: "organization_id = $1".to_owned(), params: vec![organization.into()] };
        match &listing.game_name {
            // PostgreSQL keeps no text with a zero byte, and takes none to compare with.
            Some(game) if matches!(engine, Engine::Postgres) && game.contains('\0') => {
                selection.condition.push_str(" and false");
            }
            Some(game) => selection.and("game_name =", game, ""),
            None => {}
        }
        if let Some(processed) = listing.processed {
            selection.and("processed =", processed, "");
        }
        if let Some(typed) = listing.q.as_deref().filter(|typed| !typed.trim().is_empty()) {
            match search::expression(engine, typed) {
                Some(words) => {
                    let (before, after) = search::condition(engine);
                    selection.and(before, words, after);
                }
                None => selection.condition.push_str(" and false"),
            }
        }
        selection
    }

    fn and(&mut self, left: &str, value: impl Into<Value>, right: &str) {
        let param = self.param(value);
        self.condition.push_str(&format!(" and {left} {param}{right}"));
    }

    /// Adds a parameter and gives its name.
    fn param(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_selects_by_what_it_names_within_the_organization() {
        let listing = Listing { game_name: Some("Go".into()), q: Some("ace".into()), ..Listing::default() };
        let selection = Selection::of(Engine::Sqlite, OrganizationId(3), &listing);
        assert_eq!(
            selection.condition,
            "organization_id = $1 and game_name = $2 and id in (select rowid from clip_text where clip_text match $3)"
        );
        assert_eq!(selection.params, [3_i64.into(), "Go".into(), "\"ace\" *".into()]);
    }

    #[test]
    fn blank_words_select_everything_and_signs_alone_nothing() {
        let with = |q: &str| {
            Selection::of(
                Engine::Sqlite,
                OrganizationId(3),
                &Listing { q: Some(q.into()), ..Listing::default() },
            )
        };
        assert_eq!(with("  ").condition, "organization_id = $1");
        assert_eq!(with("***").condition, "organization_id = $1 and false");
    }
}
