//! `http`: hosts that the manifest names are called, whatever answers; no others, and no private network.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::{any, get},
};
use serde_json::{Value, json};
use switchboard_sdk::{Definition, HttpRequest, prelude::*};
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin, sentence};

/// A server on a free port that answers what it was asked.
async fn server() -> SocketAddr {
    async fn echo(method: axum::http::Method, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        axum::Json(json!({
            "method": method.as_str(), "body": String::from_utf8_lossy(&body), "agent": text("user-agent"),
            "authorization": text("authorization"), "type": text("content-type"),
        }))
    }
    let app = Router::new()
        .route("/echo", any(echo))
        .route(
            "/status/{status}",
            get(|Path(status): Path<u16>| async move { StatusCode::from_u16(status).unwrap() }),
        )
        .route(
            "/to/{status}/{*address}",
            any(|Path((status, address)): Path<(u16, String)>| async move {
                (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, address)])
            }),
        )
        .route("/round", get(|| async { Redirect::temporary("/round") }))
        .route("/large", get(|| async { vec![0_u8; 9 << 20] }))
        .route("/slow", get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// A plugin that may call these hosts, and does so for whoever asks; a call of it has two seconds.
fn caller(hosts: &str) -> Definition {
    plugin(
        "caller",
        &format!(
            "capabilities: [{{name: http, reason: Calls others., hosts: [{hosts}]}}]\nlimits: {{call_ms: 2000}}\n\
             provides: {{services: [{{name: caller.call}}]}}"
        ),
    )
    .service("caller.call", async |ctx: Context, asked: Value| {
        let url = asked["url"].as_str().unwrap_or_default();
        let method = asked["method"].as_str().unwrap_or("GET").parse().map_err(|_| invalid!("no method"))?;
        let mut request = HttpRequest::new(method, url);
        for (name, value) in asked["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default())?;
        }
        if !asked["json"].is_null() {
            request = request.json(&asked["json"])?;
        }
        let answer = ctx.http().send(request).await?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Ok(json!({ "status": answer.status.as_u16(), "body": body }))
    })
}

struct Asking {
    stage: Stage,
    server: SocketAddr,
}

impl Asking {
    /// The plugin may call the server by its address and by `localhost`.
    async fn new() -> Self {
        let server = server().await;
        let hosts = format!("'127.0.0.1:{}', 'localhost:{}', 10.0.0.7", server.port(), server.port());
        Self { stage: Stage::with([built(caller(&hosts))]).await, server }
    }

    fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.server)
    }

    async fn ask(&self, asked: Value) -> Result<Value, Failure> {
        self.stage.service("caller.call", &asked).await
    }

    async fn get(&self, url: &str) -> Result<Value, Failure> {
        self.ask(json!({ "url": url })).await
    }
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_arrives_and_whatever_is_answered_is_an_answer() {
    let asking = Asking::new().await;
    let sent = json!({
        "url": asking.at("/echo"), "method": "PUT", "json": {"a": 1}, "headers": {"authorization": "Bearer abc"},
    });
    let echo = body(&asking.ask(sent).await.unwrap());
    assert_eq!((&echo["method"], &echo["body"]), (&json!("PUT"), &json!(r#"{"a":1}"#)));
    assert_eq!((&echo["authorization"], &echo["type"]), (&json!("Bearer abc"), &json!("application/json")));
    let agent = echo["agent"].as_str().unwrap();
    assert!(agent.starts_with("switchboard/") && agent.ends_with("(caller)"), "{agent}");
    for status in [404, 429, 500] {
        let answer = asking.get(&asking.at(&format!("/status/{status}"))).await.unwrap();
        assert_eq!(answer["status"], json!(status));
    }
    let by_name = format!("http://localhost:{}/echo", asking.server.port());
    assert_eq!(asking.get(&by_name).await.unwrap()["status"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_named_and_an_address_that_is_private_are_refused() {
    let asking = Asking::new().await;
    let elsewhere = sentence("forbidden", asking.get("https://example.com/").await);
    assert!(
        elsewhere.contains("may not call `example.com`") && elsewhere.contains("`10.0.0.7`"),
        "{elsewhere}"
    );
    sentence("forbidden", asking.get("http://127.0.0.1/").await);
    let private = sentence("forbidden", asking.get("http://10.0.0.7/").await);
    assert!(private.contains("10.0.0.7 is an address of a private network"), "{private}");
    assert!(private.contains("http_private_networks"), "{private}");
    for none in ["", "example.com", "ftp://10.0.0.7/", "file:///etc/passwd", "http://"] {
        sentence("invalid", asking.get(none).await);
    }
    let wrong = json!({ "url": asking.at("/echo"), "headers": {"host": "example.com"} });
    assert!(sentence("invalid", asking.ask(wrong).await).contains("`host`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_as_far_as_the_manifest_goes() {
    let asking = Asking::new().await;
    let post = async |status: u16, to: &str| {
        let url = asking.at(&format!("/to/{status}/{to}"));
        asking.ask(json!({ "url": url, "method": "POST", "json": 7, "headers": {"authorization": "Bearer abc"} })).await
    };
    let here = asking.at("/echo");
    for (status, method, sent) in [(302, "GET", ""), (303, "GET", ""), (307, "POST", "7"), (308, "POST", "7")]
    {
        let echo = body(&post(status, &here).await.unwrap());
        assert_eq!((&echo["method"], &echo["body"]), (&json!(method), &json!(sent)), "{status}");
        assert_eq!(echo["authorization"], "Bearer abc", "{status}");
    }
    let other_origin = format!("http://localhost:{}/echo", asking.server.port());
    let echo = body(&post(307, &other_origin).await.unwrap());
    assert_eq!(echo["authorization"], Value::Null, "what opens one server is not shown to another");
    sentence("forbidden", post(307, "http://example.com/").await);
    let private = sentence("forbidden", post(307, "http://10.0.0.7/").await);
    assert!(private.contains("private network"), "{private}");
    sentence("invalid", post(307, "file:///etc/passwd").await);
    let round = sentence("unavailable", asking.get(&asking.at("/round")).await);
    assert!(round.contains("redirects more than 5 times"), "{round}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_too_slow_or_not_there_is_said_so() {
    let asking = Asking::new().await;
    let large = sentence("too_large", asking.get(&asking.at("/large")).await);
    assert!(large.contains("answers with more than"), "{large}");
    sentence("timed_out", asking.get(&asking.at("/slow")).await);
    let sent = json!({ "url": asking.at("/echo"), "method": "POST", "json": "x".repeat(9 << 20) });
    sentence("too_large", asking.ask(sent).await);
    // A port that was free a moment ago.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let stage = Stage::with([built(caller(&format!("'127.0.0.1:{}', nowhere.invalid", free.port())))]).await;
    for url in [format!("http://{free}/"), "https://nowhere.invalid/".to_owned()] {
        let gone = stage.service("caller.call", &json!({ "url": url })).await;
        assert!(sentence("unavailable", gone).contains("cannot be reached"), "{url}");
    }
}
