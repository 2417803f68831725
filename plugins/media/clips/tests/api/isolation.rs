//! What belongs to one organization does not exist for another.

use serde_json::{Value as Json, json};
use switchboard_testkit::Stage;
use switchboard_testkit::kernel::By;

use crate::{CLIPS, at, create, expect_not_found, form, get, library, media_of, stored_files, upload, wav};

/// A library in which `default` has clip 1 with media, beside an organization `rival`.
async fn with_rival() -> Stage {
    let stage = library().await;
    stage.kernel().create_organization(&By::system("test"), "rival", "Rival").await.unwrap();
    let fields = [("title", "Ace"), ("game_name", "Go"), ("clip_metadata", r#"{"own": 1}"#)];
    upload(&stage, &fields, &[("a.wav", &wav(1))]).await.expect(201);
    stage
}

#[tokio::test]
async fn anothers_clip_is_not_found_by_any_method_and_stays_as_it_was() {
    let stage = with_rival().await;
    let before = get(&stage, &at(1)).await;
    let change = br#"{"title": "Stolen", "processed": true}"#;
    for (method, address, body) in [
        ("GET", at(1), &b""[..]),
        ("HEAD", at(1), b""),
        ("PUT", at(1), change),
        ("PATCH", at(1), change),
        ("PATCH", at(1), b"{}"),
        ("DELETE", at(1), b""),
        ("GET", media_of(1), b""),
        ("HEAD", media_of(1), b""),
        ("PUT", media_of(1), b"other bytes"),
    ] {
        let answer = stage.ask(method, &address).organization("rival").body(body).send().await;
        expect_not_found(&answer, "Clip with id 1 not found");
        let ranged =
            stage.ask(method, &address).organization("rival").header("range", "bytes=0-1").body(body);
        expect_not_found(&ranged.send().await, "Clip with id 1 not found");
    }
    assert_eq!(get(&stage, &at(1)).await, before);
    assert_eq!(stage.ask("GET", &media_of(1)).send().await.expect(200).body, wav(1));
    assert_eq!(stored_files(&stage), 1);
}

#[tokio::test]
async fn lists_searches_and_statistics_are_an_organizations_own() {
    let stage = with_rival().await;
    create(&stage, "Ours", json!({"processed": true})).await;
    for address in [
        "/api/v1/clips/",
        "/api/v1/clips/?q=ace",
        "/api/v1/clips/?game_name=Go",
        "/api/v1/clips/?processed=yes",
    ] {
        let list: Json = stage.ask("GET", address).organization("rival").send().await.json(200);
        assert_eq!(list, json!([]), "{address}");
    }
    let counted = stage.ask("GET", "/api/v1/clips/?count=true").organization("rival").send().await;
    assert_eq!(counted.header("x-total-count"), Some("0"));
    let statistics: Json =
        stage.ask("GET", "/api/v1/clips/stats").organization("rival").send().await.json(200);
    assert_eq!((&statistics["total_clips"], &statistics["games"]), (&json!(0), &json!([])));

    let body = json!({"title": "Ace of theirs", "file_path": "b", "game_name": "Chess"});
    let theirs: Json = stage.ask("POST", CLIPS).organization("rival").json(&body).send().await.json(201);
    let list: Json = stage.ask("GET", "/api/v1/clips/?q=ace").organization("rival").send().await.json(200);
    assert_eq!(list, json!([theirs]));
    assert_eq!(get(&stage, "/api/v1/clips/?q=ace").await.as_array().unwrap().len(), 1);
    assert_eq!(get(&stage, "/api/v1/clips/stats").await["games"], json!(["Go"]));
    expect_not_found(&stage.ask("GET", &at(&theirs["id"])).send().await, "Clip with id 3 not found");
}

#[tokio::test]
async fn media_is_an_organizations_own() {
    let stage = with_rival().await;
    let (content_type, body) = form(&[], &[("b.wav", &wav(2))]);
    let asked = stage.ask("POST", "/api/v1/clips/upload").organization("rival");
    let theirs: Json = asked.header("content-type", content_type).body(body).send().await.json(201);
    let download = stage.ask("GET", &media_of(&theirs["id"])).organization("rival").send().await;
    assert_eq!(download.expect(200).body, wav(2));
    expect_not_found(&stage.ask("GET", &media_of(&theirs["id"])).send().await, "Clip with id 2 not found");
    stage.ask("DELETE", &at(1)).send().await.expect(204);
    let download = stage.ask("GET", &media_of(&theirs["id"])).organization("rival").send().await;
    assert_eq!(download.expect(200).body, wav(2));
}

#[tokio::test]
async fn what_a_service_gives_is_the_organizations_own() {
    let stage = library().await;
    stage.kernel().create_organization(&By::system("test"), "rival", "Rival").await.unwrap();
    let body = json!({"title": "Theirs", "file_path": "b"});
    stage.ask("POST", CLIPS).organization("rival").json(&body).send().await.expect(201);
    for service in ["clips.get", "clips.media", "clips.annotate"] {
        let payload = json!({"id": 1, "metadata": {"stolen": true}});
        let failure = stage.service(service, &payload).await.unwrap_err();
        assert_eq!(failure.to_string(), "Clip with id 1 not found", "{service}");
    }
    let theirs: Json = stage.ask("GET", &at(1)).organization("rival").send().await.json(200);
    assert_eq!(theirs["metadata"], json!(null));
}

#[tokio::test]
async fn an_organization_that_switched_the_plugin_off_finds_nothing() {
    let stage = with_rival().await;
    stage.kernel().disable(&By::system("test"), "clips", "rival").await.unwrap();
    let answer = stage.ask("GET", CLIPS).organization("rival").send().await;
    assert_eq!(answer.failure().kind(), "not_found");
    get(&stage, &at(1)).await;
}
