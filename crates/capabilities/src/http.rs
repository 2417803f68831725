//! `http`: requests to the hosts that a manifest names, and to no private network.

mod hosts;
mod networks;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::BytesMut;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap, HeaderName},
    redirect::Policy,
};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use switchboard_api::{
    BoxFuture, Context, Failure, OrganizationId,
    capability::{Http, HttpRequest, HttpResponse},
};
use switchboard_kernel::{Pace, Rate};
use url::Url;

use self::hosts::Hosts;
pub use self::networks::Networks;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long an answer may take, with all that it is redirected to.
const LONGEST: Duration = Duration::from_secs(30);
/// The largest body either way, in bytes.
const LARGEST: usize = 8 << 20;
/// How many redirects are followed.
const MOST_REDIRECTS: usize = 5;
/// How many requests a plugin sends for each organization.
const RATE: Option<Rate> = Rate::new(50, 200);

/// Headers that belong to the connection. Written by a plugin they could say one thing to us and another to a proxy.
const OF_CONNECTION: [HeaderName; 9] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::EXPECT,
];

/// What requests to other servers go by, shared by all plugins.
pub(crate) struct Outside {
    networks: Networks,
    client: OnceLock<Result<Client, String>>,
}

/// The requests of one plugin.
pub(crate) struct OwnHttp {
    hosts: Hosts,
    outside: Arc<Outside>,
    pace: Pace<Option<OrganizationId>>,
}

/// Looks a name up, and gives only addresses that may be called: the connection goes to what was checked.
struct Public(Networks);

/// An address that may not be called.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is an address of a private network; an operator allows such networks by `http_private_networks` in \
     switchboard.toml"
)]
struct Private(String);

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<_> = tokio::net::lookup_host((host, 0)).await?.collect();
            let allowed: Vec<_> = found.iter().copied().filter(|it| networks.allow(it.ip())).collect();
            match (allowed.is_empty(), found.first()) {
                (true, Some(first)) => Err(Private(format!("{host} ({})", first.ip())).into()),
                (true, None) => Err(format!("{host} has no address").into()),
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

impl Outside {
    pub(crate) fn new(networks: Networks) -> Self {
        Self { networks, client: OnceLock::new() }
    }

    /// Made when it is first needed: it reads the certificates that this machine trusts.
    fn client(&self) -> Result<&Client, Failure> {
        let client = self.client.get_or_init(|| {
            let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .and_then(BuilderVerifierExt::with_platform_verifier)
                .map_err(|error| {
                    format!("the certificates that this machine trusts cannot be used: {error}")
                })?
                .with_no_client_auth();
            Client::builder()
                .tls_backend_preconfigured(tls)
                .dns_resolver(Arc::new(Public(self.networks.clone())))
                // A proxy would look names up itself, and reach what may not be reached.
                .no_proxy()
                .redirect(Policy::none())
                .connect_timeout(CONNECTING)
                .build()
                .map_err(|error| in_words(&error))
        });
        client.as_ref().map_err(|why| Failure::unavailable(format!("requests cannot be sent: {why}")))
    }
}

impl OwnHttp {
    pub(crate) fn new<'a>(
        hosts: impl IntoIterator<Item = &'a str>,
        outside: Arc<Outside>,
        pace: Pace<Option<OrganizationId>>,
    ) -> Self {
        Self { hosts: Hosts::new(hosts), outside, pace }
    }

    async fn ask(&self, context: &Context, request: HttpRequest) -> Result<HttpResponse, Failure> {
        if let Some(name) = OF_CONNECTION.iter().find(|name| request.headers.contains_key(*name)) {
            return Err(Failure::invalid(format!("header `{name}` is written by the host: leave it out")));
        }
        if request.body.len() > LARGEST {
            let message = format!("a request's body has at most {LARGEST} bytes");
            return Err(Failure::too_large(message, LARGEST as u64));
        }
        let url: Url = request.url.parse().map_err(|error| {
            Failure::invalid(format!("`{}` is no address of another server: {error}", request.url))
        })?;
        let organization = context.organization.as_ref().map(|organization| organization.id);
        if let Some(Err(none)) = RATE.map(|rate| self.pace.take(&organization, rate)) {
            let message = format!("plugin `{}` sends too many requests to other servers", context.plugin);
            return Err(Failure::RateLimited { message, after: none.after });
        }
        let patience = LONGEST.min(context.time_left());
        let host = url.host_str().unwrap_or_default().to_owned();
        let answered = tokio::time::timeout(patience, self.follow(context, request, url)).await;
        let answered = answered.unwrap_or_else(|_| {
            Err(Failure::timed_out(format!("{host} has not answered within {patience:.1?}")))
        });
        let (plugin, trace) = (context.plugin.as_str(), &*context.trace);
        match &answered {
            Ok(answer) => {
                tracing::debug!(plugin, trace, host, status = answer.status.as_u16(), "asked another server")
            }
            Err(failure) => tracing::warn!(
                plugin,
                trace,
                host,
                "another server was not asked, or gave no answer: {failure}"
            ),
        }
        answered
    }

    async fn follow(
        &self,
        context: &Context,
        request: HttpRequest,
        mut url: Url,
    ) -> Result<HttpResponse, Failure> {
        let HttpRequest { mut method, mut headers, mut body, .. } = request;
        headers.entry(header::USER_AGENT).or_insert_with(|| {
            let name = format!("switchboard/{} ({})", env!("CARGO_PKG_VERSION"), context.plugin);
            name.parse().unwrap_or_else(|_| header::HeaderValue::from_static("switchboard"))
        });
        for _ in 0..=MOST_REDIRECTS {
            self.check(context, &url)?;
            let request = self.outside.client()?.request(method.clone(), url.clone());
            let request = request.headers(headers.clone()).body(body.clone());
            let answer = request.send().await.map_err(|error| failure(&url, error))?;
            let status = answer.status();
            let Some(next) = redirect(&url, status.as_u16(), answer.headers())? else {
                return read(&url, answer).await;
            };
            if next.origin() != url.origin() {
                for secret in [header::AUTHORIZATION, header::COOKIE] {
                    headers.remove(secret);
                }
            }
            // As browsers do, and RFC 9110, 15.4.
            if status.as_u16() == 303 || (matches!(status.as_u16(), 301 | 302) && method == "POST") {
                method = if method == "HEAD" { method } else { reqwest::Method::GET };
                body = Default::default();
                for of_body in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                    headers.remove(of_body);
                }
            }
            url = next;
        }
        let host = url.host_str().unwrap_or_default();
        Err(Failure::unavailable(format!("{host} redirects more than {MOST_REDIRECTS} times")))
    }

    /// Refuses what the plugin may not call. A name is looked up and checked when the connection is made.
    fn check(&self, context: &Context, url: &Url) -> Result<(), Failure> {
        let is_web = matches!(url.scheme(), "https" | "http");
        let (Some(host), true) = (url.host(), is_web) else {
            let message =
                format!("`{url}` is no address of another server: it begins with https:// or http://");
            return Err(Failure::invalid(message));
        };
        if !self.hosts.name(url) {
            return Err(Failure::forbidden(format!(
                "plugin `{}` may not call `{host}`: its manifest names {} under `hosts` of the capability `http`",
                context.plugin, self.hosts
            )));
        }
        let address = match host {
            url::Host::Ipv4(address) => Some(address.into()),
            url::Host::Ipv6(address) => Some(address.into()),
            url::Host::Domain(_) => None,
        };
        match address.filter(|address| !self.outside.networks.allow(*address)) {
            Some(private) => Err(Failure::forbidden(Private(private.to_string()).to_string())),
            None => Ok(()),
        }
    }
}

