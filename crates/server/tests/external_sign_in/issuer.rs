//! An issuer of OpenID Connect on this machine, which behaves as it is told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
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
use openidconnect::core::CoreJsonWebKeySet;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::signing::{self, Key};

pub(crate) const CLIENT: &str = "switchboard";
pub(crate) const SECRET: &str = "a secret with a space and ä";

/// How it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Well,
    WrongNonce,
    NoNonce,
    WrongAudience,
    OneMoreAudience,
    OtherParty,
    Expired,
    WrongIssuer,
    Unsigned,
    SignedBySecret,
    OtherKeySameName,
    OtherAccessToken,
    NoIdToken,
    NoSubject,
    UserInfoOfAnother,
    BadAccessToken,
    DiscoveryOfAnother,
    OpenAuthorization,
    HugeDiscovery,
    HugeTokens,
    SlowTokens,
    BrokenTokens,
    NonsenseTokens,
    RedirectedTokens,
}

/// An issuer on a free port.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    manner: Manner,
    key: Key,
    person: Value,
    /// Whether the e-mail address is told at the address of the user alone.
    reserved: bool,
    codes: HashMap<String, HashMap<String, String>>,
    asked: HashMap<&'static str, usize>,
    has_secret: bool,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let person =
            json!({"sub": "ada-7", "email": "ada@example.com", "email_verified": true, "name": "Ada"});
        let inner = Inner {
            manner: Manner::Well,
            key: Key::Ed25519,
            person,
            reserved: false,
            codes: HashMap::new(),
            asked: HashMap::new(),
            has_secret: true,
        };
        let issuer = Self { url, inner: Arc::new(Mutex::new(inner)) };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(tokens))
            .route("/me", get(me))
            .route("/elsewhere", get(elsewhere).post(elsewhere))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        issuer
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.inner.lock().unwrap().manner = manner;
    }

    pub(crate) fn sign_with(&self, key: Key) {
        self.inner.lock().unwrap().key = key;
    }

    pub(crate) fn person(&self, person: Value) {
        self.inner.lock().unwrap().person = person;
    }

    /// Tells the address and the name at the address of the user alone.
    pub(crate) fn be_reserved(&self) {
        self.inner.lock().unwrap().reserved = true;
    }

    /// Knows the client without a secret.
    pub(crate) fn be_public(&self) {
        self.inner.lock().unwrap().has_secret = false;
    }

    /// How often an address was asked.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.inner.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    fn note(&self, path: &'static str) -> Manner {
        let mut inner = self.inner.lock().unwrap();
        *inner.asked.entry(path).or_default() += 1;
        inner.manner
    }
}

/// The fields of a form.
pub(crate) fn form(body: &str) -> HashMap<String, String> {
    openidconnect::url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

async fn discovery(State(issuer): State<Issuer>) -> Response {
    let manner = issuer.note("/.well-known/openid-configuration");
    let url = &issuer.url;
    let called = if manner == Manner::DiscoveryOfAnother { "https://another.example" } else { url };
    let open = manner == Manner::OpenAuthorization;
    let mut document = json!({
        "issuer": called,
        "authorization_endpoint": if open { "http://id.example.com/a".to_owned() } else { format!("{url}/authorize") },
        "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/me"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "EdDSA", "HS256", "none"],
    });
    if manner == Manner::HugeDiscovery {
        document["padding"] = "x".repeat(1 << 20).into();
    }
    Json(document).into_response()
}

async fn keys(State(issuer): State<Issuer>) -> Response {
    issuer.note("/keys");
    let key = issuer.inner.lock().unwrap().key;
    Json(CoreJsonWebKeySet::new(vec![key.public()])).into_response()
}

/// Nobody is asked for a password here: whoever comes is Ada.
async fn authorize(State(issuer): State<Issuer>, Query(asked): Query<HashMap<String, String>>) -> Response {
    issuer.note("/authorize");
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], CLIENT);
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{asked:?}");
    assert!(asked["nonce"].len() >= 16 && asked["state"].len() >= 16 && asked["code_challenge"].len() >= 43);
    let mut inner = issuer.inner.lock().unwrap();
    let code = format!("code-{}", inner.asked["/authorize"]);
    let mut back: openidconnect::url::Url = asked["redirect_uri"].parse().unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &asked["state"])
        .append_pair("iss", &issuer.url);
    inner.codes.insert(code, asked);
    Redirect::to(back.as_str()).into_response()
}

