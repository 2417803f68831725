//! A kernel with plugins on it.

use std::{path::Path, sync::Arc};

use semver::Version;
use switchboard_api::{Call, Failure, OrganizationId, Payload, Plugin, Reply, ServiceCall};
use switchboard_capabilities::{Capabilities, Options, SeededRandom};
use switchboard_delivery::Delivery;
use switchboard_kernel::{Caller, Kernel, Parts, Terms, dispatch};
use switchboard_store::Store;
use tempfile::TempDir;

use crate::{Ask, SetClock};

/// A kernel with plugins on it, in a folder that goes when it is dropped.
pub struct Stage {
    kernel: Arc<Kernel>,
    delivery: Arc<Delivery>,
    clock: Arc<SetClock>,
    store: Store,
    folder: TempDir,
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
        let stage = Self::loaded(plugins, TempDir::new().expect("a temporary folder")).await;
        for (id, entry) in stage.kernel.catalog().entries() {
            assert!(
                stage.kernel.snapshot().plugin(id.as_str()).is_some(),
                "`{id}` does not serve: {:?}",
                entry.state
            );
        }
        stage
    }

    /// Loads the plugins; those that do not serve say why in the kernel's catalog.
    pub async fn with_some_failing(plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Self {
        Self::loaded(plugins, TempDir::new().expect("a temporary folder")).await
    }

    /// Ends, and loads these plugins on the same data.
    pub async fn again_with(self, plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Self {
        self.delivery.stop(std::time::Duration::from_secs(5)).await;
        self.kernel.unload_plugins().await;
        self.store.close().await;
        drop((self.kernel, self.delivery, self.store));
        Self::loaded(plugins, self.folder).await
    }

    async fn loaded(plugins: impl IntoIterator<Item = Arc<dyn Plugin>>, folder: TempDir) -> Self {
        let store = Store::open_sqlite(&folder.path().join("db"), switchboard_store::Options::default());
        let store = store.expect("a store");
        let clock = Arc::new(SetClock::default());
        let delivery = Delivery::new(store.clone(), clock.clone(), switchboard_delivery::Options::default());
        let options = Options { clock: clock.clone(), random: Arc::new(SeededRandom::new(7)) };
        let blobs = folder.path().join("blobs");
        let capabilities = Capabilities::new(store.clone(), &blobs, Arc::clone(&delivery), options)
            .expect("a folder of blobs");
        let kernel = Kernel::open(Parts {
            store: store.clone(),
            hosts: capabilities.clone(),
            loader: None,
            clock: clock.clone(),
            builtins: plugins.into_iter().collect(),
            plugin_folder: None,
            switched_off: Default::default(),
            version: Version::new(0, 1, 0),
        });
        let kernel = kernel.await.expect("a kernel");
        capabilities.attach(&kernel);
        delivery.attach(&kernel);
        kernel.load_plugins().await.expect("the kernel's database works");
        delivery.start().await.expect("the delivery starts");
        Self { kernel, delivery, clock, store, folder }
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// Events and tasks.
    pub fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    /// The time.
    pub fn clock(&self) -> &SetClock {
        &self.clock
    }

    /// The folder of all data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Begins a request, such as `GET` `/api/v1/clips?limit=2`: for the organization `default`, allowed everything.
    pub fn ask(&self, method: &str, address: &str) -> Ask<'_> {
        Ask::new(self, method, address)
    }

    /// Calls a service of a plugin for the organization `default`, as the host.
    ///
    /// # Errors
    /// Whatever the service fails with.
    pub async fn service(
        &self,
        name: &str,
        payload: &serde_json::Value,
    ) -> Result<serde_json::Value, Failure> {
        let snapshot = self.kernel.snapshot();
        let provider = name.split('.').next().unwrap_or_default();
        let plugin =
            snapshot.plugin(provider).unwrap_or_else(|| panic!("plugin `{provider}` does not serve"));
        let organization = self.kernel.organization(OrganizationId(1));
        let call = Call::Service(ServiceCall { name: name.to_owned(), payload: Payload::of(payload)? });
        match dispatch(&snapshot, plugin, Caller::system(organization, "test"), Terms::default(), call)
            .await?
        {
            Reply::Payload(payload) => payload.to(),
            other => panic!("`{name}` gave {other:?}"),
        }
    }

    /// Waits until every event was delivered and every task done.
    pub async fn idle(&self) {
        self.delivery.idle().await;
    }
}
