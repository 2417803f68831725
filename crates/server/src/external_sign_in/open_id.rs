//! OpenID Connect: an issuer whose addresses and keys are discovered. <https://openid.net/specs/openid-connect-core-1_0.html>

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, SubjectIdentifier, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
        CoreProviderMetadata, CoreUserInfoClaims,
    },
};
use switchboard_api::Failure;
use tokio::sync::Mutex;

use super::{
    Answer, Asked,
    discord::no_tokens,
    outbound::{Outbound, in_words},
    person::Person,
    provider::{Registration, unbelievable, unusable},
    public_url::is_private,
};

/// How long what was discovered is believed.
const FRESH: Duration = Duration::from_secs(3600);
/// An unknown key has it discovered again, but not for each of a thousand forged tokens.
const PAUSE: Duration = Duration::from_secs(10);
/// How long an issuer that did not answer is not asked again.
const SULK: Duration = Duration::from_secs(3);

/// Signatures by keys that the issuer alone has. None, and those by the client secret, which others may have too, are out.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// An issuer of OpenID Connect.
pub(super) struct OpenId {
    issuer: IssuerUrl,
    registration: Registration,
    outbound: Outbound,
    /// Held while it is discovered, so that those who come meanwhile wait for the one answer.
    known: Mutex<Option<Known>>,
}

/// What was discovered, or why nothing was.
struct Known {
    at: Instant,
    /// When an unknown key last had it discovered again.
    again: Option<Instant>,
    metadata: Result<Arc<CoreProviderMetadata>, String>,
}

impl OpenId {
    pub(super) fn new(issuer: &str, registration: Registration, outbound: Outbound) -> Result<Self, String> {
        let issuer =
            IssuerUrl::new(issuer.to_owned()).map_err(|error| format!("its `issuer` is none: {error}"))?;
        if !is_private(issuer.url()) {
            return Err("its `issuer` begins with `https://`".to_owned());
        }
        Ok(Self { issuer, registration, outbound, known: Mutex::default() })
    }

    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    fn name(&self) -> &str {
        &self.registration.name
    }

    /// The issuer's addresses and keys.
    async fn metadata(&self) -> Result<Arc<CoreProviderMetadata>, Failure> {
        let mut known = self.known.lock().await;
        let usable = known
            .as_ref()
            .filter(|known| known.at.elapsed() < if known.metadata.is_ok() { FRESH } else { SULK });
        let metadata = match usable {
            Some(known) => known.metadata.clone(),
            None => {
                let metadata = self.discover().await;
                *known = Some(Known { at: Instant::now(), again: None, metadata: metadata.clone() });
                metadata
            }
        };
        metadata.map_err(|why| unusable(self.name(), &why))
    }

    /// The same, discovered again if that was not just done; what is known stays when the issuer does not answer.
    async fn metadata_again(&self) -> Result<Arc<CoreProviderMetadata>, Failure> {
        let mut known = self.known.lock().await;
        let just_done =
            known.as_ref().filter(|known| known.again.is_some_and(|again| again.elapsed() < PAUSE));
        let metadata = match just_done {
            Some(known) => known.metadata.clone(),
            None => {
                let (metadata, now) = (self.discover().await, Instant::now());
                match (&metadata, known.as_mut()) {
                    (Err(_), Some(known)) => known.again = Some(now),
                    _ => *known = Some(Known { at: now, again: Some(now), metadata: metadata.clone() }),
                }
                metadata
            }
        };
        metadata.map_err(|why| unusable(self.name(), &why))
    }

    async fn discover(&self) -> Result<Arc<CoreProviderMetadata>, String> {
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.outbound).await;
        let metadata = found.map_err(|error| in_words(&error))?;
        if !is_private(metadata.authorization_endpoint().url()) {
            return Err("its `authorization_endpoint` is not reached by https".to_owned());
        }
        Ok(Arc::new(metadata))
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Client {
        let Registration { client_id, client_secret, callback, .. } = &self.registration;
        CoreClient::from_provider_metadata(metadata.clone(), client_id.clone(), client_secret.clone())
            .set_redirect_uri(callback.clone())
    }

