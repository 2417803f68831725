//! The media itself: upload, replace, download with ranges.

use serde_json::{Map, Value as Json};
use switchboard_sdk::{
    BlobInfo, Body, Fault, Response, Timestamp, Value,
    capability::Transaction,
    extract::{Field, HeadOnly, Headers, Multipart, WholeBody},
    http::{HeaderValue, StatusCode, header},
    prelude::{Context, Created, Deserialize, Failure, Path, Result, not_found},
};

use crate::{
    allowance,
    clip::{Clip, NewClip, moment, not_found as clip_not_found},
    condition::Validators,
    facts::{self, Facts},
    filters, library,
    range::{self, Wanted},
    sniff, stray,
};

/// How many bytes a form's fields may have, all together, without the file.
const FORM_BYTES: usize = 1024 * 1024;

/// What a clip's row says of its media.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Media {
    #[serde(rename = "media_key")]
    pub(crate) key: String,
    #[serde(rename = "media_type")]
    pub(crate) content_type: String,
    #[serde(rename = "media_size")]
    pub(crate) size: i64,
    #[serde(rename = "media_etag")]
    etag: String,
    #[serde(rename = "media_at")]
    stored_at: String,
}

/// The row of a clip, with or without media.
#[derive(Deserialize)]
struct Row {
    media_key: Option<String>,
    media_type: Option<String>,
    media_size: Option<i64>,
    media_etag: Option<String>,
    media_at: Option<String>,
}

pub(crate) async fn upload_clip(ctx: Context, form: Multipart) -> Result<Created<Clip>> {
    let key = stray::fresh_key(&ctx).await?;
    match store_upload(&ctx, form, &key).await {
        Ok(clip) => library::captured(&ctx, clip, Some(&key)).await.map(Created),
        Err(failure) => {
            stray::discard(&ctx, &key).await;
            Err(failure)
        }
    }
}

pub(crate) async fn replace_media(
    ctx: Context,
    Path(id): Path<i64>,
    WholeBody(body): WholeBody,
) -> Result<switchboard_sdk::answer::Json<Clip>> {
    library::find(&ctx, id).await?;
    let key = stray::fresh_key(&ctx).await?;
    let replaced = match store_replacement(&ctx, id, &key, body).await {
        Ok(replaced) => replaced,
        Err(failure) => {
            stray::discard(&ctx, &key).await;
            return Err(failure);
        }
    };
    match filters::pass(&ctx, "clip.captured", replaced.clip.clone(), Some(&key)).await {
        Err(veto @ Failure::Conflict { .. }) => {
            replaced.undo(&ctx).await?;
            Err(veto)
        }
        result => {
            if let Some(old) = &replaced.old {
                stray::discard(&ctx, &old.key).await;
            }
            result.map(switchboard_sdk::answer::Json)
        }
    }
}

pub(crate) async fn download_media(
    ctx: Context,
    Path(id): Path<i64>,
    headers: Headers,
    HeadOnly(head_only): HeadOnly,
) -> Result<Response> {
    // Media that is replaced between the look at the row and that at the blob is looked for once more.
    for _ in 0..2 {
        if let Some(response) = answer(&ctx, id, &headers, head_only).await? {
            return Ok(response);
        }
    }
    Err(Failure::unavailable(format!(
        "the media of clip {id} is not where it was stored; unless it is being replaced just now, upload it again"
    )))
}

