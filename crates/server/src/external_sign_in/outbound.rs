//! Requests to providers: encrypted, within bounds of time and size, and to nobody whom an answer names.

use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http, url::Url};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use switchboard_api::BoxFuture;

use super::public_url::is_private;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// The largest answer, in bytes. Documents of providers have a few thousand.
const LARGEST: usize = 256 * 1024;

/// Requests to providers.
#[derive(Clone)]
pub(super) struct Outbound(reqwest::Client);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("{0} is not reached by https")]
    Open(String),
    #[error("an answer larger than {LARGEST} bytes")]
    TooLarge,
    #[error("{0}")]
    Failed(String),
}

impl Outbound {
    /// The certificates that are trusted are those that this machine trusts.
    pub(super) fn new(patience: Duration) -> Result<Self, String> {
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| format!("the certificates that this machine trusts cannot be used: {error}"))?
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .connect_timeout(CONNECTING)
            .timeout(patience)
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(|error| format!("requests cannot be sent: {}", in_words(&error)))
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        let failed = |error: reqwest::Error| Unanswered::Failed(in_words(&error.without_url()));
        let url = request.uri().to_string();
        if !url.parse::<Url>().is_ok_and(|url| is_private(&url)) {
            return Err(Unanswered::Open(url));
        }
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.0.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > LARGEST {
                return Err(Unanswered::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        let mut whole = http::Response::new(body);
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }
}

impl<'c> AsyncHttpClient<'c> for Outbound {
    type Error = Unanswered;
    type Future = BoxFuture<'c, Result<HttpResponse, Unanswered>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// An error with its causes.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
