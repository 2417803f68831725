//! HTTP: who calls, for which organization, and how a request becomes a call and its reply an answer.
//!
//! This crate knows HTTP and the kernel. It knows no SQL, and not how a plugin is run. Read [`router`] first: it shows
//! every fixed address and the way of a request to a plugin.

pub mod account;
pub mod administration;
pub mod external_sign_in;
pub mod organization;

mod access_log;
mod acting_as;
mod api_document;
mod api_tokens;
mod assets;
mod audit_lines;
mod client_address;
mod coarse_timer;
mod configuration;
mod cors;
mod csrf;
mod docs_viewer;
mod events;
mod front;
mod health;
mod home;
mod home_route;
mod identity;
mod incoming;
mod kernel_handle;
mod metrics;
mod openapi;
mod options;
mod own_account;
mod peer;
mod plugin_route;
mod problem;
mod rate_limits;
mod readiness;
mod refusals;
mod request;
mod request_id;
mod response;
mod router;
mod serve;
mod server;
mod session_cookie;
mod tasks;
mod tenant;

pub use client_address::{NotANetwork, NotAProxyHeader, Proxies, ProxyHeader};
pub use options::Options;
pub use rate_limits::RateLimits;
pub use readiness::Readiness;
pub use router::{Addresses, local_router, router};
pub use serve::{Times, serve, serve_unix};
