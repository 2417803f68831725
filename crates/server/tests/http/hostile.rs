//! Clients that break the rules of HTTP, by mistake or on purpose: each gets a clear answer or the end of its connection,
//! and the server serves the others on.

use std::time::Duration;

use switchboard_server::{Options, Times};

use crate::{
    stage::{CLIPS, Stage},
    wire::Wire,
};

const PARCELS: &str = "POST /api/org/default/trial/parcels";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A server that waits a moment only for bodies.
async fn impatient() -> Stage {
    Stage::strict(1 << 20, 1 << 20, Duration::from_millis(300)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_431() {
    let stage = Stage::new().await;
    let mut wire = Wire::to(&stage).await;
    wire.send("GET /healthz HTTP/1.1\r\nhost: test\r\n").await;
    let line = format!("x-long: {}\r\n", "x".repeat(64 << 10));
    for _ in 0..32 {
        if !wire.send(&line).await {
            break;
        }
    }
    wire.send("\r\n").await;
    let (status, _) = wire.answered_head().await;
    assert_eq!(status, 431);
    wire.ends().await;

    let mut wire = Wire::to(&stage).await;
    let many: String = (0..2000).map(|number| format!("x-{number}: 1\r\n")).collect();
    wire.send(format!("GET /healthz HTTP/1.1\r\nhost: test\r\n{many}\r\n")).await;
    assert_eq!(wire.answered_head().await.0, 431);
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_told_so_and_ended() {
    let stage = Stage::new().await;
    for nonsense in [
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET /healthz HTTP/9.9\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 3, 4\r\n\r\n",
        "POST /api/v1/clips HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc",
        "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n",
    ] {
        let mut wire = Wire::to(&stage).await;
        wire.send(nonsense).await;
        assert_eq!(wire.answered_head().await.0, 400, "{nonsense:?}");
        wire.ends().await;
    }
    stage.serves_on().await;
}

/// Two readers that disagree on where a request ends let one client speak in the name of another.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_lengths_smuggles_no_second_one_in() {
    let stage = Stage::new().await;
    let mut wire = Wire::to(&stage).await;
    let smuggled = "0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let length = smuggled.len().to_string();
    wire.head(&stage, PARCELS, &[JSON, ("content-length", &length), ("transfer-encoding", "chunked")]).await;
    wire.send(smuggled).await;
    let (status, headers) = wire.answered_head().await;
    assert!(
        status == 400 || headers.get("connection").is_some_and(|value| value == "close"),
        "{status} {headers:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_longer_than_it_said_is_not_taken_for_more_of_it() {
    let stage = Stage::new().await;
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, PARCELS, &[JSON, ("content-length", "13")]).await;
    wire.send("{\"weight\": 1}, \"label\": \"more\"}\r\n\r\n").await;
    let taken = wire.answer().await.json(201);
    assert_eq!((&taken["weight"], &taken["label"]), (&1.into(), &"".into()));
    // The rest would be the next request, and is none.
    assert_eq!(wire.answered_head().await.0, 400);
    wire.ends().await;
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_before_it_should_is_not_taken() {
    let stage = Stage::new().await;
    for line in [PARCELS, &format!("POST {CLIPS}")] {
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, line, &[JSON, ("content-length", "500")]).await;
        wire.send("{\"title\": \"Ace\", \"file_path\": \"a.mp4\"}").await;
        wire.hang_up().await;
        // There is nobody to answer, or somebody who still reads.
        if let Some(status) = wire.answered_if_any().await {
            assert_eq!(status, 400);
        }
    }
    stage.nothing_is_left_behind().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_are_garbage_are_told_so() {
    let stage = Stage::new().await;
    for garbage in [
        "zz\r\nabc\r\n",
        "5\r\nabcdefgh\r\n0\r\n\r\n",
        "-5\r\nabc\r\n",
        "ffffffffffffffffff\r\nabc\r\n",
        "\r\n\r\n\r\n",
    ] {
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, PARCELS, &[JSON, ("transfer-encoding", "chunked")]).await;
        wire.send(garbage).await;
        let answer = wire.answer().await;
        answer.problem(400, "bad_request");
        wire.ends().await;
    }
    let mut wire = Wire::to(&stage).await;
    let form = ("content-type", "multipart/form-data; boundary=frontier");
    wire.head(&stage, "POST /api/v1/clips/upload", &[form, ("transfer-encoding", "chunked")]).await;
    wire.piece(b"--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nmedia")
        .await;
    wire.send("no number\r\n").await;
    wire.answer().await.detail(400);
    stage.nothing_is_left_behind().await;
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_408_and_leaves_nothing_behind() {
    let stage = impatient().await;
    let mut json = Wire::to(&stage).await;
    json.head(&stage, PARCELS, &[JSON, ("content-length", "100")]).await;
    json.send("{\"weight\"").await;
    let mut media = Wire::to(&stage).await;
    let form = ("content-type", "multipart/form-data; boundary=frontier");
    media.head(&stage, "POST /api/v1/clips/upload", &[form, ("transfer-encoding", "chunked")]).await;
    media
        .piece(b"--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nmedia")
        .await;

    let answer = json.answer().await;
    assert_eq!(answer.header("connection"), "close");
    let details = answer.problem(408, "request_timeout");
    assert!(details["detail"].as_str().unwrap().contains("0.3 s"), "{details}");
    json.ends().await;
    let answer = media.answer().await;
    assert_eq!(answer.header("connection"), "close");
    assert!(answer.detail(408).contains("0.3 s"));
    media.ends().await;
    stage.nothing_is_left_behind().await;
    stage.serves_on().await;
}

/// Each byte comes soon after the last, and still the whole would take for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_in_is_408_too() {
    let stage = impatient().await;
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, PARCELS, &[JSON, ("content-length", "1000000")]).await;
    while wire.is_quiet() && wire.send(" ").await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wire.answer().await.problem(408, "request_timeout");
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_stops_coming_ends_the_connection() {
    let times = Times { header: Duration::from_millis(300), ..Times::default() };
    let stage = Stage::with(Options::default(), times).await;
    let mut wire = Wire::to(&stage).await;
    wire.send("GET /healthz HTTP/1.1\r\nhost: te").await;
    if let Some(status) = wire.answered_if_any().await {
        assert_eq!(status, 408);
    }
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, "GET /healthz", &[]).await;
    wire.answer().await.expect(200);
    // Kept open for another request, which does not come.
    wire.ends().await;
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_comes_is_ended_too() {
    let times = Times { header: Duration::from_millis(300), ..Times::default() };
    let stage = Stage::with(Options::default(), times).await;
    // What begins like this can still become a request.
    for beginning in ["", "PRI * HTT"] {
        let mut wire = Wire::to(&stage).await;
        wire.send(beginning).await;
        wire.ends().await;
    }
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_in_forms_that_are_for_proxies_lead_nowhere_or_here() {
    let stage = Stage::new().await;
    for (line, status) in [
        ("OPTIONS *", 404),
        ("CONNECT test:80", 404),
        ("CONNECT /api/v1/clips", 405),
        ("GET http://elsewhere.example/healthz", 200),
        ("GET http://elsewhere.example", 200),
        ("GET healthz", 404),
        ("GET /healthz#part", 200),
    ] {
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, line, &[]).await;
        assert_eq!(wire.answered_head().await.0, status, "{line}");
    }
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_last_century_is_answered_and_let_go() {
    let stage = Stage::new().await;
    let mut wire = Wire::to(&stage).await;
    wire.send("GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(wire.answer().await.expect(200).text(), "ok\n");
    wire.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_that_begins_as_http2_is_ended() {
    let stage = Stage::new().await;
    let mut wire = Wire::to(&stage).await;
    wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").await;
    wire.is_ended().await;
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_that_stop_in_the_midst_keep_nobody_out() {
    let stage = Stage::new().await;
    let mut wires = Vec::new();
    for number in 0..100 {
        let mut wire = Wire::to(&stage).await;
        match number % 3 {
            0 => assert!(wire.send("GET /healthz HT").await),
            1 => wire.head(&stage, PARCELS, &[JSON, ("content-length", "100")]).await,
            _ => {
                wire.head(&stage, &format!("GET {CLIPS}"), &[]).await;
                wire.answer().await.expect(200);
            }
        }
        wires.push(wire);
    }
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_sent_without_waiting_are_answered_in_their_order() {
    let stage = Stage::new().await;
    let mut wire = Wire::to(&stage).await;
    for word in ["first", "second", "third"] {
        wire.head(&stage, &format!("GET /api/org/default/trial/words/{word}"), &[]).await;
    }
    for word in ["first", "second", "third"] {
        assert_eq!(wire.answer().await.json(200)["word"], word);
    }
}
