//! A kernel with plugins on it.

use std::{path::Path, sync::Arc, time::Duration};

use semver::Version;
use switchboard_api::{Call, Failure, Faults, Payload, Plugin, Reply, Said, ServiceCall};
use switchboard_capabilities::{
    Capabilities, KeptMail, MailOptions, Networks, Options, SeededRandom, SetClock,
};
use switchboard_delivery::{Counts, Delivery};
use switchboard_kernel::{
    Caller, Configuring, Given, HOOK_TIME, Kernel, Loader, Parts, PluginMetrics, References, Terms, Vault,
    dispatch, run_command,
};
use switchboard_store::Store;

use crate::{Ask, Setup, home::Home, runtime};

/// A kernel with plugins on it, in a folder that goes when it is dropped.
pub struct Stage {
    kernel: Arc<Kernel>,
    delivery: Arc<Delivery>,
    capabilities: Arc<Capabilities>,
    outside: Outside,
    store: Store,
    home: Home,
}

/// What is outside of a server, and here the test's.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) clock: Arc<SetClock>,
    pub(crate) random: Arc<SeededRandom>,
    pub(crate) mail: MailOptions,
    pub(crate) kept: Arc<KeptMail>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) references: References,
    pub(crate) loader: Option<Arc<dyn Loader>>,
}

