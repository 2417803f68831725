//! A server that is told to stop.

use std::time::Duration;

use reqwest::Method;
use switchboard_server::{Options, Times};
use tokio::net::TcpStream;

use crate::{
    stage::{CLIPS, Stage},
    wire::Wire,
};

const WAIT: &str = "GET /api/org/default/trial/wait";

/// So much grace that nothing is cut while a test looks.
const PATIENT: Times = Times { header: Duration::from_secs(3600), grace: Duration::from_secs(3600) };

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_answered_and_then_it_ends() {
    let mut stage = Stage::with(Options::default(), PATIENT).await;
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, WAIT, &[]).await;
    stage.direction.entered().await;
    stage.stop();
    // Until nobody listens any more.
    while TcpStream::connect(stage.socket()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(wire.is_quiet());
    stage.direction.let_go();
    assert_eq!(wire.answer().await.json(200)["word"], "at last");
    wire.ends().await;
    stage.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_kept_open_for_nothing_are_ended() {
    let mut stage = Stage::with(Options::default(), PATIENT).await;
    let (mut used, mut unused) = (Wire::to(&stage).await, Wire::to(&stage).await);
    used.head(&stage, "GET /healthz", &[]).await;
    used.answer().await.expect(200);
    stage.stop();
    used.ends().await;
    unused.ends().await;
    stage.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_the_grace_is_cut() {
    let times = Times { grace: Duration::from_millis(200), ..Times::default() };
    let mut stage = Stage::with(Options::default(), times).await;
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, WAIT, &[]).await;
    stage.direction.entered().await;
    stage.stop();
    wire.ends().await;
    stage.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_holds_it_up_no_longer_than_the_grace() {
    let times = Times { grace: Duration::from_millis(200), ..Times::default() };
    let mut stage = Stage::with(Options::default(), times).await;
    let mut half = Wire::to(&stage).await;
    half.send("POST /api/v1/clips HTTP/1.1\r\nhost: te").await;
    stage.stop();
    stage.stopped().await;
    half.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_that_reads_no_further_holds_it_up_no_longer_than_the_grace() {
    let times = Times { grace: Duration::from_millis(200), ..Times::default() };
    let mut stage = Stage::with(Options::default(), times).await;
    let address = format!("{CLIPS}/{}/media", stage.clip(stage.admin(), "Ace").await);
    // More than the sockets between the two take.
    let asked = stage.ask(Method::PUT, &address).bearer_auth(stage.admin()).body(vec![7; 64 << 20]);
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, &format!("GET {address}"), &[]).await;
    assert_eq!(wire.answered_head().await.0, 200);
    stage.stop();
    stage.stopped().await;
}
