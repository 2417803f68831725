//! A server at which people sign in elsewhere, and browsers with cookies of their own.

use std::{collections::HashMap, sync::Arc};

use reqwest::Method;
use semver::Version;
use serde_json::Value as Json;
use switchboard_accounts::{Account, Accounts, Client, NewAccount, Parts as AccountParts, Sealer, Strength};
use switchboard_api::AccountId;
use switchboard_capabilities::{Capabilities, SystemClock, SystemRandom};
use switchboard_delivery::Delivery;
use switchboard_kernel::{Configuring, HOOK_TIME, Kernel, Parts};
use switchboard_server::{
    Options, RateLimits, Times,
    account::{ByMail, People, Registration, account},
    administration::KernelHandle,
    external_sign_in::{ExternalParts, ExternalSignIn, PATIENCE},
    router, serve,
};
use switchboard_testkit::Home;
use switchboard_vault::Vault;
use zeroize::Zeroizing;

use crate::{client::client, issuer::Issuer, visitor::by_issuer};

pub(crate) const PASSWORD: &str = "the engine weaves";

/// A server whose only other way in is one issuer.
pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) issuer: Issuer,
    pub(crate) accounts: Arc<Accounts>,
    _capabilities: Arc<Capabilities>,
    pub(crate) kernel: Arc<Kernel>,
    _home: Home,
}

struct NoSecondFactors;

impl Sealer for NoSecondFactors {
    fn seal(&self, _: AccountId, _: &[u8]) -> Result<String, String> {
        Err("nobody has one".to_owned())
    }

    fn open(&self, _: AccountId, _: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        Err("nobody has one".to_owned())
    }
}

impl Stage {
    pub(crate) async fn new(registration: Registration) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let home = Home::new().await;
        let store = home.store().await;
        let (clock, issuer) = (Arc::new(SystemClock), Issuer::start().await);
        let accounts = Accounts::open(AccountParts {
            store: store.clone(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            sealer: Arc::new(NoSecondFactors),
            strength: Strength { memory: 64, rounds: 1, lanes: 1 },
            issuer: "Switchboard".to_owned(),
        });
        let accounts = accounts.await.unwrap();
        let sign_in = ExternalSignIn::new(ExternalParts {
            providers: vec![by_issuer("example", &issuer)],
            url: url.parse().unwrap(),
            vault: Arc::new(Vault::in_memory().unwrap()),
            clock: clock.clone(),
            patience: PATIENCE,
        });
        let handle = KernelHandle::default();
        let people = People {
            accounts: accounts.clone(),
            kernel: handle.clone(),
            registration,
            elsewhere: Some(Arc::new(sign_in.unwrap())),
            post: Arc::new(ByMail),
        };
        let delivery = Delivery::new(store.clone(), clock.clone(), Default::default());
        let blobs = home.folder().join("blobs");
        let capabilities =
            Capabilities::new(store.clone(), &blobs, Arc::clone(&delivery), Default::default()).unwrap();
        let kernel = Kernel::open(Parts {
            store,
            hosts: capabilities.clone(),
            loader: None,
            clock,
            builtins: vec![account(people).build().unwrap_or_else(|faults| panic!("{faults}"))],
            plugin_folder: None,
            switched_off: Default::default(),
            hook_time: HOOK_TIME,
            configuring: Configuring::new(Arc::new(Vault::in_memory().unwrap())),
            version: Version::new(0, 1, 0),
        });
        let kernel = kernel.await.unwrap();
        handle.set(&kernel);
        capabilities.attach(&kernel);
        delivery.attach(&kernel);
        kernel.load_plugins().await.unwrap();
        let app = router(
            Arc::clone(&kernel),
            Options {
                accounts: Some(accounts.clone()),
                rate_limits: RateLimits::none(),
                ..Options::default()
            },
        );
        tokio::spawn(serve(listener, app, Times::default(), std::future::pending()));
        Self { url, issuer, accounts, _capabilities: capabilities, kernel, _home: home }
    }

    pub(crate) async fn account(&self, email: &str, is_verified: bool) -> Account {
        let new = NewAccount { email, password: Some(PASSWORD), is_verified, ..NewAccount::default() };
        self.accounts.create(new).await.unwrap()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { server: self.url.clone(), client: client(), cookies: HashMap::new() }
    }

    /// A browser in which somebody has signed in by their password.
    pub(crate) async fn browser_of(&self, email: &str) -> Browser {
        let signed_in = self.accounts.sign_in(email, PASSWORD, &Client::default()).await.unwrap();
        let mut browser = self.browser();
        browser.cookies.insert("swb_session".to_owned(), signed_in.secret);
        browser
    }
}

/// A browser, which keeps the server's cookies, and goes where it is sent step by step.
#[derive(Clone)]
pub(crate) struct Browser {
    server: String,
    client: reqwest::Client,
    pub(crate) cookies: HashMap<String, String>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) cookies: Vec<String>,
    pub(crate) json: Json,
}

impl Browser {
    pub(crate) async fn get(&mut self, address: &str) -> Answer {
        self.ask(Method::GET, address, None).await
    }

    /// Asks at an address of the server, or at one of elsewhere, which gets no cookies.
    pub(crate) async fn ask(&mut self, method: Method, address: &str, csrf: Option<&str>) -> Answer {
        let own = address.starts_with('/') || address.starts_with(&self.server);
        let url =
            if address.starts_with('/') { format!("{}{address}", self.server) } else { address.to_owned() };
        let mut request = self.client.request(method, url);
        if own && !self.cookies.is_empty() {
            let all: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", all.join("; "));
        }
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf);
        }
        let answer = request.send().await.unwrap();
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let cookies: Vec<String> = answer.headers().get_all("set-cookie").iter().map(text).collect();
        for cookie in &cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => drop(self.cookies.remove(name)),
                _ => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let location = answer.headers().get("location").map(text).unwrap_or_default();
        let status = answer.status().as_u16();
        let json = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        Answer { status, location, cookies, json }
    }

    /// Follows the link to the provider, and stops before it follows the one back.
    pub(crate) async fn visit_the_provider(&mut self) -> String {
        self.visit_the_provider_with("").await
    }

    /// The same with more in the link.
    pub(crate) async fn visit_the_provider_with(&mut self, more: &str) -> String {
        let away = self.get(&format!("/api/auth/external/example?return_to=/clips{more}")).await;
        assert_eq!(away.status, 303, "{away:?}");
        self.get(&away.location).await.location
    }

    /// All the way; gives the last answer.
    pub(crate) async fn sign_in(&mut self) -> Answer {
        let back = self.visit_the_provider().await;
        self.get(&back).await
    }
}