/// The answer to a download; `None` when the media is not where the row says.
async fn answer(ctx: &Context, id: i64, headers: &Headers, head_only: bool) -> Result<Option<Response>> {
    let clip = library::find(ctx, id).await?;
    let media = of(ctx, id).await?.ok_or_else(|| no_media(id))?;
    let size = u64::try_from(media.size).unwrap_or_default();
    let validators = Validators::new(&media.etag, media.stored_at.parse().unwrap_or(Timestamp::UNIX_EPOCH));

    let mut response = Response::new(StatusCode::OK);
    set(&mut response, header::ETAG, &validators.etag);
    set(&mut response, header::LAST_MODIFIED, &validators.last_modified);
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    set(&mut response, header::CACHE_CONTROL, "private, no-cache");
    if validators.client_has(headers) {
        response.status = StatusCode::NOT_MODIFIED;
        return Ok(Some(response));
    }
    let asked = headers.get("range").filter(|_| !head_only && validators.allow_part(headers));
    let part = match range::wanted(asked, size) {
        Wanted::Whole => None,
        Wanted::Part(part) => Some(part),
        Wanted::Unsatisfiable => {
            response.status = StatusCode::RANGE_NOT_SATISFIABLE;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(Some(response));
        }
    };
    if let Some(part) = &part {
        response.status = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1));
        set(&mut response, header::CONTENT_RANGE, &range);
    }
    let length = part.as_ref().map_or(size, |part| part.end - part.start);
    set(&mut response, header::CONTENT_LENGTH, &length.to_string());
    set(&mut response, header::CONTENT_TYPE, &media.content_type);
    set(
        &mut response,
        header::CONTENT_DISPOSITION,
        &disposition(&clip.title, sniff::ending(&media.content_type)),
    );
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if !head_only {
        let Some(blob) = ctx.blobs().get(&media.key, part).await? else { return Ok(None) };
        response.body = blob.body;
    }
    Ok(Some(response))
}

/// What the row says of a clip's media; `None` without media.
pub(crate) async fn of(ctx: &Context, id: i64) -> Result<Option<Media>> {
    let row: Option<Row> = ctx.db().query_one(SELECT, (ctx.organization()?.id, id)).await?;
    row.map(Row::media).ok_or_else(|| clip_not_found(id))
}

/// As [`of`], within a transaction.
pub(crate) async fn of_in(ctx: &Context, tx: &mut Transaction, id: i64) -> Result<Option<Media>> {
    let row: Option<Row> = tx.query_one(SELECT, (ctx.organization()?.id, id)).await?;
    row.map(Row::media).ok_or_else(|| clip_not_found(id))
}

const SELECT: &str = "select media_key, media_type, media_size, media_etag, media_at from clip \
     where organization_id = $1 and id = $2";

impl Row {
    fn media(self) -> Option<Media> {
        Some(Media {
            key: self.media_key?,
            content_type: self.media_type?,
            size: self.media_size?,
            etag: self.media_etag?,
            stored_at: self.media_at?,
        })
    }
}

impl Media {
    /// The columns, in the order of the row; null without media.
    pub(crate) fn columns(media: Option<&Self>) -> [Value; 5] {
        [
            media.map(|media| media.key.as_str()).into(),
            media.map(|media| media.content_type.as_str()).into(),
            media.map(|media| media.size).into(),
            media.map(|media| media.etag.as_str()).into(),
            media.map(|media| media.stored_at.as_str()).into(),
        ]
    }
}

/// What came with an upload.
#[derive(Default)]
struct Received {
    fields: Map<String, Json>,
    file: Option<(String, BlobInfo)>,
}

async fn store_upload(ctx: &Context, mut form: Multipart, key: &str) -> Result<Clip> {
    let mut received = Received::default();
    let mut room = FORM_BYTES;
    while let Some(field) = form.next_field().await? {
        if field.name() == Some("file") {
            received.take_file(ctx, field, key).await?;
        } else {
            let name = field.name().unwrap_or_default().to_owned();
            let text = field.text(room).await?;
            room = room.saturating_sub(text.len() + name.len());
            received.take_field(name, text);
        }
    }
    let (media, facts, new) = received.finish(ctx, key).await?;
    let mut clip = new.into_clip(ctx.now())?;
    facts.fill(&mut clip);
    library::store(ctx, clip, Some(&media)).await
}

impl Received {
    async fn take_file(&mut self, ctx: &Context, field: Field, key: &str) -> Result<()> {
        if self.file.is_some() {
            let fault = Fault::new("too_many", ["body", "file"], "One file is expected", Json::Null);
            return Err(Failure::faults(vec![fault]));
        }
        let name = last_part(field.file_name().unwrap_or_default()).to_owned();
        let body = allowance::bounded(ctx, field.into_body())?;
        self.file = Some((name, ctx.blobs().put(key, body).await?));
        Ok(())
    }

