//! Signing in elsewhere: by OAuth 2 and OpenID Connect, at providers that the operator names.
//!
//! A browser is sent to the provider with a cookie in which the attempt is sealed, and comes back with a code and the
//! attempt's `state`. Only a browser that has the cookie can finish what it began; what the provider says is checked before
//! anybody is signed in. Who the person is *here* is not known to this module: it gives a [`Person`] as the provider knows
//! them.

mod attempt;
mod discord;
mod open_id;
mod outbound;
mod person;
mod provider;
mod public_url;
mod used_states;

use std::{sync::Arc, time::Duration};

use openidconnect::{AuthorizationCode, CsrfToken, Nonce, PkceCodeVerifier, RedirectUrl};
use switchboard_api::{Failure, capability::Clock};
use switchboard_vault::Vault;

use self::{
    attempt::{Attempt, Seal},
    outbound::Outbound,
    provider::Provider,
    used_states::UsedStates,
};

pub use attempt::Purpose;
pub use person::Person;
pub use provider::{ProviderKind, ProviderSettings};
pub use public_url::PublicUrl;

/// How long a provider may take for an answer, unless there is reason for less.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// All ways to sign in elsewhere.
pub struct ExternalSignIn {
    providers: Vec<Provider>,
    url: PublicUrl,
    seal: Seal,
    used: UsedStates,
    clock: Arc<dyn Clock>,
}

/// What it is put together from.
pub struct ExternalParts {
    /// The providers, in the order in which they are shown.
    pub providers: Vec<ProviderSettings>,
    /// Where browsers find this server.
    pub url: PublicUrl,
    /// Seals attempts; with the same keys in every process of this server.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long a provider may take for an answer.
    pub patience: Duration,
}

/// Where to send the browser.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The provider's page.
    pub location: String,
    /// `Set-Cookie`: what binds the attempt to the browser.
    pub cookie: String,
}

/// What came back from a provider, from the query of the address.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    /// The attempt's `state`.
    pub state: Option<String>,
    /// What is exchanged for who it is.
    pub code: Option<String>,
    /// Why it gives no code, such as `access_denied`.
    pub error: Option<String>,
    /// Who it is that answers: RFC 9207.
    pub iss: Option<String>,
}

/// An attempt that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The provider, by its name here.
    pub provider: String,
    /// Who it is, as the provider knows them.
    pub person: Person,
    /// What it was for.
    pub purpose: Purpose,
    /// The page to go back to, on this server.
    pub return_to: String,
}

/// What was asked of a provider: the page to go to, and what its answer is held against.
struct Asked {
    location: String,
    state: CsrfToken,
    nonce: Option<Nonce>,
    verifier: PkceCodeVerifier,
}

/// What a provider's answer is held against.
struct Answer {
    code: AuthorizationCode,
    nonce: Option<Nonce>,
    verifier: PkceCodeVerifier,
}

impl ExternalSignIn {
    /// Nothing is asked of a provider yet: one that is not there is no reason not to start.
    ///
    /// # Errors
    /// What is wrong with a provider's settings, by its name.
    pub fn new(parts: ExternalParts) -> Result<Self, String> {
        let ExternalParts { providers: settings, url, vault, clock, patience } = parts;
        let mut providers: Vec<Provider> = Vec::with_capacity(settings.len());
        if !settings.is_empty() {
            let outbound = Outbound::new(patience)?;
            for one in settings {
                let id = one.id.clone();
                if providers.iter().any(|provider| provider.id == id) {
                    return Err(format!("two providers of sign-ins are called `{id}`"));
                }
                let callback = RedirectUrl::new(url.at(&format!("/api/auth/external/{id}/callback")));
                let callback = callback.map_err(|error| format!("the public URL is none: {error}"))?;
                let provider = Provider::new(one, callback, outbound.clone());
                providers.push(provider.map_err(|why| format!("the provider of sign-ins `{id}`: {why}"))?);
            }
        }
        let seal = Seal::new(vault, url.is_secure());
        Ok(Self { providers, url, seal, used: UsedStates::default(), clock })
    }

    /// The providers: by what each is called in addresses, and by what people call it.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.providers.iter().map(|provider| (provider.id.as_str(), provider.name.as_str()))
    }

    /// Begins to sign somebody in at a provider; afterwards they come to `return_to`, a path of this server.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such provider, [`Failure::Invalid`] when `return_to` leads elsewhere,
    /// [`Failure::Unavailable`] when the provider does not answer.
    pub async fn begin(
        &self,
        provider: &str,
        purpose: Purpose,
        return_to: Option<&str>,
    ) -> Result<Begun, Failure> {
        let provider = self.provider(provider)?;
        let return_to = match return_to {
            Some(path) => self.url.own_path(path)?,
            None => "/".to_owned(),
        };
        let Asked { location, state, nonce, verifier } = provider.ask().await?;
        let attempt = Attempt {
            provider: provider.id.clone(),
            state: state.into_secret(),
            nonce: nonce.map(|nonce| nonce.secret().clone()),
            verifier: verifier.into_secret(),
            purpose,
            return_to,
            begun: self.clock.now(),
        };
        Ok(Begun { location, cookie: self.seal.close(&attempt)? })
    }

    /// Finishes what this browser began: asks the provider who it is.
    ///
    /// `cookies` is the request's `Cookie`. Whatever comes of it, the attempt is over: send
    /// [`forget`](Self::forget) with the answer.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when this browser began no such attempt, or too long ago, or the provider says no or what
    /// cannot be believed; [`Failure::Unavailable`] when it does not answer.
    pub async fn finish(
        &self,
        provider: &str,
        returned: Returned,
        cookies: Option<&str>,
    ) -> Result<Finished, Failure> {
        let provider = self.provider(provider)?;
        let strange = || {
            Failure::forbidden(
                "this sign-in was not begun in this browser, or too long ago, or is over already; begin again",
            )
        };
        let now = self.clock.now();
        let attempt = cookies.and_then(|cookies| self.seal.open(cookies, now)).ok_or_else(strange)?;
        let is_own =
            attempt.provider == provider.id && returned.state.as_deref() == Some(attempt.state.as_str());
        // Once, even for whoever kept the cookie.
        if !is_own || !self.used.take(&attempt.state, now) {
            return Err(strange());
        }
        if let Some(error) = returned.error {
            return Err(provider.refusal(&error));
        }
        provider.is_who_answers(returned.iss.as_deref())?;
        let code = returned.code.filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| Failure::invalid("the provider sent no `code`; begin again"))?;
        let answer = Answer {
            code: AuthorizationCode::new(code),
            nonce: attempt.nonce.map(Nonce::new),
            verifier: PkceCodeVerifier::new(attempt.verifier),
        };
        let person = provider.recognize(answer).await?;
        let (provider, purpose, return_to) = (provider.id.clone(), attempt.purpose, attempt.return_to);
        Ok(Finished { provider, person, purpose, return_to })
    }

    /// `Set-Cookie`: the attempt is over.
    pub fn forget(&self) -> String {
        self.seal.forget()
    }

    fn provider(&self, id: &str) -> Result<&Provider, Failure> {
        self.providers
            .iter()
            .find(|provider| provider.id == id)
            .ok_or_else(|| Failure::not_found(format!("nobody signs in by `{id}` here")))
    }
}
