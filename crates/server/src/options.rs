//! What the operator decides about HTTP.

use std::{sync::Arc, time::Duration};

use switchboard_accounts::Accounts;

use crate::{
    client_address::Proxies, external_sign_in::PublicUrl, rate_limits::RateLimits, readiness::Readiness,
};

/// What the operator decides about HTTP. The defaults are safe on a laptop and on a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The largest upload, in bytes: what a route's `body_limit: upload` stands for. 1 GiB.
    pub upload_limit: u64,
    /// The largest body of a route that sets no limit of its own, in bytes. 1 MiB.
    pub body_limit: u64,
    /// How long a body that is read whole, such as JSON, may take to arrive. 30 s.
    pub request_time: Duration,
    /// How long a client may pause in the midst of a body. 30 s.
    pub idle_time: Duration,
    /// Web origins whose scripts may call the API, such as `http://localhost:5173`.
    pub cors_origins: Vec<String>,
    /// How often callers may ask.
    pub rate_limits: RateLimits,
    /// Where browsers find the server, where that is known: by https all that comes is taken for encrypted.
    pub public_url: Option<PublicUrl>,
    /// The proxies whose word counts on from where a request comes, and whether by https.
    pub proxies: Proxies,
    /// Who can sign in; nobody where they are absent.
    pub accounts: Option<Arc<Accounts>>,
    /// What must be well for `/readyz` to say so.
    pub readiness: Readiness,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            upload_limit: 1 << 30,
            body_limit: 1 << 20,
            request_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(30),
            cors_origins: vec!["tauri://localhost".to_owned(), "http://localhost:5173".to_owned()],
            rate_limits: RateLimits::default(),
            public_url: None,
            proxies: Proxies::default(),
            accounts: None,
            readiness: Readiness::default(),
        }
    }
}