    /// A form has only text: each field is read as what it is meant to be, and where that fails stays text, for the
    /// check to say so. An empty field is one that was not filled in.
    fn take_field(&mut self, name: String, text: String) {
        if text.is_empty() {
            return;
        }
        let value = match name.as_str() {
            "file_size" | "duration" | "fps" => {
                text.trim().parse::<serde_json::Number>().ok().map(Json::Number)
            }
            "processed" => boolean(text.trim()).map(Json::Bool),
            "clip_metadata" => serde_json::from_str(&text).ok(),
            "tags" if text.trim_start().starts_with('[') => serde_json::from_str(&text).ok(),
            // Given by repetition, as forms give lists.
            "tags" => {
                let mut tags = match self.fields.remove("tags") {
                    Some(Json::Array(tags)) => tags,
                    _ => Vec::new(),
                };
                tags.push(Json::String(text.clone()));
                Some(Json::Array(tags))
            }
            _ => None,
        };
        self.fields.insert(name, value.unwrap_or(Json::String(text)));
    }

    /// Everything, checked.
    async fn finish(mut self, ctx: &Context, key: &str) -> Result<(Media, Facts, NewClip)> {
        let Some((name, info)) = self.file else {
            let fault = Fault::new("missing", ["body", "file"], "Field required", Json::Null);
            return Err(Failure::faults(vec![fault]));
        };
        if !name.is_empty() {
            let title = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
            let title: String = if title.is_empty() { &name } else { title }.chars().take(255).collect();
            self.fields.entry("title").or_insert(Json::String(title));
            self.fields.entry("file_path").or_insert(Json::String(name));
        }
        let new = ctx.checked(Json::Object(self.fields), &["body"])?;
        let (media, facts) = examine(ctx, key, info, &["body", "file"]).await?;
        Ok((media, facts, new))
    }
}

/// Looks into media just stored.
async fn examine(ctx: &Context, key: &str, info: BlobInfo, place: &[&str]) -> Result<(Media, Facts)> {
    if info.size == 0 {
        let fault = Fault::new("value_error", place.iter().copied(), "The file is empty", Json::Null);
        return Err(Failure::faults(vec![fault]));
    }
    let file = ctx.blobs().open(key).await?.ok_or_else(|| {
        Failure::unavailable("the media was removed while it was being stored; upload it again")
    })?;
    let size = info.size;
    let (content_type, facts) =
        ctx.compute(move || facts::read(file, size)).await.unwrap_or_else(|failure| {
            ctx.log().warn(&format!("nothing is known of media `{key}`: {failure}"));
            (sniff::content_type(&[]), Facts::of_size(size))
        });
    let media = Media {
        key: key.to_owned(),
        content_type: content_type.to_owned(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        etag: info.etag,
        stored_at: moment(info.modified),
    };
    Ok((media, facts))
}

/// Media that took the place of other media, or of none.
struct Replaced {
    /// The clip as it is now.
    clip: Clip,
    /// The clip as it was.
    before: Clip,
    new: Media,
    old: Option<Media>,
}

async fn store_replacement(ctx: &Context, id: i64, key: &str, body: Body) -> Result<Replaced> {
    let info = ctx.blobs().put(key, allowance::bounded(ctx, body)?).await?;
    let (new, facts) = examine(ctx, key, info, &["body"]).await?;
    let mut tx = ctx.db().begin().await?;
    let before = library::find_in(ctx, &mut tx, id).await?;
    let old = of_in(ctx, &mut tx, id).await?;
    let mut clip = before.clone();
    facts.replace(&mut clip, old.is_some());
    clip.updated_at = moment(ctx.now());
    swap(ctx, &mut tx, &clip, Some(&new), old.as_ref()).await?;
    tx.commit().await?;
    Ok(Replaced { clip, before, new, old })
}

impl Replaced {
    /// Puts the old media back, unless other media took its place meanwhile.
    async fn undo(self, ctx: &Context) -> Result<()> {
        let mut tx = ctx.db().begin().await?;
        if of_in(ctx, &mut tx, self.clip.id).await?.is_none_or(|media| media.key != self.new.key) {
            drop(tx);
            if let Some(old) = &self.old {
                stray::discard(ctx, &old.key).await;
            }
            return Ok(());
        }
        let mut clip = library::find_in(ctx, &mut tx, self.clip.id).await?;
        clip.file_size = self.before.file_size;
        clip.duration = self.before.duration;
        clip.resolution = self.before.resolution;
        clip.fps = self.before.fps;
        clip.codec = self.before.codec;
        clip.updated_at = moment(ctx.now());
        swap(ctx, &mut tx, &clip, self.old.as_ref(), Some(&self.new)).await?;
        tx.commit().await?;
        stray::discard(ctx, &self.new.key).await;
        Ok(())
    }
}

/// Writes a clip whose media is now `new` and was `old`.
async fn swap(
    ctx: &Context,
    tx: &mut Transaction,
    clip: &Clip,
    new: Option<&Media>,
    old: Option<&Media>,
) -> Result<()> {
    library::write(ctx, tx, clip).await?;
    let mut params = vec![ctx.organization()?.id.into(), clip.id.into()];
    params.extend(Media::columns(new));
    tx.execute(UPDATE, params).await?;
    if let Some(new) = new {
        stray::take(ctx, tx, &new.key).await?;
    }
    if let Some(old) = old {
        stray::give_up(ctx, tx, &old.key).await?;
    }
    tx.emit(clip.event("clip.updated", Some(&["media"]))?)
}

const UPDATE: &str = "update clip set media_key = $3, media_type = $4, media_size = $5, media_etag = $6, \
     media_at = $7 where organization_id = $1 and id = $2";

fn no_media(id: i64) -> Failure {
    not_found!("Clip {id} has no media")
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers.insert(name, value);
    }
}

