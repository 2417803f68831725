//! Who does not say who they are is told so, wherever they ask.

use reqwest::Method;
use serde_json::Value as Json;

use crate::{
    answer::Answer,
    document,
    stage::{CLIPS, Stage},
    wire::Wire,
};

/// Each operation of the document that asks for a token: its method, and an address that it answers at.
fn guarded(document: &Json) -> Vec<(Method, String)> {
    let operations = document::operations(document).into_iter();
    let guarded = operations.filter(|(_, _, operation)| {
        operation.get("security").is_none_or(|security| {
            security.as_array().unwrap().iter().any(|one| !one.as_object().unwrap().is_empty())
        })
    });
    guarded
        .map(|(method, path, _)| {
            let address = path.replace("{org}", "default");
            let words: Vec<&str> =
                address.split('/').map(|word| if word.starts_with('{') { "1" } else { word }).collect();
            (method.to_uppercase().parse().unwrap(), words.join("/"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_of_the_document_is_open_to_a_token_that_is_none() {
    let stage = Stage::new().await;
    let operations = guarded(&stage.get("/api/openapi.json").await.json(200));
    for (method, address) in [
        (Method::GET, "/metrics"),
        (Method::GET, "/api/v1/clips"),
        (Method::HEAD, "/api/v1/clips/1/media"),
        (Method::POST, "/api/v1/clips/upload"),
        (Method::DELETE, "/api/org/default/trial/parcels"),
        (Method::POST, "/api/admin/tokens"),
    ] {
        assert!(operations.contains(&(method.clone(), address.to_owned())), "{method} {address}");
    }
    let revoked = stage.token("revoked", None).await;
    stage.revoke("revoked").await;
    let revoked = format!("Bearer {revoked}");
    let unknown = format!("Bearer swb_{}", "0".repeat(64));
    let cut = format!("Bearer {}", &stage.admin()[..stage.admin().len() - 1]);
    let bare = stage.admin().to_owned();
    let basic = format!("Basic {}", stage.admin());
    let credentials = [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some(&*bare),
        Some(&*basic),
        Some(&*cut),
        Some(&*unknown),
        Some(&*revoked),
    ];

    for (method, address) in operations {
        for credential in credentials {
            let asked = stage.ask(method.clone(), &address);
            let asked = credential.into_iter().fold(asked, |asked, text| asked.header("authorization", text));
            let answer = Answer::of(asked.send().await.unwrap()).await;
            let shown = format!("{method} {address} with {credential:?}: {}", answer.text());
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{shown}");
            if method != Method::HEAD {
                let json: Json = serde_json::from_slice(&answer.body).unwrap();
                assert!(!json["detail"].as_str().unwrap().is_empty(), "{shown}");
            }
        }
    }
    assert_eq!(stage.get(crate::stage::CLIPS).await.json(200), serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked_from_one_request_to_the_next() {
    let stage = Stage::new().await;
    let token = stage.token("short", None).await;
    stage.send(Method::GET, crate::stage::CLIPS, &token).await.expect(200);
    stage.revoke("short").await;
    let refused = stage.send(Method::GET, crate::stage::CLIPS, &token).await.detail(401);
    assert!(refused.contains("revoked"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_of_other_people_is_not_given_by_what_a_caller_is_known() {
    let stage = Stage::new().await;
    let ask = stage.ask(Method::POST, "/api/org/default/stranger/headers").bearer_auth(stage.admin());
    let ask =
        ask.header("cookie", "swb_session=secret").header("x-csrf-token", "secret").header("x-own", "1");
    let names = Answer::of(ask.send().await.unwrap()).await.json(200);
    let has = |name: &str| names.as_array().unwrap().iter().any(|it| it == name);
    assert!(has("x-own") && has("host"), "{names}");
    assert!(!has("authorization") && !has("cookie") && !has("x-csrf-token"), "{names}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_of_other_people_signs_nobody_in_or_out() {
    let stage = Stage::new().await;
    let ask = stage.ask(Method::GET, "/api/org/default/stranger/cookie").bearer_auth(stage.admin());
    let answer = ask.send().await.unwrap();
    let has = |name: &str| answer.headers().contains_key(name);
    assert!(has("x-own") && !has("set-cookie") && !has("clear-site-data"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_only_what_it_was_made_for() {
    let stage = Stage::new().await;
    let clip = stage.clip(stage.admin(), "Ace").await;
    let reader = stage.token_for("reader", None, &["clip:read"]).await;
    let at = format!("{}/{clip}", crate::stage::CLIPS);
    stage.send(Method::GET, &at, &reader).await.expect(200);
    for method in [Method::DELETE, Method::PATCH, Method::PUT] {
        let asked = stage.ask(method, &at).bearer_auth(&reader).json(&serde_json::json!({}));
        let refused = Answer::of(asked.send().await.unwrap()).await.detail(403);
        assert!(refused.contains("clip:"), "{refused}");
    }
    stage.get(&at).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_or_said_of_a_request_that_may_not_be_made() {
    let stage = Stage::new().await;
    let clip = stage.clip(stage.admin(), "Ace").await;
    let reader = stage.token_for("reader", None, &["clip:read"]).await;
    let clips = crate::stage::CLIPS;
    for (method, address) in [
        (Method::POST, clips.to_owned()),
        (Method::PATCH, format!("{clips}/{clip}")),
        (Method::DELETE, format!("{clips}/x")),
    ] {
        let asked = stage.ask(method, &address).bearer_auth(&reader).body("nonsense");
        Answer::of(asked.send().await.unwrap()).await.detail(403);
    }
    let authorization = format!("Bearer {reader}");
    for authorization in [authorization.as_str(), "Bearer swb_0"] {
        let mut wire = Wire::to(&stage).await;
        wire.send(format!(
            "PUT {clips}/{clip}/media HTTP/1.1\r\nhost: test\r\nauthorization: {authorization}\r\n\
             content-length: 1000000\r\nexpect: 100-continue\r\n\r\n"
        ))
        .await;
        // The client asked whether it should begin, and is not told to.
        let status = wire.answered_head().await.0;
        assert!([401, 403].contains(&status), "{status}");
    }
    assert_eq!(stage.stored_files(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_so_whatever_the_body_is() {
    let stage = Stage::new().await;
    let reader = stage.token_for("reader", None, &["clip:read"]).await;
    for body in ["{}", "nonsense", ""] {
        let request =
            stage.ask(Method::POST, CLIPS).bearer_auth(&reader).header("content-type", "application/json");
        let detail = Answer::of(request.body(body).send().await.unwrap()).await.detail(403);
        assert!(detail.contains("clip:create"), "{detail}");
    }
}
