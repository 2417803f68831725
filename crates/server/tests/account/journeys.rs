//! What people do with their accounts.

use reqwest::Method;
use serde_json::json;
use switchboard_api::AccountId;
use switchboard_server::account::Registration;
use totp_rs::Totp;

use crate::stage::{OTHER, PASSWORD, Stage};

#[tokio::test]
async fn somebody_registers_verifies_their_address_and_signs_in_and_out() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let new = json!({ "email": "Ada@example.com", "name": "Ada", "password": PASSWORD });
    let made = browser.post("/api/auth/register", new).await.json(201);
    assert_eq!((&made["email"], &made["is_verified"]), (&json!("ada@example.com"), &json!(false)));
    let code = stage.letters.code("ada@example.com").await;
    let verified = browser.post("/api/auth/email/verify", json!({ "code": code })).await.json(200);
    assert_eq!(verified["is_verified"], true);
    let begun = browser.sign_in("ada@example.com", PASSWORD).await;
    let cookie = begun.set_cookie.clone().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("; Path=/;"), "{cookie}");
    assert_eq!(begun.json(200)["second_factor_needed"], false);
    let me = browser.get("/api/me").await.json(200);
    assert_eq!((&me["account"]["name"], &me["organizations"]), (&json!("Ada"), &json!([])));
    assert_eq!(me["csrf_token"].as_str(), browser.csrf.as_deref());
    let renamed = browser.send(Method::PATCH, "/api/me", Some(json!({ "name": "Ada L." }))).await.json(200);
    assert_eq!(renamed["name"], "Ada L.");
    browser.post("/api/auth/sign-out", json!({})).await.is(204);
    assert_eq!(browser.cookie, None);
    browser.get("/api/me").await.is(401);
    let done: Vec<_> =
        stage.audit().await.into_iter().map(|(who, _, what, _)| format!("{who} {what}")).collect();
    for line in ["account.registered", "account.email_verified", "session.begun", "account.renamed"] {
        assert!(done.contains(&format!("ada@example.com {line}")), "{line} is not in {done:?}");
    }
}

#[tokio::test]
async fn nobody_registers_where_that_is_off() {
    let stage = Stage::with(Registration::Off).await;
    let new = json!({ "email": "ada@example.com", "password": PASSWORD });
    stage.browser().post("/api/auth/register", new).await.is(403);
}

#[tokio::test]
async fn by_invitation_one_request_makes_an_account_and_joins() {
    let stage = Stage::with(Registration::Invitation).await;
    let code = stage.invitation(None, Some(1)).await;
    let new =
        |email: &str, code: Option<&str>| json!({ "email": email, "password": PASSWORD, "invitation": code });
    let mut browser = stage.browser();
    let refused = browser.post("/api/auth/register", new("ada@example.com", None)).await.json(403);
    assert!(refused["detail"].as_str().unwrap().contains("by invitation"), "{refused}");
    browser.post("/api/auth/register", new("ada@example.com", Some("0000"))).await.is(404);
    assert_eq!(stage.accounts.count().await.unwrap(), 0);
    let made = browser.post("/api/auth/register", new("ada@example.com", Some(&code))).await.json(201);
    assert_eq!((&made["email"], &made["joined"]), (&json!("ada@example.com"), &json!("default")));
    browser.sign_in("ada@example.com", PASSWORD).await.is(200);
    let me = browser.get("/api/me").await.json(200);
    assert_eq!(me["organizations"][0]["slug"], "default", "{me}");
    let used_up = browser.post("/api/auth/register", new("ben@example.com", Some(&code))).await.json(409);
    assert!(used_up["detail"].as_str().unwrap().contains("ask for a new one"), "{used_up}");
    assert_eq!(stage.accounts.count().await.unwrap(), 1);
    let lines: Vec<_> =
        stage.audit().await.into_iter().map(|(who, _, what, _)| format!("{who} {what}")).collect();
    for line in ["ada@example.com member.added", "ada@example.com account.registered"] {
        assert!(lines.contains(&line.to_owned()), "{line} is not in {lines:?}");
    }
}

#[tokio::test]
async fn however_many_come_with_one_invitation_no_more_accounts_are_made_than_it_lets_in() {
    let stage = Stage::with(Registration::Invitation).await;
    let code = stage.invitation(None, Some(2)).await;
    let come = (0..6).map(|number| {
        let new = json!({
            "email": format!("person{number}@example.com"), "password": PASSWORD, "invitation": code,
        });
        let mut browser = stage.browser();
        async move { browser.post("/api/auth/register", new).await.status }
    });
    let mut statuses = futures_util::future::join_all(come).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409, 409, 409]);
    assert_eq!(stage.accounts.count().await.unwrap(), 2);
}

