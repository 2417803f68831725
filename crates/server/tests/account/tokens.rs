//! `/api/me/tokens`: programs that act on somebody's behalf.

use reqwest::Method;
use serde_json::{Value as Json, json};
use switchboard_api::{AccountId, Roles, Timestamp};
use switchboard_kernel::By;

use crate::stage::{Browser, PASSWORD, Stage, finish};

const TOKENS: &str = "/api/me/tokens";

/// A moment that is so many days from now.
fn in_days(days: i64) -> String {
    Timestamp::from_second(Timestamp::now().as_second() + days * 86400).unwrap().to_string()
}

/// A server with somebody who is a member of the only organization, and their browser.
async fn stage(role: &str) -> (Stage, Browser, AccountId) {
    let stage = Stage::new().await;
    let id = stage.account("ada@example.com", false).await;
    let organization = stage.kernel.named("default").unwrap();
    stage.kernel.set_member(&By::system("test"), &organization, id, &Roles::new([role])).await.unwrap();
    let browser = stage.signed_in("ada@example.com").await;
    (stage, browser, id)
}

async fn with(stage: &Stage, token: &str, method: Method, address: &str, body: Option<Json>) -> u16 {
    let request = stage.browser().bare(method, address).bearer_auth(token);
    let request = request.header("x-organization", "default");
    finish(body.into_iter().fold(request, |request, body| request.json(&body))).await.status
}

#[tokio::test]
async fn somebody_makes_a_token_uses_it_and_revokes_it() {
    let (stage, mut ada, id) = stage("member").await;
    let new = json!({ "name": " laptop ", "actions": ["clip:read"], "expires_at": in_days(30) });
    let made = ada.post(TOKENS, new.clone()).await.json(201);
    let (number, token) = (made["id"].clone(), made["token"].as_str().unwrap().to_owned());
    assert_eq!(made["name"], format!("account:{id}/laptop"));
    ada.post(TOKENS, new).await.is(409);
    let listed = ada.get(TOKENS).await;
    assert!(!listed.text.contains(&token), "it is shown once");
    let listed = listed.json(200);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["last_used_at"]), (1, &json!(null)));
    assert_eq!((&listed[0]["account"], &listed[0]["organization"]), (&json!(id), &json!(null)));

    assert_eq!(with(&stage, &token, Method::GET, "/api/v1/clips", None).await, 200);
    assert_eq!(with(&stage, &token, Method::POST, "/api/v1/clips", Some(json!({}))).await, 403);
    assert_ne!(ada.get(TOKENS).await.json(200)[0]["last_used_at"], json!(null));
    ada.send(Method::DELETE, &format!("{TOKENS}/{number}"), None).await.is(204);
    assert_eq!(with(&stage, &token, Method::GET, "/api/v1/clips", None).await, 401);
    ada.send(Method::DELETE, &format!("{TOKENS}/{number}"), None).await.is(404);
    let lines: Vec<_> =
        stage.audit().await.into_iter().map(|(who, _, what, _)| format!("{who} {what}")).collect();
    for line in ["ada@example.com token.created", "ada@example.com token.revoked"] {
        assert!(lines.contains(&line.to_owned()), "{line} is not in {lines:?}");
    }
}

#[tokio::test]
async fn a_token_may_no_more_than_whoever_made_it_also_later() {
    let (stage, mut ada, id) = stage("viewer").await;
    let new = |actions: &[&str], more: Json| {
        let mut new = json!({ "name": "bot", "actions": actions, "expires_at": in_days(30) });
        new.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        new
    };
    for actions in [&["clip:delete"][..], &["clip:read", "clip:create"], &["admin:plugins"], &["no:such"]] {
        let refused = ada.post(TOKENS, new(actions, json!({}))).await.json(403);
        assert!(refused["detail"].as_str().unwrap().contains("cannot let a token do it"), "{refused}");
    }
    ada.post(TOKENS, new(&["clip:read"], json!({ "organization": "nowhere" }))).await.is(404);
    for (field, wrong) in [("expires_at", json!(in_days(-1))), ("expires_at", json!(in_days(400)))] {
        ada.post(TOKENS, new(&["clip:read"], json!({ field: wrong }))).await.is(422);
    }
    let endless = json!({ "name": "bot", "actions": ["clip:read"] });
    ada.post(TOKENS, endless).await.is(422);

    let made = ada.post(TOKENS, new(&["*"], json!({ "organization": "default" }))).await.json(201);
    let token = made["token"].as_str().unwrap();
    assert_eq!(with(&stage, token, Method::GET, "/api/v1/clips", None).await, 200);
    assert_eq!(with(&stage, token, Method::DELETE, "/api/v1/clips/1", None).await, 403, "a viewer's");
    assert_eq!(with(&stage, token, Method::GET, "/api/admin/plugins", None).await, 403);
    let organization = stage.kernel.named("default").unwrap();
    let by = By::system("test");
    stage.kernel.remove_member(&by, &organization, id, |_| Ok(())).await.unwrap();
    assert_ne!(with(&stage, token, Method::GET, "/api/v1/clips", None).await, 200, "no member any more");
    stage.accounts.set_disabled(id, true).await.unwrap();
    assert_eq!(with(&stage, token, Method::GET, "/api/me", None).await, 401, "disabled");
}

