//! How those who watch the server learn how it is.

use reqwest::Method;
use switchboard_api::Timestamp;

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
};

async fn look(stage: &Stage, address: &str) -> Answer {
    Answer::of(stage.ask(Method::GET, address).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_says_which_server_it_is_and_when() {
    let stage = Stage::new().await;
    let before = Timestamp::now();
    let health = look(&stage, "/api/v1/health").await.json(200);
    let mut fields: Vec<&String> = health.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["service", "status", "timestamp", "version"]);
    assert_eq!(
        (&health["status"], &health["service"], &health["version"]),
        (&"ok".into(), &"switchboard".into(), &"1.2.3".into())
    );
    let at: Timestamp = health["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(before <= at && at <= Timestamp::now());
    assert_eq!(look(&stage, "/healthz").await.expect(200).text(), "ok\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_about_to_stop_is_alive_and_not_ready() {
    let stage = Stage::new().await;
    assert_eq!(look(&stage, "/readyz").await.json(200)["status"], "ready");
    stage.readiness.stop();
    let said = look(&stage, "/readyz").await.json(503);
    assert_eq!(
        (&said["status"], &said["not_ready"]["server"]),
        (&"not ready".into(), &"the server is stopping".into())
    );
    look(&stage, "/healthz").await.expect(200);
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_databases_fail_is_alive_and_not_ready() {
    let stage = Stage::new().await;
    stage.destroy_databases().await;
    let said = look(&stage, "/readyz").await.json(503);
    assert!(!said["not_ready"]["databases"].as_str().unwrap().is_empty(), "{said}");
    look(&stage, "/healthz").await.expect(200);
    look(&stage, "/api/v1/health").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_for_those_who_may_read_them() {
    let stage = Stage::new().await;
    look(&stage, "/metrics").await.problem(401, "unauthorized");
    let theirs = stage.token("theirs", Some("default")).await;
    stage.send(Method::GET, "/metrics", &theirs).await.problem(403, "forbidden");
    let other = stage.token_for("other", None, &["clip:read"]).await;
    stage.send(Method::GET, "/metrics", &other).await.problem(403, "forbidden");
    let reader = stage.token_for("reader", None, &["metrics:read"]).await;
    stage.send(Method::GET, "/metrics", &reader).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_text_that_prometheus_reads() {
    let stage = Stage::new().await;
    stage.get(CLIPS).await.expect(200);
    stage.get("/nowhere").await.expect(404);
    let answer = stage.get("/metrics").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = answer.text();
    let mut described = std::collections::HashSet::new();
    for line in text.lines() {
        if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(described.insert(name.to_owned()), "twice: {line}");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = series.split('{').next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(described.contains(name) || described.contains(family.unwrap_or_default()), "{line}");
        }
    }
    for expected in [
        "switchboard_build_info{version=\"1.2.3\"} 1",
        "switchboard_plugin_state{plugin=\"clips\",version=\"1.0.0\",state=\"loaded\"} 1",
        "switchboard_http_requests_total{status=\"2xx\"} 1",
        "switchboard_http_requests_total{status=\"4xx\"} 1",
        "switchboard_http_requests_total{status=\"5xx\"} 0",
        "switchboard_plugin_call_seconds_count{plugin=\"clips\",kind=\"request\"} 1",
    ] {
        assert!(text.lines().any(|line| line == expected), "{expected} in\n{text}");
    }
}
