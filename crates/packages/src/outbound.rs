//! Requests to where packages are: encrypted, within bounds of size and time, and with few redirects.

use std::{error::Error as _, time::Duration};

use reqwest::{Client, StatusCode, header::LAST_MODIFIED, redirect::Policy};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use crate::{Error, FetchBounds, source};

/// How long a connection may take.
pub(crate) const CONNECTING: Duration = Duration::from_secs(10);
/// How this program names itself.
pub(crate) const USER_AGENT: &str = concat!("switchboard/", env!("CARGO_PKG_VERSION"));

/// What an address answered.
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// The header `Last-Modified`.
    pub(crate) modified: Option<String>,
}

/// A client that follows redirects to encrypted addresses alone; one of this machine leads on within it.
pub(crate) fn client(bounds: &FetchBounds) -> Result<Client, String> {
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| format!("the certificates that this machine trusts cannot be used: {error}"))?
        .with_no_client_auth();
    let most = bounds.redirects;
    let redirects = Policy::custom(move |attempt| {
        let from_here = attempt.previous().iter().all(|url| url.scheme() == "http");
        if attempt.previous().len() > most {
            attempt.error(TooManyRedirects)
        } else if attempt.url().scheme() == "https" || (from_here && source::may_be_asked(attempt.url())) {
            attempt.follow()
        } else {
            let url = attempt.url().to_string();
            attempt.error(OpenRedirect(url))
        }
    });
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirects)
        .connect_timeout(CONNECTING)
        .timeout(bounds.time)
        .user_agent(USER_AGENT)
        .build()
        .map_err(|error| in_words(&error))
}

/// The answer of an address; none where it says that there is nothing, or nothing for us.
pub(crate) async fn get(
    client: &Client,
    url: &Url,
    most: u64,
    bounds: &FetchBounds,
) -> Result<Option<Answer>, Error> {
    let place = url.to_string();
    let failed = |error: reqwest::Error| told(&error, &place, bounds);
    let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
    let status = answer.status();
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        return Ok(None);
    }
    if status != StatusCode::OK {
        return Err(Error::Refused { place, status: status.as_u16() });
    }
    let too_large = || Error::AnswerTooLarge { place: place.clone(), most };
    if answer.content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let modified = answer.headers().get(LAST_MODIFIED).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        if (bytes.len() + piece.len()) as u64 > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(Answer { bytes, modified }))
}

/// A redirect too many.
#[derive(Debug, thiserror::Error)]
#[error("it redirects too often")]
struct TooManyRedirects;

/// A redirect to where nobody may look over the shoulder.
#[derive(Debug, thiserror::Error)]
#[error("it redirects to {0}")]
struct OpenRedirect(String);

fn told(error: &reqwest::Error, place: &str, bounds: &FetchBounds) -> Error {
    let place = place.to_owned();
    let source = error.source();
    if source.is_some_and(|it| it.is::<TooManyRedirects>()) {
        return Error::Redirects { place, most: bounds.redirects };
    }
    if let Some(OpenRedirect(url)) = source.and_then(|it| it.downcast_ref()) {
        return Error::NotEncrypted { url: url.clone() };
    }
    if error.is_timeout() && !error.is_connect() {
        return Error::TooSlow { place, seconds: bounds.time.as_secs() };
    }
    Error::Unreachable { place, why: source.map_or_else(|| error.to_string(), in_words) }
}

/// An error with its causes.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
