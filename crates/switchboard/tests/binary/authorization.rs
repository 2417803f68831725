//! What people may do in their organizations, on the binary as a user has it.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::installation::{Installation, Server};

const PASSWORD: &str = "correct horse battery staple";

/// Somebody who is signed in: their cookie and what goes with it.
struct Person {
    cookie: String,
    csrf: String,
}

impl Person {
    async fn sign_in(server: &Server, email: &str) -> Self {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = server.client().post(server.url("/api/auth/sign-in")).json(&body).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let said: Json = answer.json().await.unwrap();
        Self { cookie, csrf: said["csrf_token"].as_str().unwrap().to_owned() }
    }

    async fn ask(&self, server: &Server, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        let asked = server.client().request(method, server.url(path)).header("cookie", &self.cookie);
        let asked = asked.header("x-csrf-token", &self.csrf);
        let asked = body.into_iter().fold(asked, |asked, body| asked.json(&body));
        let answer = asked.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Json::Null))
    }
}

async fn post(server: &Server, path: &str, body: Json) -> Json {
    let answer = server.ask(Method::POST, path).json(&body).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "POST {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Json::Null)
}

#[tokio::test]
async fn people_are_invited_hold_roles_make_tokens_and_every_decision_is_explained() {
    let installation = Installation::new();
    let server = installation.serve();
    let mut numbers = Vec::new();
    for email in ["ada@example.com", "ben@example.com"] {
        let made =
            post(&server, "/api/admin/accounts", json!({ "email": email, "password": PASSWORD })).await;
        numbers.push(made["id"].as_i64().unwrap());
    }
    let acme = json!({ "slug": "acme", "name": "Acme", "owner": numbers[0] });
    post(&server, "/api/admin/organizations", acme).await;
    let ada = Person::sign_in(&server, "ada@example.com").await;
    let ben = Person::sign_in(&server, "ben@example.com").await;
    let own = "/api/org/acme/organization";

    // Whoever does not belong to it does not learn that it exists.
    assert_eq!(ben.ask(&server, Method::GET, own, None).await.0, 404);
    let (status, invitation) = ada
        .ask(&server, Method::POST, &format!("{own}/invitations"), Some(json!({ "role": "member" })))
        .await;
    assert_eq!(status, 201, "{invitation}");
    let code = invitation["code"].as_str().unwrap();
    let (status, said) =
        ben.ask(&server, Method::POST, &format!("/api/invitations/{code}/accept"), Some(json!({}))).await;
    assert!((200..300).contains(&status), "{status} {said}");
    assert_eq!(ben.ask(&server, Method::GET, own, None).await.0, 200);

    // A role of the organization's own, whose denial wins.
    let quiet = json!({ "statements": [{ "effect": "deny", "actions": ["clip:create"] }] });
    let (status, said) =
        ada.ask(&server, Method::PUT, &format!("{own}/roles/quiet"), Some(quiet.clone())).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(ben.ask(&server, Method::PUT, &format!("{own}/roles/loud"), Some(quiet)).await.0, 403);
    let explain = |who: &str, action: &str| installation.run(&["authz", "explain", who, action, "acme"]);
    let said = explain("ben@example.com", "clip:create");
    assert_eq!((said.code, said.out.contains("plugin clips")), (0, true), "{}{}", said.out, said.err);
    let roles = json!({ "roles": ["member", "quiet"] });
    let member = format!("{own}/members/{}", numbers[1]);
    assert_eq!(ada.ask(&server, Method::PATCH, &member, Some(roles)).await.0, 200);
    let said = explain("ben@example.com", "clip:create");
    assert_eq!(said.code, 3);
    assert!(said.out.contains("role `quiet` (organization acme): deny clip:create"), "{}", said.out);

    // A token may never more than whoever it acts for, and serves the organization alone.
    let terms = json!({ "name": "uploader", "actions": ["clip:*"] });
    let (status, made) = ada.ask(&server, Method::POST, &format!("{own}/tokens"), Some(terms)).await;
    assert_eq!((status, &made["name"]), (201, &json!("acme/uploader")), "{made}");
    let token = made["token"].as_str().unwrap();
    let clips = async || {
        let asked = server.client().get(server.url("/api/v1/clips")).bearer_auth(token);
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(clips().await, 200);
    assert_eq!(explain("token:acme/uploader", "clip:delete").code, 0);
    assert_eq!(explain("token:acme/uploader", "member:manage").code, 3);
    post(&server, &format!("/api/admin/accounts/{}/disable", numbers[0]), json!({})).await;
    assert_eq!(clips().await, 401, "nobody acts for who is disabled");

    let lines = server.get("/api/admin/audit?organization=acme").await.to_string();
    for action in ["member.added", "role.created", "member.changed", "token.created"] {
        assert!(lines.contains(action), "{action} is not in {lines}");
    }
    server.stop();
}
