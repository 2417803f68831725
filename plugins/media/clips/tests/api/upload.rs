//! A new clip with its media, as a form.

use futures_util::stream;
use serde_json::{Value as Json, json};
use switchboard_sdk::{Body, Failure, bytes::Bytes};
use switchboard_testkit::kernel::By;

use crate::{
    CLIPS, at, expect_stored_files, faults, form, get, library, media_of, stored_files, upload, wav,
};

#[tokio::test]
async fn a_file_alone_is_a_clip_with_what_the_file_says() {
    let stage = library().await;
    let created: Json = upload(&stage, &[], &[("My Ace.final.wav", &wav(3))]).await.json(201);
    let expected = json!({
        "id": 1, "title": "My Ace.final", "file_path": "My Ace.final.wav", "description": null,
        "game_name": null, "game_id": null, "tags": null, "metadata": null, "file_size": 48_044, "duration": 3,
        "resolution": null, "fps": null, "codec": "pcm_s16", "recorded_at": null, "processed": false,
        "processing_status": null, "created_at": "2026-01-02T03:04:05.000000Z",
        "updated_at": "2026-01-02T03:04:05.000000Z",
    });
    assert_eq!(created, expected);
    assert_eq!(get(&stage, &at(1)).await, expected);
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, wav(3));
}

