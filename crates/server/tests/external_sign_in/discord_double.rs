//! Discord on this machine: its three addresses. <https://discord.com/developers/docs/topics/oauth2>

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::issuer::form;

/// Discord on a free port.
#[derive(Clone)]
pub(crate) struct DiscordDouble {
    pub(crate) url: String,
    user: Arc<Mutex<Value>>,
    codes: Arc<Mutex<HashMap<String, HashMap<String, String>>>>,
}

impl DiscordDouble {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let user = json!({
            "id": "80351110224678912", "username": "ada", "discriminator": "0", "global_name": "Ada L.",
            "avatar": null, "email": "ada@example.com", "verified": true,
        });
        let double = Self { url, user: Arc::new(Mutex::new(user)), codes: Arc::default() };
        let app = Router::new()
            .route("/oauth2/authorize", get(authorize))
            .route("/api/oauth2/token", post(tokens))
            .route("/api/users/@me", get(me))
            .with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        double
    }

    pub(crate) fn user(&self, user: Value) {
        *self.user.lock().unwrap() = user;
    }
}

async fn authorize(
    State(discord): State<DiscordDouble>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    assert_eq!((asked["response_type"].as_str(), asked["scope"].as_str()), ("code", "identify email"));
    let mut codes = discord.codes.lock().unwrap();
    let code = format!("code-{}", codes.len());
    let mut back: openidconnect::url::Url = asked["redirect_uri"].parse().unwrap();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked["state"]);
    codes.insert(code, asked);
    Redirect::to(back.as_str()).into_response()
}

async fn tokens(State(discord): State<DiscordDouble>, headers: HeaderMap, body: String) -> Response {
    let form = form(&body);
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let basic = format!("Basic {}", STANDARD.encode("157730590492196864:hush"));
    if headers.get(header::AUTHORIZATION).is_none_or(|value| value != basic.as_str()) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let Some(asked) = discord.codes.lock().unwrap().remove(&form["code"]) else {
        return refused("invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if form["redirect_uri"] != asked["redirect_uri"] || challenge != asked["code_challenge"] {
        return refused("invalid_grant");
    }
    let answer = json!({
        "access_token": "6qrZcUqja7812RVdnEKjpzOL4CvHBFG", "token_type": "Bearer", "expires_in": 604_800,
        "refresh_token": "D43f5y0ahjqew82jZ4NViEr2YafMKhue", "scope": "identify email",
    });
    Json(answer).into_response()
}

async fn me(State(discord): State<DiscordDouble>, headers: HeaderMap) -> Response {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer 6qrZcUqja7812RVdnEKjpzOL4CvHBFG");
    Json(discord.user.lock().unwrap().clone()).into_response()
}
