//! `blobs`: whose they are, which keys there are, that one is stored whole or not at all, and ranges.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use switchboard_sdk::{Body, Definition, Failure, bytes::Bytes, prelude::*};
use switchboard_testkit::Stage;
use tokio::sync::Notify;

use crate::small_plugins::{built, plugin, sentence, with_acme};

const KEEPER: &str = "capabilities: [{name: blobs, reason: Keeps things.}]
provides:
  shared_blobs: [{prefix: media/}]
  services: [{name: keeper.put}, {name: keeper.get}, {name: keeper.delete}, {name: keeper.peek}]";

#[derive(Deserialize, JsonSchema)]
struct Put {
    key: String,
    text: String,
    /// The length that is announced.
    length: Option<u64>,
    /// What the body fails with at its end.
    fails: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Get {
    key: String,
    range: Option<Range<u64>>,
}

fn body(put: &Put) -> Body {
    let pieces: Vec<_> = put.text.as_bytes().chunks(3).map(Bytes::copy_from_slice).map(Ok).collect();
    let end = put.fails.clone().map(|why| Err(Failure::invalid(why)));
    Body::stream(stream::iter(pieces.into_iter().chain(end)), put.length)
}

async fn text(body: Body) -> Result<String> {
    Ok(String::from_utf8(body.collect(1 << 20).await?.to_vec()).unwrap())
}

fn keeper_of(more: &str) -> Definition {
    plugin("keeper", &format!("{KEEPER}\n{more}"))
        .service("keeper.put", async |ctx: Context, put: Put| {
            Ok(ctx.blobs().put(&put.key, body(&put)).await?.size)
        })
        .service("keeper.get", async |ctx: Context, get: Get| {
            let Some(blob) = ctx.blobs().get(&get.key, get.range).await? else { return Ok(None) };
            Ok(Some(text(blob.body).await?))
        })
        .service("keeper.delete", async |ctx: Context, key: String| ctx.blobs().delete(&key).await)
        .service("keeper.peek", async |ctx: Context, key: String| {
            let Some(mut file) = ctx.blobs().open(&key).await? else { return Ok(None) };
            let last = ctx.compute(move || {
                let mut last = String::new();
                file.seek(SeekFrom::End(-2)).unwrap();
                file.read_to_string(&mut last).unwrap();
                last
            });
            Ok(Some(last.await?))
        })
}

fn keeper() -> Definition {
    keeper_of("")
}

async fn put(stage: &Stage, organization: &str, key: &str, text: &str) -> Result<Value> {
    stage.service_for(organization, "keeper.put", &json!({"key": key, "text": text})).await
}

async fn get(stage: &Stage, organization: &str, key: &str) -> Result<Value> {
    stage.service_for(organization, "keeper.get", &json!({"key": key})).await
}

#[tokio::test]
async fn each_organization_has_its_own() {
    let stage = with_acme([keeper()]).await;
    put(&stage, "default", "media/1", "ours").await.unwrap();
    assert_eq!(get(&stage, "acme", "media/1").await.unwrap(), Value::Null);
    put(&stage, "acme", "media/1", "theirs").await.unwrap();
    stage.service_for("acme", "keeper.delete", &json!("media/1")).await.unwrap();
    assert_eq!(get(&stage, "acme", "media/1").await.unwrap(), Value::Null);
    assert_eq!(get(&stage, "default", "media/1").await.unwrap(), "ours");
}

#[tokio::test]
async fn a_key_leads_nowhere_else() {
    let stage = with_acme([keeper()]).await;
    put(&stage, "acme", "secret", "theirs").await.unwrap();
    let long = "x".repeat(201);
    for key in [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../2/secret",
        "media/../../2/secret",
        "./media",
        "media/.",
        "media//1",
        "media/",
        "media\\..\\1",
        "media/1\0",
        "medi\u{e4}/1",
        "media/\u{202e}1",
        "media/1#1",
        "media/%2e%2e/1",
        "C:/1",
        "a b",
        "a\n",
        &long,
    ] {
        sentence("invalid", put(&stage, "default", key, "x").await);
        sentence("invalid", get(&stage, "default", key).await);
        sentence("invalid", stage.service("keeper.delete", &json!(key)).await);
        sentence("invalid", stage.service("keeper.peek", &json!(key)).await);
    }
    assert_eq!(get(&stage, "acme", "secret").await.unwrap(), "theirs");
}

#[tokio::test]
async fn every_other_key_is_one() {
    let stage = with_acme([keeper()]).await;
    let long = "x".repeat(200);
    for key in
        ["a", "...", ".hidden", ".unfinished/1", "global", "con", "nul.txt", "-rf", "b/c/d/e", "A", &long]
    {
        put(&stage, "default", key, key).await.unwrap();
        assert_eq!(get(&stage, "default", key).await.unwrap(), key);
    }
}

#[tokio::test]
async fn a_key_is_a_blob_or_the_beginning_of_others() {
    let stage = with_acme([keeper()]).await;
    put(&stage, "default", "a", "blob").await.unwrap();
    put(&stage, "default", "b/c", "blob").await.unwrap();
    for key in ["a/b", "b"] {
        sentence("conflict", put(&stage, "default", key, "x").await);
        assert_eq!(get(&stage, "default", key).await.unwrap(), Value::Null);
        assert_eq!(stage.service("keeper.peek", &json!(key)).await.unwrap(), Value::Null);
        stage.service("keeper.delete", &json!(key)).await.unwrap();
    }
    assert_eq!(get(&stage, "default", "a").await.unwrap(), "blob");
    assert_eq!(get(&stage, "default", "b/c").await.unwrap(), "blob");
    assert_eq!(unfinished(&stage), 0);
}

fn unfinished(stage: &Stage) -> usize {
    std::fs::read_dir(stage.folder().join("blobs/.unfinished")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn one_that_breaks_off_leaves_what_was_there() {
    let stage = with_acme([keeper()]).await;
    put(&stage, "default", "media/1", "old").await.unwrap();
    let broken = json!({"key": "media/1", "text": "new and longer", "fails": "the client went away"});
    let why = sentence("invalid", stage.service("keeper.put", &broken).await);
    assert_eq!(why, "the client went away", "the body's own failure comes back");
    let short = json!({"key": "media/1", "text": "new", "length": 7});
    let why = sentence("invalid", stage.service("keeper.put", &short).await);
    assert!(why.contains("7 bytes, and 3 came"), "{why}");
    let never = json!({"key": "media/2", "text": "new", "fails": "the client went away"});
    sentence("invalid", stage.service("keeper.put", &never).await);
    assert_eq!(get(&stage, "default", "media/1").await.unwrap(), "old");
    assert_eq!(get(&stage, "default", "media/2").await.unwrap(), Value::Null);
    while unfinished(&stage) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_takes_the_place_of_another_in_one_step() {
    let half_way = Arc::new(Notify::new());
    let go_on = Arc::new(Notify::new());
    let (reached, resumed) = (half_way.clone(), go_on.clone());
    let slow = plugin(
        "keeper",
        "capabilities: [{name: blobs, reason: Keeps things.}]\nprovides: {services: [{name: keeper.slow}, {name: keeper.read}]}",
    )
    .service("keeper.slow", move |ctx: Context, (): ()| {
        let (reached, resumed) = (reached.clone(), resumed.clone());
        async move {
            ctx.blobs().put("a", vec![b'o'; 3 << 20]).await?;
            let old = ctx.blobs().get("a", None).await?.unwrap();
            let first = stream::iter([Ok(Bytes::from(vec![b'n'; 2 << 20]))]);
            let rest = stream::once(async move {
                reached.notify_one();
                resumed.notified().await;
                Ok(Bytes::from(vec![b'n'; 1 << 20]))
            });
            let etag = old.info.etag.clone();
            let info = ctx.blobs().put("a", Body::stream(first.chain(rest), None)).await?;
            assert_ne!(info.etag, etag);
            let begun_before = old.body.collect(u64::MAX).await?;
            Ok(begun_before.len() == 3 << 20 && begun_before.iter().all(|byte| *byte == b'o'))
        }
    })
    .service("keeper.read", async |ctx: Context, (): ()| {
        let bytes = ctx.blobs().get("a", None).await?.unwrap().body.collect(u64::MAX).await?;
        Ok((bytes.len(), char::from(bytes[0]), bytes.iter().all(|byte| *byte == bytes[0])))
    });
    let stage = Stage::with([built(slow)]).await;
    let nothing = Value::Null;
    let storing = stage.service("keeper.slow", &nothing);
    let meanwhile = async {
        half_way.notified().await;
        let seen = stage.service("keeper.read", &nothing).await.unwrap();
        go_on.notify_one();
        seen
    };
    let (old_was_whole, seen) = tokio::join!(storing, meanwhile);
    assert_eq!(seen, json!([3 << 20, "o", true]));
    assert_eq!(old_was_whole.unwrap(), true, "who began to read before reads that to its end");
    assert_eq!(stage.service("keeper.read", &nothing).await.unwrap(), json!([3 << 20, "n", true]));
}

#[tokio::test]
async fn what_a_killed_process_left_behind_goes_at_the_next_start() {
    let stage = Stage::with([built(keeper())]).await;
    put(&stage, "default", "media/1", "kept").await.unwrap();
    let left = stage.folder().join("blobs/.unfinished");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("0123456789abcdef#1"), "half of it").unwrap();
    let stage = stage.again_with([built(keeper())]).await;
    assert_eq!(unfinished(&stage), 0);
    assert_eq!(get(&stage, "default", "media/1").await.unwrap(), "kept");
    put(&stage, "default", "media/1", "again").await.unwrap();
}

#[tokio::test]
async fn a_part_is_read_when_it_is_within() {
    let stage = Stage::with([built(keeper())]).await;
    put(&stage, "default", "a", "0123456789").await.unwrap();
    put(&stage, "default", "empty", "").await.unwrap();
    let part = async |key: &str, start: u64, end: u64| {
        let ask = json!({"key": key, "range": {"start": start, "end": end}});
        stage.service("keeper.get", &ask).await
    };
    for (start, end, expected) in [(0, 1, "0"), (9, 10, "9"), (0, 10, "0123456789"), (3, 5, "34")] {
        assert_eq!(part("a", start, end).await.unwrap(), expected);
    }
    for (start, end) in [(0, 11), (10, 11), (5, 5), (6, 5), (u64::MAX - 1, u64::MAX)] {
        let why = sentence("invalid", part("a", start, end).await);
        assert!(why.contains("of 10 bytes"), "{why}");
    }
    sentence("invalid", part("empty", 0, 1).await);
    assert_eq!(get(&stage, "default", "empty").await.unwrap(), "");
    assert_eq!(part("nowhere", 0, 1).await.unwrap(), Value::Null);
    assert_eq!(stage.service("keeper.peek", &json!("a")).await.unwrap(), "89");
}

fn reader(id: &str, reads: bool) -> Definition {
    let read_from = if reads { ", read_from: [keeper]" } else { "" };
    let more = format!(
        "requires: [keeper]\ncapabilities: [{{name: blobs, reason: Reads.{read_from}}}]\nprovides: {{services: [{{name: {id}.get}}, {{name: {id}.put}}]}}"
    );
    plugin(id, &more)
        .service(&format!("{id}.get"), async |ctx: Context, key: String| {
            let owner = serde_json::from_value(json!("keeper")).unwrap();
            let Some(blob) = ctx.blobs().of(&owner).get(&key, None).await? else { return Ok(None) };
            Ok(Some(text(blob.body).await?))
        })
        .service(&format!("{id}.put"), async |ctx: Context, key: String| {
            let owner = serde_json::from_value(json!("keeper")).unwrap();
            ctx.blobs().of(&owner).put(&key, "forged").await?;
            Ok(())
        })
}

#[tokio::test]
async fn another_plugins_are_read_where_it_shares_them_and_one_asked_for_them() {
    let stage = with_acme([keeper(), reader("reader", true), reader("nosy", false)]).await;
    for key in ["media/1", "private/1", "mediaeval"] {
        put(&stage, "default", key, "shared?").await.unwrap();
    }
    assert_eq!(stage.service("reader.get", &json!("media/1")).await.unwrap(), "shared?");
    assert_eq!(stage.service("reader.get", &json!("media/2")).await.unwrap(), Value::Null);
    for key in ["private/1", "mediaeval", "private/none"] {
        sentence("forbidden", stage.service("reader.get", &json!(key)).await);
    }
    sentence("invalid", stage.service("reader.get", &json!("media/../private/1")).await);
    sentence("forbidden", stage.service("reader.put", &json!("media/1")).await);
    let why = sentence("forbidden", stage.service("nosy.get", &json!("media/1")).await);
    assert!(why.contains("`read_from`"), "{why}");
    let elsewhere = stage.service_for("acme", "reader.get", &json!("media/1")).await;
    assert_eq!(elsewhere.unwrap(), Value::Null, "those of the organization of the call only");
}

#[tokio::test]
async fn what_an_organization_stores_is_bounded_also_for_those_who_come_at_once() {
    let stage = with_acme([keeper_of("limits: {storage_mb: 1}")]).await;
    let large = "x".repeat(600 << 10);
    let (one, other) = tokio::join!(put(&stage, "default", "a", &large), put(&stage, "default", "b", &large));
    let (stored, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    stored.unwrap();
    let why = sentence("too_large", refused);
    assert!(why.contains("1 MiB"), "{why}");
    let announced = json!({"key": "c", "text": "x", "length": 500 << 10});
    sentence("too_large", stage.service("keeper.put", &announced).await);
    put(&stage, "acme", "a", &large).await.unwrap();
    while unfinished(&stage) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn without_asking_there_are_none() {
    let rude = plugin("rude", "provides: {services: [{name: rude.put}]}")
        .service("rude.put", async |ctx: Context, (): ()| Ok(ctx.blobs().put("a", "x").await?.size));
    let stage = Stage::with([built(rude)]).await;
    let why = sentence("forbidden", stage.service("rude.put", &Value::Null).await);
    assert!(why.contains("`blobs`"), "{why}");
}
