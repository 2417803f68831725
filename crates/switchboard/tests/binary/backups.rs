//! Backups taken while the server runs, and brought back.

use std::fs;

use reqwest::Method;
use serde_json::Value as Json;

use crate::{
    installation::{Installation, clip, media},
    own_database::OwnDatabase,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_clips_come_in_brings_back_the_same_clips_and_media() {
    let installation = Installation::new();
    let server = installation.serve();
    let media = media();
    let mut before = Vec::new();
    for number in 0..20 {
        before.push(server.make_clip(&format!("Clip {number}")).await["id"].as_i64().unwrap());
    }
    let with_media = before[7];
    let put = server.ask(Method::PUT, &format!("/api/v1/clips/{with_media}/media")).body(media.clone());
    assert_eq!(put.send().await.unwrap().status(), 200);
    let mut kept: Vec<Json> = Vec::new();
    for id in &before {
        kept.push(server.get(&format!("/api/v1/clips/{id}")).await);
    }

    let meanwhile = server.ask(Method::POST, "/api/v1/clips");
    let writing = tokio::spawn(async move {
        loop {
            let request = meanwhile.try_clone().unwrap().json(&clip("Meanwhile"));
            assert_eq!(request.send().await.unwrap().status(), 201, "the server serves on");
        }
    });
    let file = installation.beside("backup.tar.zst");
    let mut command = installation.command(&["backup", file.to_str().unwrap(), "--json"]);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!writing.is_finished(), "writing went on to the end");
    writing.abort();
    let _ = writing.await;
    let token = server.token.clone();
    server.stop();
    let leftovers: Vec<_> =
        fs::read_dir(installation.beside("")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!leftovers.iter().any(|name| name.to_string_lossy().contains("partial")), "{leftovers:?}");

    let elsewhere = Installation::new();
    elsewhere.json(&["restore", file.to_str().unwrap()]);
    let mut restored = elsewhere.serve();
    assert_eq!(restored.token, None, "the tokens come back, too");
    restored.token = token;
    for clip in &kept {
        assert_eq!(restored.get(&format!("/api/v1/clips/{}", clip["id"])).await, *clip);
    }
    let answer =
        restored.ask(Method::GET, &format!("/api/v1/clips/{with_media}/media")).send().await.unwrap();
    assert!(answer.bytes().await.unwrap() == media, "the media is as it was sent");
    restored.stop();
    assert_eq!(elsewhere.run(&["doctor"]).code, 0);
}

#[tokio::test]
async fn settings_and_external_plugins_are_in_a_backup() {
    let installation = Installation::new();
    installation.serve().stop();
    installation.install("mine", "id: mine\n");
    fs::write(installation.data("switchboard.toml"), "body_limit = 4096\n").unwrap();
    fs::write(installation.data("plugins.lock"), "form = 1\n").unwrap();
    installation.json(&["plugin", "key", "new", "ada", "--no-password"]);
    installation.json(&["plugin", "trust", "add", "ada", "ada.pub"]);
    let file = installation.json(&["backup"])["file"].as_str().unwrap().to_owned();
    let elsewhere = Installation::new();
    elsewhere.json(&["restore", &file]);
    assert_eq!(fs::read_to_string(elsewhere.data("switchboard.toml")).unwrap(), "body_limit = 4096\n");
    assert_eq!(fs::read_to_string(elsewhere.data("plugins/mine/manifest.yaml")).unwrap(), "id: mine\n");
    assert_eq!(fs::read_to_string(elsewhere.data("plugins.lock")).unwrap(), "form = 1\n");
    assert_eq!(elsewhere.json(&["plugin", "trust", "list"])[0]["name"], "ada");
}

