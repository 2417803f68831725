//! A server that is killed in the midst of writing: what it acknowledged is there, and nothing is half done.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::Value as Json;

use crate::installation::{Installation, Server, clip, media};

const WRITERS: usize = 12;
/// So many are acknowledged before the server is killed.
const ENOUGH: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn every_clip_that_was_acknowledged_is_there_after_the_server_was_killed() {
    let installation = Installation::unlimited();
    let mut server = installation.serve();
    let token = server.token.clone();
    let mut all: Vec<i64> = Vec::new();
    for _ in 0..2 {
        all.extend(write_until_killed(server).await);
        server = installation.serve();
        server.token.clone_from(&token);
        for id in &all {
            assert_eq!(
                server.status(&format!("/api/v1/clips/{id}")).await,
                200,
                "clip {id} was acknowledged"
            );
        }
        let total = server.get("/api/v1/clips/stats").await["total_clips"].as_u64().unwrap();
        assert!(total >= all.len() as u64, "{total} are there, and {} were acknowledged", all.len());
    }
    server.make_clip("One more").await;
    server.stop();
    let report = installation.run(&["doctor"]);
    assert_eq!(report.code, 0, "{}", report.out);
}

/// Makes clips from several sides at once, kills the server in the midst of it, and gives those that it had acknowledged.
async fn write_until_killed(server: Server) -> Vec<i64> {
    let acknowledged: Arc<Mutex<Vec<i64>>> = Arc::default();
    let count = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (acknowledged, count) = (Arc::clone(&acknowledged), Arc::clone(&count));
            let request = server.ask(Method::POST, "/api/v1/clips");
            tokio::spawn(async move {
                for number in 0.. {
                    let request = request.try_clone().unwrap().json(&clip(&format!("{writer}/{number}")));
                    // Once the server is gone, nothing is acknowledged any more.
                    let Ok(answer) = request.send().await else { return };
                    if answer.status() == 201 {
                        let Ok(made) = answer.json::<Json>().await else { return };
                        acknowledged.lock().unwrap().push(made["id"].as_i64().unwrap());
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    while count.load(Ordering::Relaxed) < ENOUGH {
        assert!(!writers.iter().all(tokio::task::JoinHandle::is_finished), "the server takes no clips");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.kill();
    for writer in writers {
        writer.await.unwrap();
    }
    Arc::try_unwrap(acknowledged).unwrap().into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_during_uploads_has_every_clip_it_acknowledged_with_its_media() {
    let installation = Installation::new();
    let server = installation.serve_with(&[("DISABLED_PLUGINS", "highlight_detector")]);
    let token = server.token.clone();
    let media = media();
    let mut whole = Vec::new();
    for number in 0..3 {
        let id = server.make_clip(&format!("{number}")).await["id"].as_i64().unwrap();
        let put = server.ask(Method::PUT, &format!("/api/v1/clips/{id}/media")).body(media.clone());
        assert_eq!(put.send().await.unwrap().status(), 200);
        whole.push(id);
    }
    let unfinished = server.make_clip("Unfinished").await["id"].as_i64().unwrap();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (half, mut started) = (media[..media.len() / 2].to_vec(), Some(started));
    let endless = futures_util::stream::unfold(Some(half), move |next| {
        let started = started.take();
        async move {
            let Some(piece) = next else { return std::future::pending().await };
            if let Some(started) = started {
                let _ = started.send(());
            }
            Some((Ok::<_, std::io::Error>(piece), None))
        }
    });
    let put = server.ask(Method::PUT, &format!("/api/v1/clips/{unfinished}/media"));
    let upload = tokio::spawn(put.body(reqwest::Body::wrap_stream(endless)).send());
    has_started.await.unwrap();
    server.kill();
    assert!(upload.await.unwrap().is_err());

    let mut server = installation.serve();
    server.token = token;
    for id in whole {
        let answer = server.ask(Method::GET, &format!("/api/v1/clips/{id}/media")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap() == media, "the media of clip {id} is as it was sent");
    }
    assert_eq!(server.status(&format!("/api/v1/clips/{unfinished}")).await, 200);
    assert_eq!(server.status(&format!("/api/v1/clips/{unfinished}/media")).await, 404, "half a file is none");
}
