//! A server that is administrated: everything is real but the plugins.

use std::{fs, path::PathBuf, sync::Arc};

use reqwest::Method;
use semver::Version;
use serde_json::Value as Json;
use switchboard_api::{AccountId, Actions};
use switchboard_capabilities::{Capabilities, SystemClock};
use switchboard_delivery::Delivery;
use switchboard_kernel::{By, Configuring, HOOK_TIME, Kernel, Parts, References, TokenTerms, Vault};
use switchboard_sdk::{Definition, Plugin};
use switchboard_server::{
    Options, RateLimits, Times,
    administration::{KernelHandle, administration},
    organization::{Creation, organization},
    router, serve,
};
use switchboard_store::Store;
use switchboard_testkit::Home;

use crate::{
    cast::{self, Direction, Folders, Numbered},
    client::client,
};

/// A server on a free port, and its administrator's token.
pub(crate) struct Stage {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) direction: Direction,
    pub(crate) url: String,
    token: String,
    client: reqwest::Client,
    store: Store,
    pub(crate) delivery: Arc<Delivery>,
    _capabilities: Arc<Capabilities>,
    home: Home,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl Answer {
    /// The body, of an answer with this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// `detail` of an answer with this status.
    #[track_caller]
    pub(crate) fn detail(&self, status: u16) -> String {
        let json = self.json(status);
        json["detail"].as_str().unwrap_or_else(|| panic!("no sentence in {json}")).to_owned()
    }

    /// The faults of an answer of 422, as `type place`.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<String> {
        let json = self.json(422);
        let faults = json["errors"].as_array().or(json["detail"].as_array());
        let faults = faults.unwrap_or_else(|| panic!("no faults in {json}"));
        let place = |fault: &Json| {
            let words = fault["loc"].as_array().unwrap().iter();
            words
                .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(".")
        };
        let mut faults: Vec<String> = faults
            .iter()
            .map(|fault| format!("{} {}", fault["type"].as_str().unwrap(), place(fault)))
            .collect();
        faults.sort();
        faults
    }

    /// Requires an empty answer of 204.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        assert_eq!((self.status, self.text.as_str()), (204, ""));
    }
}

impl Stage {
    /// A server with `greeter` and `choir`, and no folder of plugins.
    pub(crate) async fn new() -> Self {
        Self::set(Home::new().await, Direction::default(), Vec::new()).await
    }

    /// The same with `parrot` and `mute` in its folder of plugins, and a third in which nothing can be made out.
    pub(crate) async fn with_folders() -> Self {
        Self::with_folders_directed(Direction::default()).await
    }

    /// The same, with plugins that are directed before the first of them loads.
    pub(crate) async fn with_folders_directed(direction: Direction) -> Self {
        let home = Home::new().await;
        for (id, manifest) in [("parrot", cast::PARROT), ("mute", cast::MUTE), ("riddle", "id: [")] {
            let plugin = home.folder().join("plugins").join(id);
            fs::create_dir_all(&plugin).unwrap();
            fs::write(plugin.join("manifest.yaml"), manifest).unwrap();
        }
        Self::set(home, direction, Vec::new()).await
    }

    /// A server with `herald` and `scribe` as well, whose events are delivered, and given up at once when they fail.
    pub(crate) async fn with_events() -> Self {
        let direction = Direction::default();
        let more = cast::herald_and_scribe(&direction);
        let stage = Self::set(Home::new().await, direction, more).await;
        stage.delivery.start().await.unwrap();
        stage
    }

    /// A server with `keeper` as well, whose tasks are done.
    pub(crate) async fn with_tasks() -> Self {
        let stage = Self::set(Home::new().await, Direction::default(), vec![cast::keeper()]).await;
        stage.delivery.start().await.unwrap();
        stage.delivery.idle().await;
        stage
    }

    /// Ends, and starts again on the same data.
    pub(crate) async fn again(self) -> Self {
        self.kernel.unload_plugins().await;
        self.store.close().await;
        Self::set(self.home, Direction::default(), Vec::new()).await
    }

