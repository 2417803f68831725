//! A server on a free port with accounts, and browsers that visit it.

use std::sync::{Arc, Mutex};

use reqwest::{Method, RequestBuilder, header};
use semver::Version;
use serde_json::{Value as Json, json};
use switchboard_accounts::{Accounts, NewAccount, Sealer, Strength};
use switchboard_api::{AccountId, Actions, BoxFuture, Failure, Roles};
use switchboard_capabilities::{Capabilities, SystemClock, SystemRandom};
use switchboard_delivery::Delivery;
use switchboard_kernel::{By, Configuring, HOOK_TIME, InvitationTerms, Kernel, Parts, TokenTerms};
use switchboard_sdk::Context;
use switchboard_server::{
    Options, RateLimits, Times,
    account::{Letter, People, Post, Registration, account},
    administration::{KernelHandle, administration},
    router, serve,
};
use switchboard_store::Store;
use switchboard_testkit::Home;
use zeroize::Zeroizing;

use crate::client::client;

/// A password that is taken.
pub(crate) const PASSWORD: &str = "the engine weaves";
/// Another one.
pub(crate) const OTHER: &str = "algebraic patterns";

pub(crate) struct Stage {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) url: String,
    pub(crate) letters: Letters,
    pub(crate) token: String,
    pub(crate) kernel: Arc<Kernel>,
    store: Store,
    _capabilities: Arc<Capabilities>,
    _home: Home,
}

/// A browser: one cookie, and the token that belongs to it.
#[derive(Clone)]
pub(crate) struct Browser {
    url: String,
    client: reqwest::Client,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) set_cookie: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) text: String,
}

/// The letters that would have been sent.
#[derive(Clone, Default)]
pub(crate) struct Letters(Arc<Mutex<Vec<Letter>>>);

impl Post for Letters {
    fn send<'a>(&'a self, _: &'a Context, letter: Letter) -> BoxFuture<'a, Result<(), Failure>> {
        self.0.lock().unwrap().push(letter);
        Box::pin(async { Ok(()) })
    }
}

