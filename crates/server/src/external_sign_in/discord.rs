//! Discord: OAuth 2, and its own address that says who somebody is. <https://discord.com/developers/docs/topics/oauth2>

use http::{Request, StatusCode, header};
use oauth2::{
    AuthType, AuthUrl, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge, RequestTokenError,
    TokenResponse, TokenUrl, basic::BasicClient,
};
use serde::Deserialize;
use switchboard_api::Failure;

use super::{
    Answer, Asked,
    outbound::{Outbound, Unanswered, in_words},
    person::Person,
    provider::{Registration, unbelievable, unusable},
    public_url::is_private,
};

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Discord.
pub(super) struct Discord {
    registration: Registration,
    client: Client,
    me: String,
    outbound: Outbound,
}

/// <https://discord.com/developers/docs/resources/user#user-object>
#[derive(Deserialize)]
struct User {
    id: String,
    username: String,
    global_name: Option<String>,
    email: Option<String>,
    #[serde(default)]
    verified: bool,
}

impl Discord {
    pub(super) fn new(
        base_url: &str,
        registration: Registration,
        outbound: Outbound,
    ) -> Result<Self, String> {
        let base = base_url.trim_end_matches('/');
        let at = |path: &str| format!("{base}{path}");
        let none = |error: oauth2::url::ParseError| format!("its `base_url` is none: {error}");
        let authorize = AuthUrl::new(at("/oauth2/authorize")).map_err(none)?;
        if !is_private(authorize.url()) {
            return Err("its `base_url` begins with `https://`".to_owned());
        }
        let Some(secret) = registration.client_secret.clone() else {
            return Err("it has no client secret: name its file by `client_secret_file`".to_owned());
        };
        let client = BasicClient::new(registration.client_id.clone())
            .set_client_secret(secret)
            .set_auth_uri(authorize)
            .set_token_uri(TokenUrl::new(at("/api/oauth2/token")).map_err(none)?)
            .set_redirect_uri(registration.callback.clone())
            .set_auth_type(AuthType::BasicAuth);
        Ok(Self { registration, client, me: at("/api/users/@me"), outbound })
    }

    pub(super) fn ask(&self) -> Asked {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = self.client.authorize_url(CsrfToken::new_random);
        let scopes = self.registration.scopes.iter().cloned();
        let (location, state) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        Asked { location: location.into(), state, nonce: None, verifier }
    }

    pub(super) async fn recognize(&self, answer: Answer) -> Result<Person, Failure> {
        let name = self.registration.name.as_str();
        let exchange = self.client.exchange_code(answer.code).set_pkce_verifier(answer.verifier);
        let tokens = exchange.request_async(&self.outbound).await.map_err(|error| no_tokens(name, &error))?;
        let request = Request::get(&self.me)
            .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access_token().secret()))
            .body(Vec::new())
            .map_err(|error| unbelievable(name, &error.to_string()))?;
        let said = self.outbound.send(request).await.map_err(|error| unusable(name, &in_words(&error)))?;
        if said.status() != StatusCode::OK {
            return Err(unusable(name, &format!("{} at {}", said.status(), self.me)));
        }
        let user: User =
            serde_json::from_slice(said.body()).map_err(|error| unusable(name, &error.to_string()))?;
        let email = user.email.as_deref().map(|email| (email, user.verified));
        let called = user.global_name.as_deref().unwrap_or(&user.username);
        Person::said(name, &user.id, email, Some(called))
    }
}

/// A code that is refused is one that was used before, or is not this server's; all else is the operator's matter.
pub(super) fn no_tokens<E>(name: &str, error: &RequestTokenError<Unanswered, E>) -> Failure
where
    E: oauth2::ErrorResponse + std::fmt::Display + 'static,
{
    match error {
        RequestTokenError::ServerResponse(said) if said.to_string().starts_with("invalid_grant") => {
            Failure::forbidden(format!(
                "{name} does not know this sign-in, or it is over already; begin again"
            ))
        }
        other => unusable(name, &in_words(other)),
    }
}