#[tokio::test]
async fn the_fields_of_create_are_the_forms_and_win_over_what_the_file_says() {
    let stage = library().await;
    let fields = [
        ("title", "Ace"),
        ("file_path", "/home/a.wav"),
        ("description", "vier\r\nZeilen ü"),
        ("game_name", "Go"),
        ("game_id", "7"),
        ("tags", "a, b"),
        ("tags", "c"),
        ("clip_metadata", r#"{"k": [1]}"#),
        ("file_size", "5"),
        ("duration", "12"),
        ("resolution", "1x1"),
        ("fps", "59.94"),
        ("codec", "own"),
        ("recorded_at", "2026-01-31T12:00:00Z"),
        ("processed", "On"),
        ("processing_status", "done"),
        ("colour", "red"),
    ];
    let created: Json = upload(&stage, &fields, &[("b.wav", &wav(1))]).await.json(201);
    for (field, value) in [
        ("title", json!("Ace")),
        ("file_path", json!("/home/a.wav")),
        ("description", json!("vier\r\nZeilen ü")),
        ("game_name", json!("Go")),
        ("game_id", json!("7")),
        ("tags", json!(["a, b", "c"])),
        ("metadata", json!({"k": [1]})),
        ("file_size", json!(5)),
        ("duration", json!(12)),
        ("resolution", json!("1x1")),
        ("fps", json!(59.94)),
        ("codec", json!("own")),
        ("recorded_at", json!("2026-01-31T12:00:00Z")),
        ("processed", json!(true)),
        ("processing_status", json!("done")),
    ] {
        assert_eq!(created[field], value, "{field}");
    }
}

#[tokio::test]
async fn fields_may_come_after_the_file() {
    let stage = library().await;
    let body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nbytes\r\n\
        --x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nAce\r\n--x--\r\n";
    let asked =
        stage.ask("POST", "/api/v1/clips/upload").header("content-type", "multipart/form-data; boundary=x");
    let created: Json = asked.body(&body[..]).send().await.json(201);
    assert_eq!((&created["title"], &created["file_path"]), (&json!("Ace"), &json!("a.wav")));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_keeps_its_clip() {
    let stage = library().await;
    let mut broken_movie = b"\0\0\0\x14ftypisom\0\0\x02\0isom\xff\xff\xff\xffmoov".to_vec();
    broken_movie.extend(std::iter::repeat_n(0xff, 500));
    for (number, (name, bytes, content_type)) in [
        ("a.mp4", &b"no film at all"[..], "application/octet-stream"),
        ("b.mp4", &broken_movie, "video/mp4"),
        ("c.mkv", b"\x1a\x45\xdf\xa3\xff\xff\xff\xff\xff\xff\xff\xff", "video/x-matroska"),
        ("d.ogg", b"OggS\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "audio/ogg"),
        ("e.wav", &wav(1)[..30], "audio/wav"),
        ("f.flac", b"fLaC\xff\xff\xff\xff", "audio/flac"),
        ("g.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", "audio/mpeg"),
        ("h.html", b"<script>alert(1)</script>", "application/octet-stream"),
        ("i", b"\0", "application/octet-stream"),
    ]
    .into_iter()
    .enumerate()
    {
        let created: Json = upload(&stage, &[], &[(name, bytes)]).await.json(201);
        let known = (&created["duration"], &created["resolution"], &created["fps"], &created["codec"]);
        let null = Json::Null;
        assert_eq!(known, (&null, &null, &null, &null), "{name}");
        assert_eq!(created["file_size"], json!(bytes.len()), "{name}");
        let download = stage.ask("GET", &media_of(number + 1)).send().await;
        assert_eq!(download.expect(200).body, bytes, "{name}");
        assert_eq!(download.header("content-type"), Some(content_type), "{name}");
        assert_eq!(download.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn each_fault_of_a_form_is_told_and_nothing_is_left() {
    let stage = library().await;
    let file: &[(&str, &[u8])] = &[("a.wav", &wav(1))];
    for (fields, expected) in [
        (&[("fps", "0"), ("duration", "soon")][..], &["body.duration int_type", "body.fps greater_than"][..]),
        (&[("title", &"x".repeat(256))], &["body.title string_too_long"]),
        (&[("tags", "[1]")], &["body.tags.0 string_type"]),
        (&[("tags", "[")], &["body.tags list_type"]),
        (&[("clip_metadata", "[]")], &["body.clip_metadata dict_type"]),
        (&[("clip_metadata", "{")], &["body.clip_metadata dict_type"]),
        (&[("processed", "perhaps")], &["body.processed bool_type"]),
        (&[("recorded_at", "yesterday")], &["body.recorded_at datetime_parsing"]),
        (&[("file_size", "1.5")], &["body.file_size int_type"]),
    ] {
        assert_eq!(faults(&upload(&stage, fields, file).await), expected);
    }
    assert_eq!(faults(&upload(&stage, &[("title", "Ace")], &[]).await), ["body.file missing"]);
    assert_eq!(faults(&upload(&stage, &[], &[("a.wav", b"")]).await), ["body.file value_error"]);
    assert_eq!(faults(&upload(&stage, &[], &[("a", b"1"), ("b", b"2")]).await), ["body.file too_many"]);
    assert_eq!(
        faults(&upload(&stage, &[], &[("", b"1")]).await),
        ["body.file_path missing", "body.title missing"]
    );
    assert_eq!(get(&stage, CLIPS).await, json!([]));
    expect_stored_files(&stage, 0).await;
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_and_leaves_nothing() {
    let stage = library().await;
    let (content_type, whole) = form(&[("title", "Ace")], &[("a.wav", &wav(1))]);
    for (content_type, body) in [
        ("application/json", b"{}".to_vec()),
        ("multipart/form-data", whole.clone()),
        ("multipart/form-data; boundary=other", whole.clone()),
        (content_type, whole[..whole.len() - 20].to_vec()),
        (content_type, whole[..200].to_vec()),
        (content_type, Vec::new()),
    ] {
        let asked = stage.ask("POST", "/api/v1/clips/upload").header("content-type", content_type);
        let answer = asked.body(body).send().await;
        assert!(matches!(answer.failure(), Failure::Invalid { .. }), "{content_type}: {answer:?}");
    }
    assert!(matches!(
        stage.ask("POST", "/api/v1/clips/upload").body(whole).send().await.failure(),
        Failure::Invalid { .. }
    ));
    assert_eq!(get(&stage, CLIPS).await, json!([]));
    expect_stored_files(&stage, 0).await;
}

#[tokio::test]
async fn a_connection_that_breaks_off_leaves_nothing() {
    let stage = library().await;
    let (content_type, whole) = form(&[], &[("a.wav", &wav(200))]);
    let half = Bytes::from(whole[..whole.len() / 2].to_vec());
    let pieces = stream::iter([Ok(half), Err(Failure::invalid("the body ended before it was whole"))]);
    let asked = stage.ask("POST", "/api/v1/clips/upload").header("content-type", content_type);
    let answer = asked.body(Body::stream(pieces, None)).send().await;
    assert_eq!(*answer.failure(), Failure::invalid("the body ended before it was whole"));
    assert_eq!(get(&stage, CLIPS).await, json!([]));
    expect_stored_files(&stage, 0).await;
}

#[tokio::test]
async fn an_upload_over_the_organizations_limit_leaves_nothing() {
    let stage = library().await;
    stage.kernel().create_organization(&By::system("test"), "rival", "Rival").await.unwrap();
    let limit = json!({"max_media_mb": 1}).as_object().unwrap().clone();
    stage.kernel().configure(&By::system("test"), "clips", Some("default"), limit).await.unwrap();
    let megabyte = vec![7; 1 << 20];
    upload(&stage, &[], &[("a.bin", &megabyte)]).await.expect(201);
    let more = vec![7; (1 << 20) + 1];
    let answer = upload(&stage, &[], &[("b.bin", &more)]).await;
    let Failure::TooLarge { message, limit } = answer.failure() else { panic!("{answer:?}") };
    assert_eq!(*limit, 1 << 20);
    assert!(message.contains("1 MiB"), "{message}");
    for body in [Body::from(more.clone()), Body::stream(stream::iter([Ok(Bytes::from(more.clone()))]), None)]
    {
        let answer = stage.ask("PUT", &media_of(1)).body(body).send().await;
        assert!(matches!(answer.failure(), Failure::TooLarge { .. }), "{answer:?}");
    }
    assert_eq!(get(&stage, CLIPS).await.as_array().unwrap().len(), 1);
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, megabyte);
    expect_stored_files(&stage, 1).await;

    let (content_type, body) = form(&[], &[("b.bin", &more)]);
    let asked = stage.ask("POST", "/api/v1/clips/upload").organization("rival");
    asked.header("content-type", content_type).body(body).send().await.expect(201);
}

#[tokio::test]
async fn a_forms_fields_have_a_limit_of_their_own() {
    let stage = library().await;
    let answer = upload(&stage, &[("description", &"x".repeat(1024 * 1024 + 1))], &[("a", b"1")]).await;
    assert!(matches!(answer.failure(), Failure::TooLarge { .. }), "{answer:?}");
    let halves = "x".repeat(600 * 1024);
    let answer = upload(&stage, &[("description", &halves), ("other", &halves)], &[("a", b"1")]).await;
    assert!(matches!(answer.failure(), Failure::TooLarge { .. }), "{answer:?}");
    assert_eq!(stored_files(&stage), 0);
}

#[tokio::test]
async fn a_files_name_gives_no_way_out_of_the_folder() {
    let stage = library().await;
    for name in ["../../../etc/passwd", "..\\..\\boot.ini", "/etc/cron.d/x", ".hidden", "con"] {
        upload(&stage, &[], &[(name, b"1")]).await.expect(201);
    }
    let list = get(&stage, CLIPS).await;
    let paths: Vec<_> =
        list.as_array().unwrap().iter().map(|clip| clip["file_path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["con", ".hidden", "x", "boot.ini", "passwd"]);
    assert_eq!(stored_files(&stage), 5);
}