/// Where an answer leads on to, if it does.
fn redirect(url: &Url, status: u16, headers: &HeaderMap) -> Result<Option<Url>, Failure> {
    let (true, Some(to)) = (matches!(status, 301 | 302 | 303 | 307 | 308), headers.get(header::LOCATION))
    else {
        return Ok(None);
    };
    let next = to.to_str().ok().and_then(|to| url.join(to).ok());
    let host = url.host_str().unwrap_or_default();
    next.map(Some).ok_or_else(|| Failure::unavailable(format!("{host} redirects to an address that is none")))
}

async fn read(url: &Url, mut answer: reqwest::Response) -> Result<HttpResponse, Failure> {
    let host = url.host_str().unwrap_or_default();
    let mut body = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| failure(url, error))? {
        if body.len() + piece.len() > LARGEST {
            let message = format!("{host} answers with more than {LARGEST} bytes");
            return Err(Failure::too_large(message, LARGEST as u64));
        }
        body.extend_from_slice(&piece);
    }
    let headers = std::mem::take(answer.headers_mut());
    Ok(HttpResponse { status: answer.status(), headers, body: body.freeze() })
}

fn failure(url: &Url, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    if let Some(private) = causes.into_iter().find_map(|cause| cause.downcast_ref::<Private>()) {
        return Failure::forbidden(private.to_string());
    }
    let host = url.host_str().unwrap_or_default();
    Failure::unavailable(format!("{host} cannot be reached, or broke off: {}", in_words(&error)))
}

/// An error with its causes.
fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Http for OwnHttp {
    fn send<'a>(
        &'a self,
        context: &'a Context,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        Box::pin(self.ask(context, request))
    }
}
