//! The one place where everything is put together.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use semver::Version;
use switchboard_accounts::{Accounts, Strength};
use switchboard_api::capability::Clock;
use switchboard_capabilities::{Capabilities, Networks, Options as CapabilityOptions, SystemRandom};
use switchboard_delivery::{Delivery, Options as DeliveryOptions};
use switchboard_kernel::{Configuring, HOOK_TIME, KERNEL_ROOM, Kernel, Parts, References, State, Vault};
use switchboard_manifest::PluginId;
use switchboard_server::{
    Options as HttpOptions, Readiness,
    account::{ByMail, People, account},
    administration::{KernelHandle, administration},
    organization::{People as Members, organization},
};
use switchboard_store::{Engine, Options as StoreOptions, Store};

use crate::data_folder::DataFolder;
use crate::operator_settings::{OperatorSettings, Synchronous};
use crate::output::Advise;
use crate::sandboxing::Components;
use crate::sealing::{Sealing, SecondFactors};

/// Everything, put together, with the plugins loaded. Nothing is listened on yet, and no event is delivered.
pub(crate) struct Running {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) http: HttpOptions,
    store: Store,
    capabilities: Arc<Capabilities>,
}

/// Where a server keeps what it keeps.
pub(crate) struct Places {
    pub(crate) databases: PathBuf,
    pub(crate) blobs: PathBuf,
    pub(crate) plugins: PathBuf,
    pub(crate) mail: PathBuf,
    /// Where compiled forms of components are kept.
    pub(crate) compiled: PathBuf,
    /// The file with the keys that secrets are sealed with.
    pub(crate) keys: PathBuf,
}

impl Places {
    /// Those of a data folder, and what its operator keeps elsewhere.
    pub(crate) fn of(folder: &DataFolder, settings: &OperatorSettings) -> Self {
        Self {
            databases: folder.databases(),
            blobs: folder.blobs(),
            plugins: folder.plugins(),
            mail: folder.mail(),
            compiled: folder.compiled(),
            keys: settings.keys(folder),
        }
    }
}

/// A plugin that does not serve, and why.
pub(crate) struct Absent {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) reason: String,
}

/// Opens the databases, and loads every plugin that loads. One that does not is no error: see [`Running::absent`].
///
/// # Errors
/// When a database or a folder cannot be used.
pub(crate) async fn compose(
    places: Places,
    settings: &OperatorSettings,
    switched_off: BTreeMap<PluginId, String>,
) -> anyhow::Result<Running> {
    let outside = CapabilityOptions {
        mail: settings.mail.options(&places.mail)?,
        networks: Networks::new(settings.http_private_networks.iter().copied()),
        ..CapabilityOptions::default()
    };
    compose_with(places, settings, switched_off, outside).await
}

/// The same, with another outside: a test sets the clock, for one.
///
/// # Errors
/// As [`compose`].
pub(crate) async fn compose_with(
    places: Places,
    settings: &OperatorSettings,
    switched_off: BTreeMap<PluginId, String>,
    outside: CapabilityOptions,
) -> anyhow::Result<Running> {
    let store = match &settings.database {
        Some(database) => Store::open_postgres(&database.0, store_options(settings))
            .await
            .context("the PostgreSQL database cannot be opened")?,
        None => Store::open_sqlite(&places.databases, store_options(settings))
            .with_context(|| format!("the databases in {} cannot be opened", places.databases.display()))?,
    };
    let shown = store.address();
    if let Some(source) = store.unfinished_move().await? {
        return Err(anyhow!(
            "{shown} is not whole: a move from {source} into it has begun and is not finished"
        ))
        .advise("ask `switchboard migrate-store sqlite postgres` once more: it goes on where it ended");
    }
    let clock = Arc::clone(&outside.clock);
    let delivery = Delivery::new(store.clone(), clock.clone(), delivery_options(settings));
    let capabilities = Capabilities::new(store.clone(), &places.blobs, Arc::clone(&delivery), outside)?;
    let handle = KernelHandle::default();
    let mut builtins =
        switchboard_builtins::all().context("a plugin that is part of this program is not right")?;
    let administration = administration(handle.clone(), Arc::clone(&delivery)).build();
    builtins.push(administration.context("the administration that is part of this program is not right")?);
    let references = References {
        env_prefix: settings.config_env_prefix.clone(),
        folder: settings.config_file_folder.clone(),
        ..References::default()
    };
    let vault = Arc::new(Vault::with_key_file(&places.keys).context("secrets cannot be sealed")?);
    let configuring = Configuring { vault: Arc::clone(&vault), references, history: settings.config_history };
    let accounts = accounts(&store, &vault, Arc::clone(&clock)).await?;
    let elsewhere = settings.elsewhere(&vault)?;
    let people = People {
        accounts: Arc::clone(&accounts),
        kernel: handle.clone(),
        registration: settings.registration.into(),
        elsewhere: Some(Arc::new(elsewhere)),
        post: Arc::new(ByMail),
    };
    let account = account(people).build();
    builtins.push(account.context("the plugin for accounts that is part of this program is not right")?);
    let known: Arc<dyn Members> = accounts.clone();
    let organization =
        organization(handle.clone(), Arc::clone(&delivery), known, settings.organization_creation).build();
    builtins.push(organization.context("the organizations that are part of this program are not right")?);
    let kernel = Kernel::open(Parts {
        store: store.clone(),
        hosts: Arc::clone(&capabilities) as _,
        loader: Some(Arc::new(Components::new(&places.compiled, vault))),
        clock,
        builtins,
        plugin_folder: Some(places.plugins),
        switched_off,
        version: own_version()?,
        hook_time: HOOK_TIME,
        configuring,
    })
    .await
    .with_context(|| format!("the databases in {shown} cannot be used"))?;
    handle.set(&kernel);
    kernel.also_sealed(Arc::new(SecondFactors(Arc::clone(&accounts))));
    capabilities.attach(&kernel);
    delivery.attach(&kernel);
    kernel.load_plugins().await.context("the plugins cannot be loaded")?;
    let http = HttpOptions { accounts: Some(accounts), ..http_options(settings, store.clone())? };
    Ok(Running { kernel, delivery, http, store, capabilities })
}