#[tokio::test]
async fn an_invitation_for_one_address_is_accepted_once_that_is_verified() {
    let stage = Stage::with(Registration::Invitation).await;
    let code = stage.invitation(Some("Ada@example.com"), None).await;
    let new = |email: &str| json!({ "email": email, "password": PASSWORD, "invitation": code });
    let mut browser = stage.browser();
    browser.post("/api/auth/register", new("eve@example.com")).await.is(403);
    let made = browser.post("/api/auth/register", new("ada@example.com")).await.json(201);
    assert_eq!(made["joined"], json!(null), "nobody knows yet whose the address is");
    let id = AccountId(made["id"].as_i64().unwrap());
    assert!(stage.kernel.memberships(id).await.unwrap().is_empty());
    assert_eq!(stage.accounts.count().await.unwrap(), 1);
}

#[tokio::test]
async fn an_invitation_is_good_where_everybody_may_register_and_nothing_where_nobody_may() {
    for (registration, status) in [(Registration::Open, 201), (Registration::Off, 403)] {
        let stage = Stage::with(registration).await;
        let code = stage.invitation(None, None).await;
        let new = json!({ "email": "ada@example.com", "password": PASSWORD, "invitation": code });
        stage.browser().post("/api/auth/register", new).await.is(status);
    }
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_mail_and_an_unknown_address_is_answered_alike() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    let mut old = stage.signed_in("ada@example.com").await;
    let mut browser = stage.browser();
    let forgot = "/api/auth/password/forgot";
    let known = browser.post(forgot, json!({ "email": "ada@example.com" })).await;
    let unknown = browser.post(forgot, json!({ "email": "nobody@example.com" })).await;
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    let code = stage.letters.code("ada@example.com").await;
    assert_eq!(stage.letters.count(), 1);
    let reset = json!({ "code": code, "new_password": OTHER });
    browser.post("/api/auth/password/reset", reset.clone()).await.is(204);
    browser.post("/api/auth/password/reset", reset).await.is(422);
    old.get("/api/me").await.is(401);
    browser.sign_in("ada@example.com", PASSWORD).await.is(403);
    browser.sign_in("ada@example.com", OTHER).await.is(200);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_its_codes_are_not_accepted_twice() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    let mut browser = stage.signed_in("ada@example.com").await;
    let begun = browser.post("/api/me/second-factor", json!({ "password": PASSWORD })).await.json(200);
    let totp = Totp::from_url(begun["uri"].as_str().unwrap()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let code = totp.generate(now).to_string();
    let confirm = "/api/me/second-factor/confirm";
    let confirmed = browser.post(confirm, json!({ "code": code })).await.json(200);
    let recovery = confirmed["recovery_codes"].as_array().unwrap().clone();
    assert_eq!(recovery.len(), 10);
    browser.get("/api/me").await.is(200);

    let mut other = stage.browser();
    let half = other.sign_in("ada@example.com", PASSWORD).await.json(200);
    assert_eq!((&half["second_factor_needed"], &half["account"]), (&json!(true), &json!(null)));
    other.get("/api/me").await.is(401);
    let secret = other.cookie.clone();
    let finish = "/api/auth/second-factor";
    other.post(finish, json!({ "code": code })).await.is(422);
    let lines = stage.failed_sign_ins(1).await;
    assert_eq!(lines[0].1, json!({ "reason": "second factor", "email": "ada@example.com" }));
    other.post(finish, json!({ "code": recovery[0] })).await.is(200);
    assert_ne!(other.cookie, secret, "the secret changes");
    let me = other.get("/api/me").await.json(200);
    assert_eq!(me["recovery_codes_left"], 9);
    let proof = Some(json!({ "password": PASSWORD }));
    other.send(Method::DELETE, "/api/me/second-factor", proof).await.is(204);
    assert_eq!(
        stage.browser().sign_in("ada@example.com", PASSWORD).await.json(200)["second_factor_needed"],
        false
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    stage.account("eve@example.com", false).await;
    let mut here = stage.signed_in("ada@example.com").await;
    let mut there = stage.signed_in("ada@example.com").await;
    let mut third = stage.signed_in("ada@example.com").await;
    let mut eve = stage.signed_in("eve@example.com").await;
    let sessions = here.get("/api/me/sessions").await.json(200);
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    let own: Vec<_> = sessions.iter().filter(|session| session["is_this_one"] == true).collect();
    assert_eq!((own.len(), &own[0]["address"]), (1, &json!("127.0.0.1")));
    let ids: Vec<i64> = sessions.iter().map(|session| session["id"].as_i64().unwrap()).collect();
    eve.send(Method::DELETE, &format!("/api/me/sessions/{}", ids[0]), None).await.is(404);
    let changed = json!({ "password": PASSWORD, "new_password": OTHER });
    here.post("/api/me/password", changed).await.is(200);
    here.get("/api/me").await.is(200);
    there.get("/api/me").await.is(401);
    third.get("/api/me").await.is(401);
    eve.get("/api/me").await.is(200);
}
