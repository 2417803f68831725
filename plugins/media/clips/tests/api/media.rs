//! The media of a clip: put, replaced, downloaded in parts.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::stream;
use serde_json::{Value as Json, json};
use switchboard_sdk::{Body, Failure, bytes::Bytes};
use switchboard_testkit::{Answer, Stage};

use crate::{at, create, expect_not_found, expect_stored_files, faults, get, library, media_of, upload, wav};

const CONTENT: &[u8] = b"0123456789abcdefghij";

/// A library with clip 1, whose media is [`CONTENT`].
async fn with_media() -> Stage {
    let stage = library().await;
    create(&stage, "Ace", json!({})).await;
    stage.ask("PUT", &media_of(1)).body(CONTENT).send().await.expect(200);
    stage
}

async fn ranged(stage: &Stage, range: &str) -> Answer {
    stage.ask("GET", &media_of(1)).header("range", range).send().await
}

#[tokio::test]
async fn a_clip_without_media_says_so() {
    let stage = library().await;
    create(&stage, "Ace", json!({})).await;
    for method in ["GET", "HEAD"] {
        expect_not_found(&stage.ask(method, &media_of(1)).send().await, "Clip 1 has no media");
    }
}

#[tokio::test]
async fn media_comes_in_pieces_and_is_stored_whole() {
    let stage = library().await;
    create(&stage, "Ace", json!({"file_size": 5, "codec": "said", "description": "kept"})).await;
    let sound = wav(300);
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let pieces: Vec<_> = sound.chunks(10_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let number = pieces.len();
    let pieces = stream::iter(pieces.into_iter().inspect(move |_| _ = count.fetch_add(1, Ordering::Relaxed)));
    let replaced: Json =
        stage.ask("PUT", &media_of(1)).body(Body::stream(pieces, None)).send().await.json(200);
    assert_eq!(taken.load(Ordering::Relaxed), number);
    let known = (&replaced["file_size"], &replaced["duration"], &replaced["codec"], &replaced["description"]);
    assert_eq!(known, (&json!(sound.len()), &json!(300), &json!("pcm_s16"), &json!("kept")));
    assert_eq!(get(&stage, &at(1)).await, replaced);
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, sound);
}

#[tokio::test]
async fn new_media_takes_the_place_of_the_old_with_all_that_was_said_of_it() {
    let stage = library().await;
    upload(&stage, &[], &[("a.wav", &wav(3))]).await.expect(201);
    let before = stage.ask("HEAD", &media_of(1)).send().await;
    let replaced: Json = stage.ask("PUT", &media_of(1)).body(CONTENT).send().await.json(200);
    let known = (&replaced["file_size"], &replaced["duration"], &replaced["codec"]);
    assert_eq!(known, (&json!(CONTENT.len()), &Json::Null, &Json::Null));
    let after = stage.ask("GET", &media_of(1)).send().await;
    assert_eq!(after.expect(200).body, CONTENT);
    assert_eq!(after.header("content-type"), Some("application/octet-stream"));
    assert_ne!(after.header("etag"), before.header("etag"));
    expect_stored_files(&stage, 1).await;
}

#[tokio::test]
async fn media_that_is_empty_or_breaks_off_leaves_the_old_in_place() {
    let stage = with_media().await;
    assert_eq!(faults(&stage.ask("PUT", &media_of(1)).send().await), ["body value_error"]);
    let pieces = stream::iter([Ok(Bytes::from_static(b"half")), Err(Failure::invalid("cut short"))]);
    let answer = stage.ask("PUT", &media_of(1)).body(Body::stream(pieces, Some(8))).send().await;
    assert_eq!(*answer.failure(), Failure::invalid("cut short"));
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, CONTENT);
    expect_stored_files(&stage, 1).await;
}

#[tokio::test]
async fn media_is_deleted_with_its_clip() {
    let stage = with_media().await;
    expect_stored_files(&stage, 1).await;
    stage.ask("DELETE", &at(1)).send().await.expect(204);
    expect_stored_files(&stage, 0).await;
    expect_not_found(&stage.ask("GET", &media_of(1)).send().await, "Clip with id 1 not found");
}

