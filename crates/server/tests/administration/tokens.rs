//! `/api/admin/tokens`: making, listing and revoking tokens.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::stage::{Answer, Stage};

const TOKENS: &str = "/api/admin/tokens";

/// A read that every administrator may do.
async fn knock(stage: &Stage, token: &str) -> Answer {
    stage.ask(Method::GET, "/api/admin/organizations", Some(token), None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_opens_what_it_may() {
    let stage = Stage::new().await;
    let made = stage.post(TOKENS, json!({"name": "reader", "actions": ["admin:read"]})).await.json(201);
    let text = made["token"].as_str().unwrap();
    assert!(text.starts_with("swb_") && made["id"].is_i64() && made["name"] == "reader");
    knock(&stage, text).await.json(200);
    let list = stage.get(TOKENS).await;
    assert!(!list.text.contains(text), "a token's text is never shown again");
    let list = list.json(200);
    let shown = list.as_array().unwrap().iter().find(|token| token["id"] == made["id"]).unwrap();
    let fields: BTreeSet<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        BTreeSet::from([
            "id",
            "name",
            "organization",
            "account",
            "actions",
            "created_at",
            "expires_at",
            "last_used_at",
            "calls_per_second"
        ])
    );
    assert_eq!((&shown["actions"], &shown["organization"]), (&json!(["admin:read"]), &Json::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_opens_nothing_from_that_moment() {
    let stage = Stage::new().await;
    let made = stage.post(TOKENS, json!({"name": "short"})).await.json(201);
    let text = made["token"].as_str().unwrap();
    knock(&stage, text).await.json(200);
    let address = format!("{TOKENS}/{}", made["id"]);
    stage.delete(&address).await.is_empty();
    assert_eq!(knock(&stage, text).await.status, 401);
    let said = stage.delete(&address).await.detail(404);
    assert_eq!(said, format!("there is no token {}, or it was revoked already", made["id"]));
    assert_eq!(stage.delete("/api/admin/tokens/short").await.faults(), ["int_parsing path.id"]);
    stage.post(TOKENS, json!({"name": "short"})).await.json(201);
    assert_eq!(knock(&stage.again().await, text).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_be_for_one_organization() {
    let stage = Stage::new().await;
    let new = json!({"name": "ours", "organization": "default", "actions": ["greeting:*"]});
    let made = stage.post(TOKENS, new).await.json(201);
    let list = stage.get(TOKENS).await.json(200);
    let shown = list.as_array().unwrap().iter().find(|token| token["id"] == made["id"]).unwrap();
    assert_eq!(shown["organization"], "default");
    let hello = "/api/org/default/greeter/hello";
    stage.ask(Method::GET, hello, made["token"].as_str(), None).await.json(200);
    let said = stage.post(TOKENS, json!({"name": "theirs", "organization": "nobody"})).await.detail(404);
    assert_eq!(said, "there is no organization `nobody`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_right_is_refused() {
    let stage = Stage::new().await;
    assert_eq!(stage.post(TOKENS, json!({})).await.faults(), ["missing body.name"]);
    assert_eq!(stage.post(TOKENS, json!({"name": ""})).await.faults(), ["string_too_short body.name"]);
    assert_eq!(stage.post(TOKENS, json!({"name": " "})).await.status, 422);
    assert_eq!(
        stage.post(TOKENS, json!({"name": "a", "scope": 1})).await.faults(),
        ["extra_forbidden body.scope"]
    );
    for wrong in ["", "**", "Clip:read", "clip:", "clip:read:more", "clip read"] {
        let answer = stage.post(TOKENS, json!({"name": "a", "actions": [wrong]})).await;
        assert_eq!(answer.status, 422, "{wrong}");
    }
    stage.post(TOKENS, json!({"name": "a"})).await.json(201);
    let said = stage.post(TOKENS, json!({"name": "a"})).await.detail(409);
    assert_eq!(said, "a token named `a` exists already; choose another name, or revoke that one");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_token_that_may_more_than_they_may() {
    let stage = Stage::new().await;
    let token = stage.token("maker", None, &["admin:tokens", "clip:*"]).await;
    let make = async |new| stage.ask(Method::POST, TOKENS, Some(&token), Some(new)).await;
    for beyond in ["*", "admin:*", "admin:plugins", "event:read"] {
        let said = make(json!({"name": "more", "actions": ["clip:read", beyond]})).await.detail(403);
        assert_eq!(said, format!("`maker` may not do `{beyond}`, and cannot let a token do it"));
    }
    make(json!({"name": "less", "actions": ["clip:read", "clip:*"]})).await.json(201);
    make(json!({"name": "same"})).await.json(201);
    let list = stage.get(TOKENS).await.json(200);
    let same = list.as_array().unwrap().iter().find(|token| token["name"] == "same").unwrap();
    assert_eq!(same["actions"], json!(["admin:tokens", "clip:*"]));
}
