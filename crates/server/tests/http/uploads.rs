//! Large bodies: taken as they come, and refused when they are too large.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all, stream};
use reqwest::{Body, Method, multipart};
use switchboard_server::Options;
use tokio::sync::{Barrier, Semaphore};

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
    wire::Wire,
};

const UPLOAD: &str = "/api/v1/clips/upload";
const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=frontier");
const FILE: &[u8] =
    b"--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n";
const MEBIBYTE: usize = 1 << 20;

/// A server that accepts uploads of a mebibyte.
async fn small() -> Stage {
    Stage::strict(1000, 1 << 20, Duration::from_secs(30)).await
}

fn names_the_limit(sentence: &str, limit: usize) {
    assert!(sentence.contains(&limit.to_string()), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_announces_more_than_is_accepted_is_refused_before_it_is_read() {
    let stage = Stage::new().await;
    let announced = (Options::default().upload_limit + (2 << 30)).to_string();
    let clip = stage.clip(stage.admin(), "Ace").await;
    for (line, content_type) in
        [(format!("POST {UPLOAD}"), FORM.1), (format!("PUT {CLIPS}/{clip}/media"), "video/mp4")]
    {
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, &line, &[("content-type", content_type), ("content-length", &announced)]).await;
        // Not one byte of it was sent.
        let answer = wire.answer().await;
        assert_eq!(answer.header("connection"), "close");
        names_the_limit(&answer.detail(413), 1024 * MEBIBYTE);
    }
    let mut wire = Wire::to(&stage).await;
    let headers = [FORM, ("content-length", &*announced), ("expect", "100-continue")];
    wire.head(&stage, &format!("POST {UPLOAD}"), &headers).await;
    // The client asked whether it should begin, and is told no and not "continue".
    names_the_limit(&wire.answer().await.detail(413), 1024 * MEBIBYTE);
    assert_eq!(stage.stored_files(), 0);
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let stage = Stage::new().await;
    let clip = stage.clip(stage.admin(), "Ace").await;
    let mut wire = Wire::to(&stage).await;
    let headers = [("content-length", "5"), ("expect", "100-continue")];
    wire.head(&stage, &format!("PUT {CLIPS}/{clip}/media"), &headers).await;
    assert_eq!(wire.answered_head().await.0, 100);
    wire.send("bytes").await;
    assert_eq!(wire.answer().await.json(200)["file_size"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_announces_nothing_is_cut_at_the_limit_and_leaves_nothing_behind() {
    let stage = small().await;
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, &format!("POST {UPLOAD}"), &[FORM, ("transfer-encoding", "chunked")]).await;
    wire.piece(FILE).await;
    for _ in 0..17 {
        wire.piece(&[7; MEBIBYTE / 16]).await;
    }
    // The body has no end: the answer comes nevertheless.
    let answer = wire.answer().await;
    assert_eq!(answer.header("connection"), "close");
    names_the_limit(&answer.detail(413), MEBIBYTE);
    stage.nothing_is_left_behind().await;
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_on_and_on_reads_the_answer_all_the_same() {
    let stage = small().await;
    for _ in 0..5 {
        let pieces = stream::iter([Bytes::from_static(FILE)])
            .chain(stream::repeat(Bytes::from_static(&[7; 64 << 10])).take(128))
            .map(Ok::<_, std::io::Error>);
        let asked = stage.ask(Method::POST, UPLOAD).bearer_auth(stage.admin()).header(FORM.0, FORM.1);
        let answer = asked.body(Body::wrap_stream(pieces)).send().await.unwrap();
        names_the_limit(&Answer::of(answer).await.detail(413), MEBIBYTE);
    }
    stage.nothing_is_left_behind().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_is_too_large_leaves_what_was_there() {
    let stage = small().await;
    let clip = stage.clip(stage.admin(), "Ace").await;
    let address = format!("{CLIPS}/{clip}/media");
    let put = async |body: Body| {
        Answer::of(
            stage.ask(Method::PUT, &address).bearer_auth(stage.admin()).body(body).send().await.unwrap(),
        )
        .await
    };
    put(vec![1; MEBIBYTE].into()).await.expect(200);
    names_the_limit(&put(vec![2; MEBIBYTE + 1].into()).await.detail(413), MEBIBYTE);
    let pieces = stream::repeat(Bytes::from_static(&[3; 1000])).take(1100).map(Ok::<_, std::io::Error>);
    names_the_limit(&put(Body::wrap_stream(pieces)).await.detail(413), MEBIBYTE);
    assert!(stage.get(&address).await.expect(200).body == vec![1; MEBIBYTE]);
    stage.send(Method::DELETE, &format!("{CLIPS}/{clip}"), stage.admin()).await.expect(204);
    stage.nothing_is_left_behind().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_body_has_a_limit_of_its_own() {
    let stage = small().await;
    let long = |bytes: usize| format!("{{\"weight\": 1, \"label\": \"{}\"}}", "x".repeat(bytes));
    stage.post_text("/api/org/default/trial/parcels", long(900)).await.expect(201);
    let details =
        stage.post_text("/api/org/default/trial/parcels", long(1000)).await.problem(413, "too_large");
    names_the_limit(details["detail"].as_str().unwrap(), 1000);
    let pieces = stream::iter(long(5000).into_bytes()).map(|byte| Ok::<_, std::io::Error>(vec![byte]));
    let answer = stage.post_text("/api/org/default/trial/parcels", Body::wrap_stream(pieces)).await;
    answer.problem(413, "too_large");
    names_the_limit(&stage.post_text(CLIPS, long(1000)).await.detail(413), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let stage = Stage::new().await;
    for headers in [[FORM, ("transfer-encoding", "chunked")], [FORM, ("content-length", "50000000")]] {
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, &format!("POST {UPLOAD}"), &headers).await;
        match headers[1].0 {
            "transfer-encoding" => wire.piece(&[FILE, &[7; 3 * MEBIBYTE]].concat()).await,
            _ => wire.send([FILE, &[7; 3 * MEBIBYTE]].concat()).await,
        };
        while stage.stored_files() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(wire);
        stage.nothing_is_left_behind().await;
    }
}

/// Memory of this process that is in RAM, in bytes.
async fn memory(stage: &Stage) -> usize {
    let metrics = stage.get("/metrics").await.text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.unwrap_or_else(|| panic!("no memory in {metrics}")).parse().unwrap()
}

/// While all of them are under way, what they sent is on the disk and not in memory.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_uploads_at_once_need_little_memory() {
    const UPLOADS: usize = 50;
    const SENT: usize = 8;
    static PIECE: [u8; 64 << 10] = [7; 64 << 10];
    let stage = Arc::new(Stage::new().await);
    let before = memory(&stage).await;
    let (all_sent, go_on) = (Arc::new(Barrier::new(UPLOADS + 1)), Arc::new(Semaphore::new(0)));
    let uploads = (0..UPLOADS).map(|number| {
        let (stage, all_sent, go_on) = (Arc::clone(&stage), Arc::clone(&all_sent), Arc::clone(&go_on));
        tokio::spawn(async move {
            let first = stream::repeat(Bytes::from_static(&PIECE)).take(SENT * 16);
            let then = stream::once(async move {
                all_sent.wait().await;
                go_on.acquire().await.unwrap().forget();
                Bytes::from_static(&PIECE)
            });
            let body = Body::wrap_stream(first.chain(then).map(Ok::<_, std::io::Error>));
            let file = multipart::Part::stream(body).file_name(format!("{number}.mp4"));
            let form = multipart::Form::new().part("file", file);
            let asked = stage.ask(Method::POST, UPLOAD).bearer_auth(stage.admin()).multipart(form);
            Answer::of(asked.send().await.unwrap()).await.json(201)["file_size"].as_u64()
        })
    });
    let uploads: Vec<_> = uploads.collect();
    all_sent.wait().await;
    assert_eq!(stage.get(CLIPS).await.json(200), serde_json::json!([]), "all are under way");
    let needed = memory(&stage).await.saturating_sub(before);
    assert!(needed < UPLOADS * SENT * MEBIBYTE / 2, "{needed} bytes of memory");
    go_on.add_permits(UPLOADS);
    for size in join_all(uploads).await {
        assert_eq!(size.unwrap(), Some((SENT * MEBIBYTE + PIECE.len()) as u64));
    }
    assert_eq!(stage.stored_files(), UPLOADS);
}