/// Opens the accounts, whose second factors are sealed by the vault.
async fn accounts(store: &Store, vault: &Arc<Vault>, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<Accounts>> {
    let parts = switchboard_accounts::Parts {
        store: store.clone(),
        clock,
        random: Arc::new(SystemRandom),
        sealer: Arc::new(Sealing(Arc::clone(vault))),
        strength: Strength::default(),
        issuer: "Switchboard".to_owned(),
    };
    Accounts::open(parts).await.context("the accounts cannot be used")
}

impl Running {
    /// The plugins that serve, by id, with their versions.
    pub(crate) fn serving(&self) -> Vec<(String, String)> {
        let snapshot = self.kernel.snapshot();
        let mut serving: Vec<_> = snapshot
            .plugins()
            .iter()
            .map(|plugin| (plugin.id().to_string(), plugin.manifest().version.to_string()))
            .collect();
        serving.sort();
        serving
    }

    /// The plugins that do not serve, each with one sentence that says why.
    pub(crate) fn absent(&self) -> Vec<Absent> {
        let catalog = self.kernel.catalog();
        let known =
            catalog.entries().filter(|(_, entry)| entry.state != State::Loaded).map(|(id, entry)| Absent {
                id: id.to_string(),
                state: entry.state.as_str().to_owned(),
                reason: entry.state.reason().unwrap_or("it was not loaded").to_owned(),
            });
        let unreadable = catalog.unreadable().iter().map(|folder| Absent {
            id: folder.label.clone(),
            state: "unreadable".to_owned(),
            reason: folder.reason.clone(),
        });
        known.chain(unreadable).collect()
    }

    /// Where the database is, without a password, when it is not the data folder's own.
    pub(crate) fn database(&self) -> Option<String> {
        (self.store.engine() == Engine::Postgres).then(|| self.store.address())
    }

    /// Whether a token was ever made here, be it revoked.
    ///
    /// # Errors
    /// When the kernel's database cannot be read.
    pub(crate) async fn has_had_tokens(&self) -> anyhow::Result<bool> {
        let room = self.store.room(KERNEL_ROOM).await?;
        let tokens = room.query("select id from token limit 1", vec![]).await;
        Ok(tokens.context("the tokens cannot be read")?.into_iter().next().is_some())
    }

    /// Stops delivering, unloads the plugins and closes the databases, in this order. What is delivered at the moment may
    /// take as long as `grace`.
    pub(crate) async fn stop(self, grace: Duration) {
        if let Err(error) = self.kernel.housekeep().await {
            tracing::warn!("what is tidied now and then was not tidied at the end: {error}");
        }
        self.capabilities.stop();
        self.delivery.stop(grace).await;
        self.kernel.unload_plugins().await;
        self.store.close().await;
    }
}

/// How the databases of a data folder are opened.
pub(crate) fn store_options(settings: &OperatorSettings) -> StoreOptions {
    let synchronous = match settings.synchronous {
        Synchronous::Full => switchboard_store::Synchronous::Full,
        Synchronous::Normal => switchboard_store::Synchronous::Normal,
    };
    StoreOptions { synchronous, ..StoreOptions::default() }
}

fn delivery_options(settings: &OperatorSettings) -> DeliveryOptions {
    let keep = Duration::from_secs(u64::from(settings.event_days) * 24 * 3600);
    DeliveryOptions { keep, ..DeliveryOptions::default() }
}

/// The version of this program.
pub(crate) fn own_version() -> anyhow::Result<Version> {
    let version = env!("CARGO_PKG_VERSION");
    version.parse().with_context(|| format!("this program's version `{version}` is none"))
}

fn http_options(settings: &OperatorSettings, store: Store) -> anyhow::Result<HttpOptions> {
    let defaults = HttpOptions::default();
    let readiness = Readiness::default().with("databases", move || {
        let store = store.clone();
        async move {
            let asked = async {
                store.room(KERNEL_ROOM).await?.query("select id from organization limit 1", vec![]).await
            };
            asked.await.map(drop).map_err(|error| error.to_string())
        }
    });
    Ok(HttpOptions {
        upload_limit: settings.upload_limit,
        body_limit: settings.body_limit,
        cors_origins: settings.cors_origins.clone().unwrap_or(defaults.cors_origins),
        rate_limits: settings.rate_limits.limits(),
        public_url: settings.public_url.is_some().then(|| settings.public_url()).transpose()?,
        proxies: settings.proxies()?,
        readiness,
        ..defaults
    })
}
