//! Attacks on sessions and sign-ins.

use reqwest::{Method, header};
use serde_json::json;
use switchboard_server::{Options, Proxies, ProxyHeader, account::Registration};

use crate::stage::{OTHER, PASSWORD, Stage, finish};

#[tokio::test]
async fn a_session_that_somebody_put_into_a_browser_is_worth_nothing_after_signing_in() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    stage.account("eve@example.com", false).await;
    let mut eve = stage.signed_in("eve@example.com").await;
    let planted = eve.cookie.clone();
    let mut victim = stage.browser();
    victim.cookie = planted.clone();
    victim.sign_in("ada@example.com", PASSWORD).await.is(200);
    assert_ne!(victim.cookie, planted);
    eve.get("/api/me").await.is(401);
    let mut invented = stage.browser();
    invented.cookie = Some("chosen-by-eve".to_owned());
    invented.sign_in("ada@example.com", PASSWORD).await.is(200);
    assert_ne!(invented.cookie.as_deref(), Some("chosen-by-eve"));
}

#[tokio::test]
async fn what_changes_something_takes_the_sessions_own_token_and_comes_from_no_page_elsewhere() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    let ada = stage.signed_in("ada@example.com").await;
    let other = stage.signed_in("ada@example.com").await;
    let (own, others) = (ada.csrf.clone().unwrap(), other.csrf.unwrap());
    let rename = |headers: &[(&str, &str)]| {
        let request = ada.bare(Method::PATCH, "/api/me").json(&json!({ "name": "Pwned" }));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        finish(request)
    };
    let token = ("x-csrf-token", own.as_str());
    for headers in [
        &[][..],
        &[("x-csrf-token", "")],
        &[("x-csrf-token", "wrong")],
        &[("x-csrf-token", others.as_str())],
        &[("x-csrf-token", ada.cookie.as_deref().unwrap())],
        &[token, ("origin", "https://evil.example")],
        &[token, ("origin", "null")],
        &[token, ("sec-fetch-site", "cross-site")],
        &[token, ("sec-fetch-site", "same-site")],
    ] {
        rename(headers).await.is(403);
    }
    let me = ada.clone().get("/api/me").await.json(200);
    assert_eq!(me["account"]["name"], "ada", "nothing has changed");
    rename(&[token, ("origin", &stage.url), ("sec-fetch-site", "same-origin")]).await.is(200);
    let out = ada.bare(Method::POST, "/api/auth/sign-out");
    finish(out).await.is(403);
}

#[tokio::test]
async fn nobody_is_signed_in_by_a_page_elsewhere() {
    let stage = Stage::new().await;
    stage.account("eve@example.com", false).await;
    let body = json!({ "email": "eve@example.com", "password": PASSWORD });
    let request = stage.browser().bare(Method::POST, "/api/auth/sign-in").json(&body);
    finish(request.header("origin", "https://evil.example")).await.is(403);
}

#[tokio::test]
async fn nothing_that_opens_a_door_is_taken_from_the_address() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    let ada = stage.signed_in("ada@example.com").await;
    let secret = ada.cookie.unwrap();
    for (name, value) in [
        ("token", stage.token.as_str()),
        ("access_token", &stage.token),
        ("authorization", &stage.token),
        ("swb_session", &secret),
    ] {
        for address in ["/api/me", "/api/admin/plugins"] {
            stage.browser().get(&format!("{address}?{name}={value}")).await.is(401);
        }
    }
}

#[tokio::test]
async fn where_a_token_and_a_cookie_are_shown_the_token_counts() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    let ada = stage.signed_in("ada@example.com").await;
    let with = |method, address: &str, token: &str| ada.bare(method, address).bearer_auth(token);
    finish(with(Method::GET, "/api/admin/plugins", &stage.token)).await.is(200);
    finish(with(Method::GET, "/api/me", "swb_unknown")).await.is(401);
    let change = json!({ "password": PASSWORD, "new_password": OTHER });
    finish(with(Method::POST, "/api/me/password", &stage.token).json(&change)).await.is(403);
}