/// The words that clients write for true and false, as in a query.
fn boolean(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "1", "yes", "on"]) {
        Some(true)
    } else if is(&["false", "0", "no", "off"]) {
        Some(false)
    } else {
        None
    }
}

/// A file's name without the folders that some clients send with it.
fn last_part(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name).trim()
}

/// How a browser names the file when it is saved: the title in plain letters, and as it is for who can read that.
fn disposition(title: &str, ending: &str) -> String {
    let plain: String = title
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " -_.()".contains(c) { c } else { '_' })
        .take(100)
        .collect();
    let exact: String = title
        .chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c })
        .take(100)
        .collect();
    let mut encoded = String::new();
    for byte in format!("{exact}.{ending}").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("inline; filename=\"{plain}.{ending}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_title_becomes_a_file_name_that_breaks_nothing() {
        assert_eq!(disposition("Ace", "mp4"), "inline; filename=\"Ace.mp4\"; filename*=UTF-8''Ace.mp4");
        assert_eq!(
            disposition("a/b\"c\r\nX: ü", "mkv"),
            "inline; filename=\"a_b_c__X_ _.mkv\"; filename*=UTF-8''a_b_c__X_%20%C3%BC.mkv"
        );
    }

    #[test]
    fn a_file_is_called_by_the_last_part_of_its_name() {
        assert_eq!(last_part(r"C:\clips\ace.mp4"), "ace.mp4");
        assert_eq!(last_part("../../ace.mp4"), "ace.mp4");
        assert_eq!(last_part("ace.mp4"), "ace.mp4");
    }

    #[test]
    fn a_forms_fields_are_read_as_what_they_are_meant_to_be() {
        let mut received = Received::default();
        for (name, text) in [
            ("title", "7"),
            ("duration", " 12 "),
            ("fps", "59.94"),
            ("processed", "Yes"),
            ("tags", "a"),
            ("tags", "b"),
            ("clip_metadata", r#"{"k":1}"#),
            ("file_size", "large"),
            ("codec", ""),
        ] {
            received.take_field(name.to_owned(), text.to_owned());
        }
        assert_eq!(
            Json::Object(received.fields),
            json!({"title": "7", "duration": 12, "fps": 59.94, "processed": true, "tags": ["a", "b"],
                   "clip_metadata": {"k": 1}, "file_size": "large"})
        );
    }

    #[test]
    fn tags_may_come_as_one_list() {
        let mut received = Received::default();
        received.take_field("tags".to_owned(), r#"["a", "b"]"#.to_owned());
        assert_eq!(Json::Object(received.fields), json!({"tags": ["a", "b"]}));
    }
}