impl Stage {
    /// Loads the plugins, and requires that every one of them serves.
    ///
    /// ```no_run
    /// # async fn example(plugin: std::sync::Arc<dyn switchboard_testkit::api::Plugin>) {
    /// let stage = switchboard_testkit::Stage::with([plugin]).await;
    /// stage.ask("GET", "/api/v1/clips").send().await.expect(200);
    /// # }
    /// ```
    ///
    /// # Panics
    /// When one does not load, with its reason.
    pub async fn with(plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Self {
        Self::setup().with(plugins).await
    }

    /// Loads the plugins; those that do not serve say why in the kernel's catalog.
    pub async fn with_some_failing(plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Self {
        Self::setup().with_some_failing(plugins).await
    }

    /// A stage at another time, or with other random bytes.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// Ends, and loads these plugins on the same data. The clock goes on, and so do the random bytes and the mail.
    pub async fn again_with(self, plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Self {
        let outside = self.outside.clone();
        Self::loaded(plugins, self.stop().await, outside, HOOK_TIME).await
    }

    /// Waits until nothing is under way, ends, and requires that nothing was left undone.
    ///
    /// For the end of a test in which all is to go well: it also notices what went wrong behind the test's back.
    ///
    /// # Panics
    /// When an event or a task failed and waits for another attempt, or was given up.
    pub async fn finish(self) {
        self.idle().await;
        let left = self.delivery.counts();
        self.stop().await;
        assert_eq!(left, Counts::default(), "events or tasks failed");
    }

    async fn stop(self) -> Home {
        self.capabilities.stop();
        self.delivery.stop(Duration::from_secs(5)).await;
        self.kernel.unload_plugins().await;
        self.store.close().await;
        self.home
    }

    pub(crate) async fn loaded(
        plugins: impl IntoIterator<Item = Arc<dyn Plugin>>,
        home: Home,
        outside: Outside,
        hook_time: Duration,
    ) -> Self {
        let (folder, store) = (home.folder(), home.store().await);
        let (clock, random) = (outside.clock.clone(), outside.random.clone());
        let delivery = Delivery::new(store.clone(), clock.clone(), switchboard_delivery::Options::default());
        // Servers of a test's own.
        let own = ["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok());
        let networks = Networks::new(own);
        let (mail, faults) = (outside.mail.clone(), Some(outside.faults.clone()));
        let options = Options { clock: clock.clone(), random, mail, networks, faults };
        let blobs = folder.join("blobs");
        let capabilities = Capabilities::new(store.clone(), &blobs, Arc::clone(&delivery), options)
            .expect("a folder of blobs");
        let vault = Vault::with_key_file(&folder.join("keys")).expect("a key file");
        let kernel = Kernel::open(Parts {
            store: store.clone(),
            hosts: capabilities.clone(),
            loader: outside.loader.clone(),
            clock,
            builtins: runtime::chosen(plugins).await,
            plugin_folder: outside.loader.is_some().then(|| folder.join("plugins")),
            switched_off: Default::default(),
            version: Version::new(0, 1, 0),
            hook_time,
            configuring: Configuring {
                references: outside.references.clone(),
                ..Configuring::new(Arc::new(vault))
            },
        });
        let kernel = kernel.await.expect("a kernel");
        capabilities.attach(&kernel);
        delivery.attach(&kernel);
        kernel.load_plugins().await.expect("the kernel's database works");
        delivery.start().await.expect("the delivery starts");
        Self { kernel, delivery, capabilities, outside, store, home }
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// Events and tasks.
    pub fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    /// The databases.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The time.
    pub fn clock(&self) -> &SetClock {
        &self.outside.clock
    }

    /// The mail that was sent.
    pub fn mail(&self) -> &KeptMail {
        &self.outside.kept
    }

    /// The capabilities that fail.
    ///
    /// ```no_run
    /// # use switchboard_testkit::{Capability, Stage, api::Failure};
    /// # async fn example(stage: Stage) {
    /// stage.faults().set(Capability::Http, Some(Failure::unavailable("nobody answers")));
    /// # }
    /// ```
    pub fn faults(&self) -> &Faults {
        &self.outside.faults
    }

    /// What plugins may touch.
    pub fn capabilities(&self) -> &Arc<Capabilities> {
        &self.capabilities
    }

    /// The folder of all data.
    pub fn folder(&self) -> &Path {
        self.home.folder()
    }

    /// Begins a request, such as `GET` `/api/v1/clips?limit=2`: for the organization `default`, allowed everything.
    pub fn ask(&self, method: &str, address: &str) -> Ask<'_> {
        Ask::new(self, method, address)
    }

    /// Calls a service of a plugin for the organization `default`, as the host.
    ///
    /// # Errors
    /// Whatever the service fails with.
    ///
    /// # Panics
    /// When the plugin that the service's name begins with does not serve.
    pub async fn service(
        &self,
        name: &str,
        payload: &serde_json::Value,
    ) -> Result<serde_json::Value, Failure> {
        self.service_for("default", name, payload).await
    }

    /// The same for another organization.
    ///
    /// # Errors
    /// Whatever the service fails with.
    ///
    /// # Panics
    /// When there is no such organization, or the plugin that the service's name begins with does not serve.
    pub async fn service_for(
        &self,
        organization: &str,
        name: &str,
        payload: &serde_json::Value,
    ) -> Result<serde_json::Value, Failure> {
        let snapshot = self.kernel.snapshot();
        let provider = name.split('.').next().unwrap_or_default();
        let plugin =
            snapshot.plugin(provider).unwrap_or_else(|| panic!("plugin `{provider}` does not serve"));
        let organization = self.kernel.named(organization).unwrap_or_else(|error| panic!("{error}"));
        let call = Call::Service(ServiceCall { name: name.to_owned(), payload: Payload::of(payload)? });
        match dispatch(&snapshot, plugin, Caller::system(Some(organization), "test"), Terms::default(), call)
            .await?
        {
            Reply::Payload(payload) => payload.to(),
            other => panic!("`{name}` gave {other:?}"),
        }
    }

    /// Gives a command for the organization `default`, as the host and as people write it: `!signatures 3`.
    ///
    /// ```no_run
    /// # async fn example(stage: switchboard_testkit::Stage) {
    /// assert_eq!(stage.command("!signatures 1").await.unwrap().text, "**Ada** was here.");
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever the command fails with.
    pub async fn command(&self, line: &str) -> Result<Said, Failure> {
        let organization = self.kernel.named("default")?;
        let caller = Caller::system(Some(organization), "test");
        let origin = Payload::of(&serde_json::json!({ "kind": "test" }))?;
        run_command(&self.kernel.snapshot(), caller, Given::Line(line), origin).await
    }

    /// What a plugin has measured.
    pub fn metrics(&self, plugin: &str) -> PluginMetrics {
        self.kernel.plugin_metrics(plugin)
    }

    /// Waits until every event was delivered and every task done.
    pub async fn idle(&self) {
        self.delivery.idle().await;
    }
}
