//! A server on a free port: a real kernel with real databases and blobs in a temporary folder, the clips, and `trial`.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use reqwest::{Method, RequestBuilder};
use semver::Version;
use serde_json::{Value as Json, json};
use switchboard_api::Actions;
use switchboard_capabilities::{Capabilities, SystemClock};
use switchboard_delivery::Delivery;
use switchboard_kernel::{By, Configuring, HOOK_TIME, KERNEL_ROOM, Kernel, Parts, TokenTerms, Vault};
use switchboard_server::{
    Options, RateLimits, Readiness, Times,
    administration::{KernelHandle, administration},
    organization::{Creation, Nobody, organization},
    router, serve,
};
use switchboard_store::{Engine, Store};
use switchboard_testkit::Home;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    answer::Answer,
    cast::{self, Direction},
    client::client,
};

pub(crate) const CLIPS: &str = "/api/v1/clips";

/// Whoever asks may as often as they like: tests are quicker than people.
fn unlimited() -> Options {
    Options { rate_limits: RateLimits::none(), ..Options::default() }
}

/// A server on a free port, and its administrator's token.
pub(crate) struct Stage {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) direction: Direction,
    pub(crate) readiness: Readiness,
    store: Store,
    client: reqwest::Client,
    socket: SocketAddr,
    token: String,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    _capabilities: Arc<Capabilities>,
    home: Home,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(unlimited(), Times::default()).await
    }

    /// The same with other options; whether the databases are well is always looked at.
    pub(crate) async fn with(options: Options, times: Times) -> Self {
        let home = Home::new().await;
        let store = home.store().await;
        let clock = Arc::new(SystemClock);
        let delivery = Delivery::new(store.clone(), clock.clone(), Default::default());
        let blobs = home.folder().join("blobs");
        let capabilities =
            Capabilities::new(store.clone(), &blobs, Arc::clone(&delivery), Default::default()).unwrap();
        let handle = KernelHandle::default();
        let built = |definition: switchboard_sdk::Definition| {
            definition.build().unwrap_or_else(|faults| panic!("{faults}"))
        };
        let direction = Direction::default();
        let builtins = vec![
            built(clips::plugin()),
            cast::trial(&direction),
            cast::stranger(),
            built(administration(handle.clone(), delivery.clone())),
            built(organization(handle.clone(), delivery.clone(), Arc::new(Nobody), Creation::default())),
        ];
        let parts = Parts {
            store: store.clone(),
            hosts: capabilities.clone(),
            loader: None,
            clock,
            builtins,
            plugin_folder: None,
            switched_off: Default::default(),
            hook_time: HOOK_TIME,
            configuring: Configuring::new(Arc::new(Vault::in_memory().unwrap())),
            version: Version::new(1, 2, 3),
        };
        let kernel = Kernel::open(parts).await.unwrap();
        handle.set(&kernel);
        capabilities.attach(&kernel);
        delivery.attach(&kernel);
        kernel.load_plugins().await.unwrap();
        let token = kernel
            .create_token(
                &By::system("test"),
                TokenTerms {
                    name: "admin",
                    organization: None,
                    actions: Actions::all(),
                    ..TokenTerms::default()
                },
            )
            .await
            .unwrap()
            .token;

        let readiness = Readiness::default().with("databases", {
            let store = store.clone();
            move || {
                let store = store.clone();
                async move {
                    let room = store.room(KERNEL_ROOM).await.map_err(|error| error.to_string())?;
                    let asked = room.query("select id from organization limit 1", vec![]).await;
                    asked.map(drop).map_err(|error| error.to_string())
                }
            }
        });
        let options = Options { readiness: readiness.clone(), ..options };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = listener.local_addr().unwrap();
        let app = router(Arc::clone(&kernel), options);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let shutdown = async {
                // A stage that is gone serves until its test ends.
                if stopped.await.is_err() {
                    std::future::pending().await
                }
            };
            serve(listener, app, times, shutdown).await.unwrap();
        });
        Self {
            kernel,
            direction,
            readiness,
            store,
            client: client(),
            socket,
            token,
            stop: Some(stop),
            serving: Some(serving),
            _capabilities: capabilities,
            home,
        }
    }

    /// One that accepts bodies and uploads of so many bytes, and waits so long for a body that pauses.
    pub(crate) async fn strict(body_limit: u64, upload_limit: u64, idle_time: Duration) -> Self {
        let options = Options { body_limit, upload_limit, idle_time, request_time: idle_time, ..unlimited() };
        Self::with(options, Times::default()).await
    }

    /// Tells the server to stop, as a signal does.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(&mut self) {
        let serving = self.serving.take().unwrap();
        tokio::time::timeout(Duration::from_secs(60), serving).await.unwrap().unwrap();
    }

    pub(crate) fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// The administrator's token.
    pub(crate) fn admin(&self) -> &str {
        &self.token
    }

    /// A token that may do everything, in the organization or in all.
    pub(crate) async fn token(&self, name: &str, organization: Option<&str>) -> String {
        self.token_for(name, organization, &["*"]).await
    }

    /// A token that may do these actions, in the organization or in all.
    pub(crate) async fn token_for(&self, name: &str, organization: Option<&str>, actions: &[&str]) -> String {
        let actions = Actions::new(actions.iter().map(|action| (*action).to_owned()));
        let terms = TokenTerms { name, organization, actions, ..TokenTerms::default() };
        self.kernel.create_token(&By::system("test"), terms).await.unwrap().token
    }

    /// Revokes the token of that name.
    pub(crate) async fn revoke(&self, name: &str) {
        let tokens = self.kernel.directory().tokens();
        let id = tokens.iter().find(|token| token.name == name).unwrap().id;
        assert!(self.kernel.revoke_token(&By::system("test"), id).await.unwrap());
    }

    /// A request, still to be sent, without a token.
    pub(crate) fn ask(&self, method: Method, address: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{address}", self.socket))
    }

    pub(crate) async fn send(&self, method: Method, address: &str, token: &str) -> Answer {
        Answer::of(self.ask(method, address).bearer_auth(token).send().await.unwrap()).await
    }

    /// Asks with the administrator's token.
    pub(crate) async fn get(&self, address: &str) -> Answer {
        self.send(Method::GET, address, &self.token).await
    }

    /// Posts JSON with the administrator's token.
    pub(crate) async fn post(&self, address: &str, body: &Json) -> Answer {
        self.post_text(address, body.to_string()).await
    }

    /// Posts what is called JSON with the administrator's token.
    pub(crate) async fn post_text(&self, address: &str, body: impl Into<reqwest::Body>) -> Answer {
        let asked = self.ask(Method::POST, address).bearer_auth(&self.token).body(body);
        Answer::of(asked.header("content-type", "application/json").send().await.unwrap()).await
    }

    /// Creates a clip with this token, and gives its number.
    pub(crate) async fn clip(&self, token: &str, title: &str) -> i64 {
        let body = json!({ "title": title, "file_path": format!("{title}.mp4") });
        let asked = self.ask(Method::POST, CLIPS).bearer_auth(token).json(&body);
        Answer::of(asked.send().await.unwrap()).await.json(201)["id"].as_i64().unwrap()
    }

    /// Requires that the server answers somebody else still.
    pub(crate) async fn serves_on(&self) {
        self.get("/api/v1/health").await.expect(200);
        self.get(CLIPS).await.expect(200);
    }

    /// Writes over every database what is none; on PostgreSQL, removes all that is in it.
    pub(crate) async fn destroy_databases(&self) {
        self.store.close().await;
        for room in self.store.rooms().await.unwrap() {
            if self.store.engine() == Engine::Postgres {
                self.store.room(&room).await.unwrap().clear().await.unwrap();
                continue;
            }
            std::fs::write(self.home.folder().join("db").join(format!("{room}.sqlite")), [7; 8192]).unwrap();
        }
    }

    /// How many files of media there are on the disk, those half written among them.
    pub(crate) fn stored_files(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
        }
        count(&self.home.folder().join("blobs"))
    }

    /// Waits until no file is left: what is half written is removed apart from the call.
    pub(crate) async fn no_file_is_left(&self) {
        for _ in 0..500 {
            if self.stored_files() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} files are left", self.stored_files());
    }

    /// Requires that there is no clip and no file.
    pub(crate) async fn nothing_is_left_behind(&self) {
        assert_eq!(self.get(CLIPS).await.json(200), json!([]));
        self.no_file_is_left().await;
    }
}