#[tokio::test]
async fn a_download_says_what_it_is() {
    let stage = library().await;
    upload(&stage, &[("title", "Ace ü/\"x\"")], &[("a.html", &wav(1))]).await.expect(201);
    let answer = stage.ask("GET", &media_of(1)).send().await;
    assert_eq!(answer.expect(200).body, wav(1));
    for (name, value) in [
        ("content-type", "audio/wav"),
        ("content-length", "16044"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
        ("content-disposition", "inline; filename=\"Ace ___x_.wav\"; filename*=UTF-8''Ace%20%C3%BC__x_.wav"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let etag = answer.header("etag").unwrap();
    assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");

    let head = stage.ask("HEAD", &media_of(1)).send().await;
    assert!(head.expect(200).body.is_empty());
    assert_eq!(head.headers, answer.headers, "HEAD says what GET would");
    let head = stage.ask("HEAD", &media_of(1)).header("range", "bytes=0-1").send().await;
    assert_eq!(head.expect(200).header("content-length"), Some("16044"), "ranges are for GET");
}

#[tokio::test]
async fn a_part_is_given_for_each_way_to_ask_for_one() {
    let stage = with_media().await;
    for (range, content_range, body) in [
        ("bytes=0-0", "bytes 0-0/20", "0"),
        ("bytes=5-9", "bytes 5-9/20", "56789"),
        ("bytes=15-", "bytes 15-19/20", "fghij"),
        ("bytes=-3", "bytes 17-19/20", "hij"),
        ("bytes=18-9999", "bytes 18-19/20", "ij"),
        ("bytes=-9999", "bytes 0-19/20", "0123456789abcdefghij"),
        ("bytes=0-", "bytes 0-19/20", "0123456789abcdefghij"),
        ("bytes=0-18446744073709551615", "bytes 0-19/20", "0123456789abcdefghij"),
    ] {
        let answer = ranged(&stage, range).await;
        assert_eq!(answer.expect(206).body, body, "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range), "{range}");
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()), "{range}");
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    }
}

#[tokio::test]
async fn a_part_that_lies_outside_is_refused_with_the_size() {
    let stage = with_media().await;
    for range in ["bytes=20-", "bytes=20-25", "bytes=-0", "bytes=99999999999999999999-"] {
        let answer = ranged(&stage, range).await;
        assert!(answer.expect(416).body.is_empty(), "{range}");
        assert_eq!(answer.header("content-range"), Some("bytes */20"), "{range}");
    }
}

#[tokio::test]
async fn what_is_no_range_and_several_at_once_give_the_whole() {
    let stage = with_media().await;
    for range in
        ["bytes=0-1,5-6", "bytes=-1,0-0", "bytes=5-2", "lines=0-1", "bytes", "bytes=", "bytes=a-b", "0-1"]
    {
        let answer = ranged(&stage, range).await;
        assert_eq!(answer.expect(200).body, CONTENT, "{range}");
        assert_eq!(answer.header("content-range"), None);
    }
}

#[tokio::test]
async fn a_download_goes_on_only_in_the_same_media() {
    let stage = with_media().await;
    let answer = ranged(&stage, "bytes=0-9").await;
    let (etag, modified) = (answer.header("etag").unwrap(), answer.header("last-modified").unwrap());
    let go_on = async |known: &str| {
        stage.ask("GET", &media_of(1)).header("range", "bytes=10-").header("if-range", known).send().await
    };
    assert_eq!(go_on(etag).await.expect(206).body, "abcdefghij");
    assert_eq!(go_on(modified).await.expect(206).body, "abcdefghij");
    assert_eq!(go_on("\"other\"").await.expect(200).body, CONTENT);
    assert_eq!(go_on(&format!("W/{etag}")).await.expect(200).body, CONTENT);
    assert_eq!(go_on("Thu, 01 Jan 1970 00:00:00 GMT").await.expect(200).body, CONTENT);
    stage.ask("PUT", &media_of(1)).body(&b"quite other content"[..]).send().await.expect(200);
    assert_eq!(go_on(etag).await.expect(200).body, "quite other content");
}

#[tokio::test]
async fn who_has_it_already_does_not_get_it_again() {
    let stage = with_media().await;
    let etag = stage.ask("HEAD", &media_of(1)).send().await.header("etag").unwrap().to_owned();
    let known = async |method: &str, tags: &str| {
        stage.ask(method, &media_of(1)).header("if-none-match", tags).send().await
    };
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        for method in ["GET", "HEAD"] {
            let answer = known(method, &tags).await;
            assert!(answer.expect(304).body.is_empty());
            assert_eq!(answer.header("etag"), Some(etag.as_str()));
        }
    }
    assert_eq!(known("GET", "\"other\"").await.expect(200).body, CONTENT);
    let both = stage.ask("GET", &media_of(1)).header("if-none-match", &etag).header("range", "bytes=0-1");
    both.send().await.expect(304);
    stage.ask("PUT", &media_of(1)).body(&b"new"[..]).send().await.expect(200);
    assert_eq!(known("GET", &etag).await.expect(200).body, "new");
}

#[tokio::test]
async fn a_change_of_the_clip_leaves_its_media_as_it_is() {
    let stage = with_media().await;
    let before = stage.ask("GET", &media_of(1)).send().await;
    stage.ask("PUT", &at(1)).json(&json!({"title": "Other", "processed": true})).send().await.expect(200);
    let after = stage.ask("GET", &media_of(1)).send().await;
    assert_eq!((after.body.as_ref(), after.header("etag")), (CONTENT, before.header("etag")));
}

#[tokio::test]
async fn media_replaced_from_many_sides_at_once_is_one_of_them_and_leaves_nothing_else() {
    let stage = with_media().await;
    let puts =
        (0..8_u8).map(|number| stage.ask("PUT", &media_of(1)).body(vec![number; 1000 + usize::from(number)]));
    let gets = (0..8).map(|_| stage.ask("GET", &media_of(1)));
    let (put, got) = futures_util::future::join(
        futures_util::future::join_all(puts.map(|put| put.send())),
        futures_util::future::join_all(gets.map(|get| get.send())),
    )
    .await;
    put.iter().for_each(|answer| _ = answer.expect(200));
    for answer in got {
        let first = answer.expect(200).body[0];
        assert!(answer.body == CONTENT || answer.body.iter().all(|byte| *byte == first));
    }
    let last = stage.ask("GET", &media_of(1)).send().await;
    assert_eq!(get(&stage, &at(1)).await["file_size"], json!(last.expect(200).body.len()));
    expect_stored_files(&stage, 1).await;
}

#[tokio::test]
async fn media_that_was_lost_from_the_disk_is_said_to_be_lost() {
    let stage = with_media().await;
    std::fs::remove_dir_all(stage.folder().join("blobs/clips/1/media")).unwrap();
    let answer = stage.ask("GET", &media_of(1)).send().await;
    assert!(matches!(answer.failure(), Failure::Unavailable { .. }), "{answer:?}");
    stage.ask("PUT", &media_of(1)).body(CONTENT).send().await.expect(200);
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, CONTENT);
}