#[tokio::test]
async fn restoring_never_writes_over_what_is_there() {
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("Old").await;
    let token = server.token.clone();
    let file = installation.beside("old.tar.zst");
    let file = file.to_str().unwrap();
    installation.json(&["backup", file]);

    let running = installation.run(&["restore", file, "--replace"]);
    assert_eq!(running.code, 1);
    assert!(running.err.contains("a server runs"), "{}", running.err);
    server.make_clip("New").await;
    server.stop();
    let full = installation.run(&["restore", file]);
    assert_eq!(full.code, 1);
    assert!(full.err.contains("not empty") && full.err.contains("--replace"), "{}", full.err);

    let done = installation.json(&["restore", file, "--replace"]);
    let kept = std::path::PathBuf::from(done["kept"].as_str().unwrap());
    assert!(kept.join("db/plugin_clips.sqlite").is_file(), "what was there is beside it");
    let mut server = installation.serve();
    server.token.clone_from(&token);
    assert_eq!(server.get("/api/v1/clips/stats").await["total_clips"], 1);
    server.stop();
    fs::remove_dir_all(installation.data("")).unwrap();
    fs::rename(kept, installation.data("")).unwrap();
    let mut server = installation.serve();
    server.token = token;
    assert_eq!(server.get("/api/v1/clips/stats").await["total_clips"], 2);
}

#[tokio::test]
async fn a_backup_that_was_cut_off_is_refused_and_everything_is_as_it_was() {
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("Kept").await;
    let token = server.token.clone();
    let file = installation.beside("whole.tar.zst");
    installation.json(&["backup", file.to_str().unwrap()]);
    server.stop();
    let whole = fs::read(&file).unwrap();
    let cut = installation.beside("cut.tar.zst");
    for length in [0, whole.len() / 2, whole.len() - 1] {
        fs::write(&cut, &whole[..length]).unwrap();
        let said = installation.run(&["restore", cut.to_str().unwrap(), "--replace"]);
        assert_eq!(said.code, 1, "{length} bytes");
        assert!(said.err.contains("cut.tar.zst"), "{}", said.err);
    }
    let beside: Vec<_> =
        fs::read_dir(installation.beside("")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().contains("restore")), "{beside:?}");
    let mut server = installation.serve();
    server.token = token;
    assert_eq!(server.get("/api/v1/clips/stats").await["total_clips"], 1);
}

#[tokio::test]
async fn a_damaged_database_makes_no_backup_and_the_last_one_stays() {
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("Ace").await;
    server.stop();
    let file = installation.beside("nightly.tar.zst");
    installation.json(&["backup", file.to_str().unwrap()]);
    let last = fs::read(&file).unwrap();
    let database = installation.data("db/plugin_clips.sqlite");
    let mut bytes = fs::read(&database).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xA5);
    fs::write(&database, bytes).unwrap();
    let said = installation.run(&["backup", file.to_str().unwrap()]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("plugin_clips"), "{}", said.err);
    assert!(fs::read(&file).unwrap() == last);
}

#[tokio::test]
async fn a_database_of_postgresql_that_was_brought_back_from_a_dump_is_served() {
    let (Some(first), Some(second)) = (OwnDatabase::new("dumped"), OwnDatabase::new("brought_back")) else {
        return;
    };
    let installation = Installation::new();
    let server = installation.serve_with(&[("SWITCHBOARD_DATABASE", &first.address())]);
    let made = server.make_clip("Before").await;
    let token = server.token.clone();
    server.stop();
    first.copy_into(&second, &installation.beside("nightly.dump"));
    drop(first);
    let mut server = installation.serve_with(&[("SWITCHBOARD_DATABASE", &second.address())]);
    assert_eq!(server.token, None, "the tokens come back, too");
    server.token = token;
    assert_eq!(server.get(&format!("/api/v1/clips/{}", made["id"])).await, made);
    server.make_clip("After").await;
    assert_eq!(server.get("/api/admin/audit/verification").await["ok"], Json::Bool(true));
    server.stop();
    let guarded =
        "select count(*) from pg_class where relrowsecurity and relforcerowsecurity and relname = 'clip'";
    assert_eq!(second.ask(guarded), "1");
}