#[tokio::test]
async fn unknown_people_cost_the_same_work_and_get_the_same_answer() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    let mut answers = Vec::new();
    for (email, password) in [("ada@example.com", OTHER), ("nobody@example.com", OTHER)] {
        let before = stage.accounts.verified_passwords();
        let answer = stage.browser().sign_in(email, password).await;
        assert_eq!(stage.accounts.verified_passwords() - before, 1, "{email}");
        let problem = answer.json(403);
        answers.push((problem["type"].clone(), problem["detail"].clone(), answer.set_cookie));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn acting_as_somebody_begins_and_ends_with_another_secret() {
    let stage = Stage::new().await;
    stage.account("root@example.com", true).await;
    let id = stage.account("ada@example.com", false).await;
    let mut root = stage.signed_in("root@example.com").await;
    let mut before = root.clone();
    root.post(&format!("/api/admin/accounts/{id}/impersonate"), json!({})).await.is(200);
    let mut acting = root.clone();
    before.get("/api/me").await.is(401);
    root.send(Method::DELETE, "/api/me/impersonation", None).await.is(200);
    acting.get("/api/me").await.is(401);
    root.get("/api/me").await.is(200);
}

#[tokio::test]
async fn nobody_makes_themselves_an_administrator() {
    let stage = Stage::new().await;
    let new = json!({ "email": "eve@example.com", "password": PASSWORD, "is_administrator": true });
    stage.browser().post("/api/auth/register", new).await.is(422);
    assert!(stage.accounts.find_by_email("eve@example.com").await.unwrap().is_none());
    stage.account("eve@example.com", false).await;
    let mut eve = stage.signed_in("eve@example.com").await;
    for field in ["is_administrator", "is_verified", "id", "email"] {
        let body = json!({ "name": "Eve", field: true });
        eve.send(Method::PATCH, "/api/me", Some(body)).await.is(422);
    }
    assert_eq!(eve.get("/api/me").await.json(200)["account"]["is_administrator"], false);
}

#[tokio::test]
async fn bodies_that_are_too_large_or_too_deep_are_refused() {
    let stage = Stage::new().await;
    let large = json!({ "email": "a".repeat(2 << 20), "password": PASSWORD });
    let request = stage.browser().bare(Method::POST, "/api/auth/sign-in").json(&large);
    // The server may have closed the connection before all was sent.
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status().as_u16(), 413);
    }
    let deep = format!("{{\"email\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let request = stage.browser().bare(Method::POST, "/api/auth/sign-in");
    let request = request.header(header::CONTENT_TYPE, "application/json").body(deep);
    finish(request).await.is(422);
    assert_eq!(stage.accounts.verified_passwords(), 0);
}