#[tokio::test]
async fn an_administrators_own_token_administrates_nothing() {
    let stage = Stage::new().await;
    stage.account("root@example.com", true).await;
    let mut root = stage.signed_in("root@example.com").await;
    let new = json!({ "name": "bot", "actions": ["*"], "expires_at": in_days(1) });
    let made = root.post(TOKENS, new).await.json(201);
    let token = made["token"].as_str().unwrap();
    for address in ["/api/admin/plugins", "/api/admin/accounts", "/api/v1/clips"] {
        assert_ne!(with(&stage, token, Method::GET, address, None).await, 200, "{address}");
    }
}

#[tokio::test]
async fn they_are_for_who_has_signed_in_as_themselves() {
    let (stage, mut ada, id) = stage("member").await;
    stage.account("eve@example.com", false).await;
    stage.account("root@example.com", true).await;
    let new = json!({ "name": "bot", "actions": ["*"], "expires_at": in_days(1) });
    let made = ada.post(TOKENS, new.clone()).await.json(201);
    let (token, own) = (made["token"].as_str().unwrap(), format!("{TOKENS}/{}", made["id"]));
    for (method, address, body) in
        [(Method::GET, TOKENS, None), (Method::POST, TOKENS, Some(new.clone())), (Method::DELETE, &own, None)]
    {
        assert_eq!(with(&stage, token, method.clone(), address, body.clone()).await, 403, "{method}");
        let request = ada.bare(method.clone(), address);
        let bare = finish(body.into_iter().fold(request, |request, body| request.json(&body))).await;
        assert_eq!(bare.status, if method == Method::GET { 200 } else { 403 }, "without the CSRF token");
    }
    let mut eve = stage.signed_in("eve@example.com").await;
    assert_eq!(eve.get(TOKENS).await.json(200), json!([]));
    eve.send(Method::DELETE, &own, None).await.is(404);
    let mut root = stage.signed_in("root@example.com").await;
    root.post(&format!("/api/admin/accounts/{id}/impersonate"), json!({})).await.is(200);
    root.post(TOKENS, new).await.is(403);
    root.send(Method::DELETE, &own, None).await.is(403);
    assert_eq!(ada.get(TOKENS).await.json(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_for_other_things_does_not_reach_its_owners_account() {
    let (stage, mut ada, _) = stage("member").await;
    let mut made = async |name: &str, actions: &[&str]| {
        let new = json!({ "name": name, "actions": actions, "expires_at": in_days(1) });
        ada.post(TOKENS, new).await.json(201)["token"].as_str().unwrap().to_owned()
    };
    let narrow = made("narrow", &["clip:read"]).await;
    let own = made("own", &["account:manage"]).await;
    for (method, address, body) in [
        (Method::PATCH, "/api/me", Some(json!({ "name": "Renamed" }))),
        (Method::GET, "/api/me/sessions", None),
        (Method::GET, "/api/me/identities", None),
        (Method::DELETE, "/api/me/sessions", None),
    ] {
        assert_eq!(with(&stage, &narrow, method.clone(), address, body.clone()).await, 403, "{address}");
        assert!(with(&stage, &own, method, address, body).await < 300, "{address}");
    }
    assert_eq!(with(&stage, &narrow, Method::GET, "/api/me", None).await, 200, "who it is, it may know");
    let change = json!({ "password": PASSWORD, "new_password": "quite another one" });
    assert_eq!(with(&stage, &own, Method::POST, "/api/me/password", Some(change)).await, 403);
}