    async fn set(home: Home, direction: Direction, more: Vec<Arc<dyn Plugin>>) -> Self {
        let store = home.store().await;
        let clock = Arc::new(SystemClock);
        let once = switchboard_delivery::Options { delivery_attempts: 1, onlookers: 2, ..Default::default() };
        let delivery = Delivery::new(store.clone(), clock.clone(), once);
        let blobs = home.folder().join("blobs");
        let capabilities =
            Capabilities::new(store.clone(), &blobs, Arc::clone(&delivery), Default::default()).unwrap();
        let handle = KernelHandle::default();
        let built = |definition: Definition| definition.build().unwrap_or_else(|faults| panic!("{faults}"));
        let mut builtins = cast::builtins(&direction);
        builtins.extend(more);
        builtins.push(built(administration(handle.clone(), delivery.clone())));
        let (people, creation) = (Arc::new(Numbered), Creation::default());
        builtins.push(built(organization(handle.clone(), delivery.clone(), people, creation)));
        let vault = Vault::with_key_file(&home.folder().join("keys")).unwrap();
        let environment = |name: &str| (!name.ends_with("MISSING")).then(|| format!("value of {name}"));
        let references = References { environment: Arc::new(environment), ..References::default() };
        let configuring = Configuring { references, ..Configuring::new(Arc::new(vault)) };
        let parts = Parts {
            store: store.clone(),
            hosts: capabilities.clone(),
            loader: Some(Arc::new(Folders(direction.clone()))),
            clock,
            builtins,
            plugin_folder: Some(home.folder().join("plugins")),
            switched_off: Default::default(),
            hook_time: HOOK_TIME,
            configuring,
            version: Version::new(0, 1, 0),
        };
        let kernel = Kernel::open(parts).await.unwrap();
        handle.set(&kernel);
        capabilities.attach(&kernel);
        delivery.attach(&kernel);
        kernel.load_plugins().await.unwrap();
        // Nothing is revoked between two stages on the same data: each has its own token.
        let name = format!("stage {}", kernel.directory().tokens().len());
        let token = kernel
            .create_token(
                &By::system("test"),
                TokenTerms {
                    name: &name,
                    organization: None,
                    actions: Actions::all(),
                    ..TokenTerms::default()
                },
            )
            .await
            .unwrap()
            .token;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let options = Options { rate_limits: RateLimits::none(), ..Options::default() };
        let app = router(Arc::clone(&kernel), options);
        tokio::spawn(serve(listener, app, Times::default(), std::future::pending()));
        direction.called();
        Self {
            kernel,
            direction,
            url,
            token,
            client: client(),
            store,
            delivery,
            _capabilities: capabilities,
            home,
        }
    }

    /// A token that may do these actions, in the organization or in all.
    pub(crate) async fn token(&self, name: &str, organization: Option<&str>, actions: &[&str]) -> String {
        let actions = Actions::new(actions.iter().map(|action| (*action).to_owned()));
        self.kernel
            .create_token(
                &By::system("test"),
                TokenTerms { name, organization, actions: actions.clone(), ..TokenTerms::default() },
            )
            .await
            .unwrap()
            .token
    }

    /// The databases.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// A token on behalf of an account, which may do whatever the account may.
    pub(crate) async fn person(&self, account: i64) -> String {
        let terms = TokenTerms {
            name: &format!("person {account}"),
            actions: Actions::all(),
            account: Some(AccountId(account)),
            ..TokenTerms::default()
        };
        self.kernel.create_token(&By::system("test"), terms).await.unwrap().token
    }

    /// The folder of plugins.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.home.folder().join("plugins")
    }

    /// Whether a text is in any file of the server's.
    pub(crate) fn is_in_files(&self, text: &str) -> bool {
        fn is_below(text: &[u8], folder: &std::path::Path) -> bool {
            fs::read_dir(folder).unwrap().any(|entry| {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    return is_below(text, &path);
                }
                fs::read(path).unwrap().windows(text.len()).any(|window| window == text)
            })
        }
        is_below(text.as_bytes(), self.home.folder())
    }

    /// The administrator's token.
    pub(crate) fn admin(&self) -> &str {
        &self.token
    }

    /// Asks with the administrator's token.
    pub(crate) async fn get(&self, address: &str) -> Answer {
        self.ask(Method::GET, address, Some(&self.token), None).await
    }

    pub(crate) async fn post(&self, address: &str, body: Json) -> Answer {
        self.ask(Method::POST, address, Some(&self.token), Some(body)).await
    }

    pub(crate) async fn put(&self, address: &str, body: Json) -> Answer {
        self.ask(Method::PUT, address, Some(&self.token), Some(body)).await
    }

    pub(crate) async fn patch(&self, address: &str, body: Json) -> Answer {
        self.ask(Method::PATCH, address, Some(&self.token), Some(body)).await
    }

    pub(crate) async fn delete(&self, address: &str) -> Answer {
        self.ask(Method::DELETE, address, Some(&self.token), None).await
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        address: &str,
        token: Option<&str>,
        body: Option<Json>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{address}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let content_type =
            answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let text = answer.text().await.unwrap();
        Answer { status, content_type: content_type.unwrap_or_default(), text }
    }
}
