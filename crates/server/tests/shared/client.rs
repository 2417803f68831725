//! How tests ask over HTTP.

/// A client. A redirection is an answer to look at, and not followed.
pub(crate) fn client() -> reqwest::Client {
    // None is made without something that could speak TLS. Each test of this process comes by here; the first is enough.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