async fn tokens(State(issuer): State<Issuer>, headers: HeaderMap, body: String) -> Response {
    let form = form(&body);
    let manner = issuer.note("/token");
    match manner {
        Manner::SlowTokens => tokio::time::sleep(Duration::from_secs(60)).await,
        Manner::BrokenTokens => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Manner::NonsenseTokens => return "no JSON".into_response(),
        Manner::HugeTokens => return "x".repeat(1 << 20).into_response(),
        Manner::RedirectedTokens => return Redirect::temporary("/elsewhere").into_response(),
        _ => {}
    }
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let mut inner = issuer.inner.lock().unwrap();
    if inner.has_secret {
        // RFC 6749, 2.3.1: both are encoded as forms are, and then joined.
        let secret = "a+secret+with+a+space+and+%C3%A4";
        let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{secret}")));
        if headers.get(header::AUTHORIZATION).is_none_or(|value| value != expected.as_str()) {
            return refused("invalid_client");
        }
    } else if form.get("client_id").is_none_or(|client| client != CLIENT) {
        return refused("invalid_client");
    }
    // Once.
    let Some(asked) = inner.codes.remove(&form["code"]) else { return refused("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    let is_right = form["grant_type"] == "authorization_code"
        && form["redirect_uri"] == asked["redirect_uri"]
        && challenge == asked["code_challenge"];
    if !is_right {
        return refused("invalid_grant");
    }
    let access_token = if manner == Manner::BadAccessToken { "a\nb" } else { "access" };
    let claims = claims(&issuer.url, &inner, &asked);
    let id_token = match manner {
        Manner::Unsigned => signing::unsigned(&claims),
        Manner::SignedBySecret => signing::signed_by_secret(&claims, SECRET),
        Manner::OtherKeySameName => signing::token(&claims, Key::Other, inner.key.id()),
        _ => signing::token(&claims, inner.key, inner.key.id()),
    };
    let mut answer = json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 60});
    if manner != Manner::NoIdToken {
        answer["id_token"] = id_token.into();
    }
    Json(answer).into_response()
}

fn claims(url: &str, inner: &Inner, asked: &HashMap<String, String>) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let mut claims = inner.person.clone();
    if inner.reserved {
        claims = json!({"sub": claims["sub"]});
    }
    claims["iss"] = url.into();
    claims["aud"] = CLIENT.into();
    claims["iat"] = now.into();
    claims["exp"] = (now + 60).into();
    claims["nonce"] = asked["nonce"].clone().into();
    // EdDSA names no hash for it.
    if inner.key == Key::Rsa {
        let hash = Sha256::digest(b"access");
        claims["at_hash"] = URL_SAFE_NO_PAD.encode(&hash[..16]).into();
    }
    match inner.manner {
        Manner::WrongNonce => claims["nonce"] = "another".into(),
        Manner::NoNonce => drop(claims.as_object_mut().unwrap().remove("nonce")),
        Manner::WrongAudience => claims["aud"] = "another".into(),
        Manner::OneMoreAudience => claims["aud"] = json!([CLIENT, "another"]),
        Manner::OtherParty => claims["azp"] = "another".into(),
        Manner::Expired => {
            claims["iat"] = (now - 120).into();
            claims["exp"] = (now - 60).into();
        }
        Manner::WrongIssuer => claims["iss"] = "https://another.example".into(),
        Manner::OtherAccessToken => claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into(),
        Manner::NoSubject => claims["sub"] = "".into(),
        _ => {}
    }
    claims
}

async fn me(State(issuer): State<Issuer>, headers: HeaderMap) -> Response {
    let manner = issuer.note("/me");
    assert_eq!(headers[header::AUTHORIZATION], "Bearer access");
    let mut person = issuer.inner.lock().unwrap().person.clone();
    if manner == Manner::UserInfoOfAnother {
        person["sub"] = "eve".into();
    }
    Json(person).into_response()
}

/// Where nobody goes who follows no redirect.
async fn elsewhere(State(issuer): State<Issuer>) -> StatusCode {
    issuer.note("/elsewhere");
    StatusCode::OK
}