impl Letters {
    /// The code in the letter that was sent last to that address, once there is one.
    pub(crate) async fn code(&self, to: &str) -> String {
        for _ in 0..200 {
            let text =
                self.0.lock().unwrap().iter().rfind(|letter| letter.to == to).map(|it| it.text.clone());
            if let Some(text) = text {
                return text.lines().find_map(|line| line.strip_prefix("    ")).unwrap().to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no letter to {to}")
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Seals by turning bytes round: that secrets are sealed well is the vault's to prove.
struct Envelope;

impl Sealer for Envelope {
    fn seal(&self, _: AccountId, secret: &[u8]) -> Result<String, String> {
        Ok(secret.iter().map(|byte| (255 - byte).to_string()).collect::<Vec<_>>().join(","))
    }

    fn open(&self, _: AccountId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        Ok(Zeroizing::new(sealed.split(',').map(|byte| 255 - byte.parse::<u8>().unwrap()).collect()))
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(Registration::Open).await
    }

    pub(crate) async fn with(registration: Registration) -> Self {
        Self::set(registration, Options::default()).await
    }

    /// The same, as the operator decides about HTTP.
    pub(crate) async fn set(registration: Registration, options: Options) -> Self {
        let home = Home::new().await;
        let store = home.store().await;
        let clock = Arc::new(SystemClock);
        let delivery = Delivery::new(store.clone(), clock.clone(), Default::default());
        let blobs = home.folder().join("blobs");
        let capabilities =
            Capabilities::new(store.clone(), &blobs, Arc::clone(&delivery), Default::default()).unwrap();
        let accounts = Accounts::open(switchboard_accounts::Parts {
            store: store.clone(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            sealer: Arc::new(Envelope),
            strength: Strength { memory: 64, rounds: 1, lanes: 1 },
            issuer: "Switchboard".to_owned(),
        })
        .await
        .unwrap();
        let letters = Letters::default();
        let handle = KernelHandle::default();
        let people = People {
            accounts: Arc::clone(&accounts),
            kernel: handle.clone(),
            registration,
            elsewhere: None,
            post: Arc::new(letters.clone()),
        };
        let built = |definition: switchboard_sdk::Definition| {
            definition.build().unwrap_or_else(|faults| panic!("{faults}"))
        };
        let administration = built(administration(handle.clone(), delivery.clone()));
        let builtins = vec![built(clips::plugin()), administration, built(account(people))];
        let parts = Parts {
            store: store.clone(),
            hosts: capabilities.clone(),
            loader: None,
            clock,
            builtins,
            plugin_folder: None,
            switched_off: Default::default(),
            hook_time: HOOK_TIME,
            configuring: Configuring::new(Arc::new(switchboard_kernel::Vault::in_memory().unwrap())),
            version: Version::new(0, 1, 0),
        };
        let kernel = Kernel::open(parts).await.unwrap();
        handle.set(&kernel);
        capabilities.attach(&kernel);
        delivery.attach(&kernel);
        kernel.load_plugins().await.unwrap();
        let terms = TokenTerms { name: "admin", actions: Actions::all(), ..TokenTerms::default() };
        let token = kernel.create_token(&By::system("test"), terms).await.unwrap().token;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let options =
            Options { accounts: Some(Arc::clone(&accounts)), rate_limits: RateLimits::none(), ..options };
        let app = router(Arc::clone(&kernel), options);
        tokio::spawn(serve(listener, app, Times::default(), std::future::pending()));
        Self { accounts, url, letters, token, kernel, store, _capabilities: capabilities, _home: home }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { url: self.url.clone(), client: client(), cookie: None, csrf: None }
    }

    /// Makes a verified account with [`PASSWORD`].
    pub(crate) async fn account(&self, email: &str, is_administrator: bool) -> AccountId {
        let password = Some(PASSWORD);
        let new =
            NewAccount { email, password, is_administrator, is_verified: true, ..NewAccount::default() };
        self.accounts.create(new).await.unwrap().id
    }

    /// A browser in which somebody with [`PASSWORD`] has signed in.
    pub(crate) async fn signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(email, PASSWORD).await.json(200);
        browser
    }

    /// The code of an invitation into the organization `default`.
    pub(crate) async fn invitation(&self, email: Option<&str>, use_limit: Option<u32>) -> String {
        let terms = InvitationTerms {
            roles: Roles::new(["member"]),
            email: email.map(str::to_owned),
            days: 1,
            use_limit,
        };
        let organization = self.kernel.named("default").unwrap();
        self.kernel.invite(&By::system("test"), &organization, terms).await.unwrap().code
    }

    /// Every text that the audit log has.
    pub(crate) async fn whole_audit(&self) -> String {
        let room = self.store.room("kernel").await.unwrap();
        format!("{:?}", room.query("select * from audit order by id", vec![]).await.unwrap())
    }

    /// The lines of failed sign-ins, as subject and what is said, once there are so many.
    pub(crate) async fn failed_sign_ins(&self, count: usize) -> Vec<(String, Json)> {
        let room = self.store.room("kernel").await.unwrap();
        let sql = "select subject, after from audit where action = 'session.refused' order by id";
        for _ in 0..200 {
            let rows: Vec<(String, String)> = room.query(sql, vec![]).await.unwrap().to().unwrap();
            if rows.len() >= count {
                let parsed = |text: String| serde_json::from_str(&text).unwrap();
                return rows.into_iter().map(|(subject, after)| (subject, parsed(after))).collect();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("there are no {count} lines of failed sign-ins")
    }

    /// What the audit log says: who, acting through whom, did what to what.
    pub(crate) async fn audit(&self) -> Vec<(String, Option<String>, String, String)> {
        let room = self.store.room("kernel").await.unwrap();
        let sql = "select actor, impersonator, action, subject from audit order by id";
        room.query(sql, vec![]).await.unwrap().to().unwrap()
    }
}

impl Browser {
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/sign-in", json!({ "email": email, "password": password })).await
    }

    pub(crate) async fn get(&mut self, address: &str) -> Answer {
        self.send(Method::GET, address, None).await
    }

    pub(crate) async fn post(&mut self, address: &str, body: Json) -> Answer {
        self.send(Method::POST, address, Some(body)).await
    }

    /// Sends as a page of the site does, and keeps what the answer says.
    pub(crate) async fn send(&mut self, method: Method, address: &str, body: Option<Json>) -> Answer {
        let mut request = self.bare(method, address);
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = finish(request).await;
        if let Some(cookie) = &answer.set_cookie {
            let secret = cookie.split(';').next().unwrap().strip_prefix("swb_session=").unwrap();
            self.cookie = (!secret.is_empty()).then(|| secret.to_owned());
        }
        let json: Json = serde_json::from_str(&answer.text).unwrap_or_default();
        let csrf = json["csrf_token"].as_str().or(json["session"]["csrf_token"].as_str());
        if let Some(csrf) = csrf {
            self.csrf = Some(csrf.to_owned());
        }
        answer
    }

    /// A request with the cookie and nothing else.
    pub(crate) fn bare(&self, method: Method, address: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{address}", self.url));
        match &self.cookie {
            Some(secret) => request.header(header::COOKIE, format!("swb_session={secret}")),
            None => request,
        }
    }
}

/// Sends a request.
pub(crate) async fn finish(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let text_of =
        |name: header::HeaderName| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (set_cookie, retry_after) = (text_of(header::SET_COOKIE), text_of(header::RETRY_AFTER));
    let status = answer.status().as_u16();
    Answer { status, set_cookie, retry_after, text: answer.text().await.unwrap() }
}

impl Answer {
    /// The body, of an answer with this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text);
    }
}