#[tokio::test]
async fn who_guesses_is_told_to_wait() {
    let stage = Stage::new().await;
    stage.account("ada@example.com", false).await;
    for _ in 0..5 {
        stage.browser().sign_in("ada@example.com", OTHER).await.is(403);
    }
    let refused = stage.browser().sign_in("ada@example.com", PASSWORD).await;
    refused.is(429);
    let seconds: u64 = refused.retry_after.unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn failed_sign_ins_are_in_the_audit_log_without_what_was_typed_and_cannot_fill_it() {
    let stage = Stage::new().await;
    let ada = stage.account("ada@example.com", false).await;
    let ben = stage.account("ben@example.com", false).await;
    stage.accounts.set_disabled(ben, true).await.unwrap();
    // Whoever is at the wrong field types a password there.
    let typed = ["nobody@example.com", "my secret passphrase"];
    for round in 0..7 {
        stage.browser().sign_in("ada@example.com", &format!("wrong {round}")).await;
        stage.browser().sign_in(" BEN@example.com", PASSWORD).await;
        stage.browser().sign_in(typed[round % 2], PASSWORD).await;
    }
    let mut lines: Vec<_> = stage
        .failed_sign_ins(5)
        .await
        .into_iter()
        .map(|(subject, said)| format!("{subject} {} {}", said["reason"], said["email"]))
        .collect();
    lines.sort();
    let mut expected = [
        format!("account:{ada} \"throttled\" \"ada@example.com\""),
        format!("account:{ada} \"wrong password\" \"ada@example.com\""),
        format!("account:{ben} \"disabled\" \"ben@example.com\""),
        format!("account:{ben} \"throttled\" \"ben@example.com\""),
        "account:unknown \"unknown address\" null".to_owned(),
    ];
    expected.sort();
    assert_eq!(lines, expected);
    let audit = stage.whole_audit().await;
    for text in typed.into_iter().chain(["wrong 0", PASSWORD]) {
        assert!(!audit.contains(text), "{text} is in {audit}");
    }
}

#[tokio::test]
async fn a_session_that_was_ended_opens_nothing() {
    let stage = Stage::new().await;
    let id = stage.account("ada@example.com", false).await;
    let mut ada = stage.signed_in("ada@example.com").await;
    let stolen = ada.clone();
    ada.post("/api/auth/sign-out", json!({})).await.is(204);
    stolen.clone().get("/api/me").await.is(401);
    let mut again = stage.signed_in("ada@example.com").await;
    stage.accounts.end_sessions(id, None).await.unwrap();
    again.get("/api/me").await.is(401);
    again.get("/api/v1/clips").await.is(401);
}

/// The end of the cookie that signing in gives, where a request has these headers.
async fn cookie_of(stage: &Stage, headers: &[(&str, &str)]) -> String {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let request = stage.browser().bare(Method::POST, "/api/auth/sign-in").json(&body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let cookie = finish(request).await.set_cookie.unwrap();
    cookie.split_once("SameSite=Lax").unwrap().1.to_owned()
}

const SAYS_HTTPS: (&str, &str) = ("x-forwarded-proto", "https");

#[tokio::test]
async fn behind_https_the_cookie_is_for_https_alone() {
    let proxies = Proxies::new(["127.0.0.1"], ProxyHeader::default()).unwrap();
    let stage = Stage::set(Registration::Open, Options { proxies, ..Options::default() }).await;
    stage.account("ada@example.com", false).await;
    assert_eq!(cookie_of(&stage, &[SAYS_HTTPS]).await, "; Secure");
    assert_eq!(cookie_of(&stage, &[("x-forwarded-proto", "http")]).await, "");
    assert_eq!(cookie_of(&stage, &[]).await, "");
    let page = finish(stage.browser().bare(Method::GET, "/").header(SAYS_HTTPS.0, SAYS_HTTPS.1)).await;
    assert!(page.text.contains("<dd>https://127.0.0.1:"), "{}", page.text);
}

#[tokio::test]
async fn what_a_stranger_says_of_https_is_nothing() {
    let elsewhere = Proxies::new(["203.0.113.7"], ProxyHeader::default()).unwrap();
    for proxies in [Proxies::default(), elsewhere] {
        let stage = Stage::set(Registration::Open, Options { proxies, ..Options::default() }).await;
        stage.account("ada@example.com", false).await;
        assert_eq!(cookie_of(&stage, &[SAYS_HTTPS]).await, "");
        assert_eq!(cookie_of(&stage, &[("forwarded", "for=192.0.2.1;proto=https")]).await, "");
        let page = finish(stage.browser().bare(Method::GET, "/").header(SAYS_HTTPS.0, SAYS_HTTPS.1)).await;
        assert!(page.text.contains("<dd>http://127.0.0.1:"), "{}", page.text);
    }
}

#[tokio::test]
async fn where_the_public_url_is_https_the_cookie_is_for_https_alone_whatever_a_request_says() {
    let public_url = Some("https://clips.example.com".parse().unwrap());
    let stage = Stage::set(Registration::Open, Options { public_url, ..Options::default() }).await;
    stage.account("ada@example.com", false).await;
    for headers in [&[][..], &[("x-forwarded-proto", "http")]] {
        assert_eq!(cookie_of(&stage, headers).await, "; Secure");
    }
}