    pub(super) async fn ask(&self) -> Result<Asked, Failure> {
        let client = self.client(&*self.metadata().await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let scopes = self.registration.scopes.iter().filter(|scope| scope.as_str() != "openid").cloned();
        let (location, state, nonce) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        Ok(Asked { location: location.into(), state, nonce: Some(nonce), verifier })
    }

    pub(super) async fn recognize(&self, answer: Answer) -> Result<Person, Failure> {
        let name = self.name();
        let Some(nonce) = answer.nonce else { return Err(unbelievable(name, "the attempt has no nonce")) };
        let client = self.client(&*self.metadata().await?);
        let exchange =
            client.exchange_code(answer.code).map_err(|error| unusable(name, &error.to_string()))?;
        let exchange = exchange.set_pkce_verifier(answer.verifier);
        let tokens = exchange.request_async(&self.outbound).await.map_err(|error| no_tokens(name, &error))?;
        let Some(id_token) = tokens.id_token() else {
            return Err(unbelievable(name, "it sends no ID token"));
        };
        let (client, claims) = self.believed(client, id_token, &nonce, tokens.access_token()).await?;
        let asked_again = match claims.email() {
            Some(_) => None,
            None => self.user_info(&client, tokens.access_token(), claims.subject()).await?,
        };
        let (email, is_verified, called) = match &asked_again {
            Some(more) => (more.email(), more.email_verified(), more.name().or(claims.name())),
            None => (claims.email(), claims.email_verified(), claims.name()),
        };
        let called =
            called.and_then(|names| names.get(None).or_else(|| names.iter().next().map(|(_, name)| name)));
        let called = called.map(|name| name.as_str());
        let called = called.or_else(|| claims.preferred_username().map(|name| name.as_str()));
        let email = email.map(|email| (email.as_str(), is_verified.unwrap_or(false)));
        Person::said(name, claims.subject().as_str(), email, called)
    }

    /// The claims of an ID token whose signature, issuer, audience, times and nonce are right. With a key that is not known
    /// the keys are discovered once more: issuers change them.
    async fn believed<'a>(
        &self,
        client: Client,
        id_token: &'a CoreIdToken,
        nonce: &Nonce,
        access_token: &AccessToken,
    ) -> Result<(Client, &'a CoreIdTokenClaims), Failure> {
        match self.verified(&client, id_token, nonce, access_token) {
            Ok(claims) => Ok((client, claims)),
            Err((why, false)) => Err(unbelievable(self.name(), &why)),
            Err((_, true)) => {
                let client = self.client(&*self.metadata_again().await?);
                let claims = self.verified(&client, id_token, nonce, access_token);
                let claims = claims.map_err(|(why, _)| unbelievable(self.name(), &why))?;
                Ok((client, claims))
            }
        }
    }

    /// Or why not, and whether another key could help.
    fn verified<'a>(
        &self,
        client: &Client,
        id_token: &'a CoreIdToken,
        nonce: &Nonce,
        access_token: &AccessToken,
    ) -> Result<&'a CoreIdTokenClaims, (String, bool)> {
        let verifier = client.id_token_verifier().set_allowed_algs(SIGNATURES);
        let claims = id_token.claims(&verifier, nonce).map_err(|error| {
            let is_signature = matches!(error, ClaimsVerificationError::SignatureVerification(_));
            (in_words(&error), is_signature)
        })?;
        let for_another =
            claims.authorized_party().is_some_and(|party| *party != self.registration.client_id);
        if for_another {
            return Err(("the ID token was made for another client".to_owned(), false));
        }
        if let Some(expected) = claims.access_token_hash() {
            let signing = id_token.signing_alg().and_then(|alg| Ok((alg, id_token.signing_key(&verifier)?)));
            let (alg, key) = signing.map_err(|error| (error.to_string(), false))?;
            let hash = AccessTokenHash::from_token(access_token, alg, key);
            if hash.map_err(|error| (error.to_string(), false))? != *expected {
                return Err(("the access token is not the ID token's".to_owned(), false));
            }
        }
        Ok(claims)
    }

    /// What the issuer says at its address for it; nothing when it has none.
    async fn user_info(
        &self,
        client: &Client,
        access_token: &AccessToken,
        subject: &SubjectIdentifier,
    ) -> Result<Option<CoreUserInfoClaims>, Failure> {
        let (name, token) = (self.name(), access_token.secret());
        // The library takes it for granted that a token fits in a header.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unbelievable(name, "its access token has letters that no token has"));
        }
        let Ok(request) = client.user_info(access_token.clone(), Some(subject.clone())) else {
            return Ok(None);
        };
        let said: Result<CoreUserInfoClaims, _> = request.request_async(&self.outbound).await;
        said.map(Some).map_err(|error| match error {
            openidconnect::UserInfoError::ClaimsVerification(_) => unbelievable(name, &in_words(&error)),
            _ => unusable(name, &in_words(&error)),
        })
    }
}
