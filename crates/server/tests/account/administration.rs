//! What global administrators do with accounts.

use reqwest::Method;
use serde_json::json;

use crate::stage::{Browser, PASSWORD, Stage, finish};

#[tokio::test]
async fn an_administrator_makes_finds_disables_and_enables_accounts() {
    let stage = Stage::new().await;
    stage.account("root@example.com", true).await;
    let mut root = stage.signed_in("root@example.com").await;
    let new = json!({ "email": "ada@example.com", "password": PASSWORD });
    let made = root.post("/api/admin/accounts", new).await.json(201);
    let id = made["id"].as_i64().unwrap();
    let page = root.get("/api/admin/accounts?text=ADA").await.json(200);
    assert_eq!(page["accounts"].as_array().unwrap().len(), 1);
    let mut ada = stage.signed_in("ada@example.com").await;
    root.post(&format!("/api/admin/accounts/{id}/disable"), json!({})).await.is(200);
    ada.get("/api/me").await.is(401);
    stage.browser().sign_in("ada@example.com", PASSWORD).await.is(403);
    root.post(&format!("/api/admin/accounts/{id}/enable"), json!({})).await.is(200);
    stage.signed_in("ada@example.com").await;
    let body = Some(json!({ "is_administrator": true }));
    root.send(Method::PUT, &format!("/api/admin/accounts/{id}/administrator"), body).await.is(200);
    stage.signed_in("ada@example.com").await.get("/api/admin/accounts").await.is(200);
}

#[tokio::test]
async fn nobody_else_comes_near() {
    let stage = Stage::new().await;
    let id = stage.account("ada@example.com", false).await;
    let mut ada = stage.signed_in("ada@example.com").await;
    for (method, address) in [
        (Method::GET, "/api/admin/accounts".to_owned()),
        (Method::POST, format!("/api/admin/accounts/{id}/impersonate")),
        (Method::PUT, format!("/api/admin/accounts/{id}/administrator")),
        (Method::DELETE, format!("/api/admin/accounts/{id}/sessions")),
        (Method::GET, "/api/admin/plugins".to_owned()),
    ] {
        ada.send(method.clone(), &address, Some(json!({ "is_administrator": true }))).await.is(403);
        stage.browser().send(method, &address, None).await.is(401);
    }
}

#[tokio::test]
async fn who_acts_as_somebody_else_is_named_and_ends_it() {
    let stage = Stage::new().await;
    stage.account("root@example.com", true).await;
    let id = stage.account("ada@example.com", false).await;
    let mut root = stage.signed_in("root@example.com").await;
    let own = root.cookie.clone();
    let acting = root.post(&format!("/api/admin/accounts/{id}/impersonate"), json!({})).await.json(200);
    assert_eq!(acting["account"]["email"], "ada@example.com");
    assert_ne!(root.cookie, own);
    let me = root.get("/api/me").await.json(200);
    assert_eq!(me["impersonator"], "root@example.com");
    root.get("/api/admin/accounts").await.is(403);
    let change = json!({ "password": PASSWORD, "new_password": "quite another one" });
    root.post("/api/me/password", change).await.is(403);
    root.send(Method::PATCH, "/api/me", Some(json!({ "name": "Renamed" }))).await.is(200);
    let audit = stage.audit().await;
    let line = audit.iter().find(|(_, _, what, _)| what == "account.renamed").unwrap();
    assert_eq!((line.0.as_str(), line.1.as_deref()), ("ada@example.com", Some("root@example.com")));
    root.send(Method::DELETE, "/api/me/impersonation", None).await.is(200);
    assert_eq!(root.get("/api/me").await.json(200)["account"]["email"], "root@example.com");
    root.get("/api/admin/accounts").await.is(200);
}

/// The value of the page's field with the session's token.
fn token_in(page: &str) -> &str {
    page.split_once("name=\"csrf_token\" value=\"").unwrap().1.split('"').next().unwrap()
}

#[tokio::test]
async fn the_page_says_as_whom_somebody_acts_and_its_button_ends_it() {
    let stage = Stage::new().await;
    stage.account("root@example.com", true).await;
    let id = stage.account("ada@example.com", false).await;
    let mut root = stage.signed_in("root@example.com").await;
    assert!(!root.get("/").await.text.contains("You act as"));
    root.post(&format!("/api/admin/accounts/{id}/impersonate"), json!({})).await.is(200);
    let page = root.get("/").await;
    for part in ["You act as", "ada@example.com", "root@example.com", "End acting as"] {
        assert!(page.text.contains(part), "{part} is not in {}", page.text);
    }
    assert!(!stage.browser().get("/").await.text.contains("You act as"));
    let press = |browser: &Browser, token: &str, headers: &[(&str, &str)]| {
        let request = browser.bare(Method::POST, "/impersonation/end").form(&[("csrf_token", token)]);
        finish(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
    };
    let token = token_in(&page.text).to_owned();
    for (sent, headers) in [
        ("", &[][..]),
        ("wrong", &[]),
        (&token, &[("origin", "https://evil.example")]),
        (&token, &[("origin", "null")]),
        (&token, &[("sec-fetch-site", "cross-site")]),
    ] {
        press(&root, sent, headers).await.is(403);
    }
    press(&stage.browser(), &token, &[]).await.is(403);
    let in_address = root.bare(Method::POST, &format!("/impersonation/end?csrf_token={token}"));
    finish(in_address.form(&[("nothing", "")])).await.is(403);
    finish(root.bare(Method::GET, "/impersonation/end")).await.is(405);
    finish(root.bare(Method::POST, "/impersonation/end").body(format!("csrf_token={}", "x".repeat(2000))))
        .await
        .is(422);
    assert_eq!(root.get("/api/me").await.json(200)["impersonator"], "root@example.com", "still");

    let ended = press(&root, &token, &[("origin", &stage.url)]).await;
    ended.is(303);
    let cookie = ended.set_cookie.unwrap();
    let secret = cookie.split(';').next().unwrap().strip_prefix("swb_session=").unwrap().to_owned();
    root.get("/api/me").await.is(401);
    root.cookie = Some(secret);
    let me = root.get("/api/me").await.json(200);
    assert_eq!((&me["account"]["email"], &me["impersonator"]), (&json!("root@example.com"), &json!(null)));
    let page = root.get("/").await;
    assert!(!page.text.contains("You act as"));
    let line = stage.audit().await.pop().unwrap();
    let expected = ("ada@example.com", Some("root@example.com"), "impersonation.ended");
    assert_eq!((line.0.as_str(), line.1.as_deref(), line.2.as_str()), expected);
    press(&root, root.csrf.as_deref().unwrap_or_default(), &[]).await.is(409);
}
