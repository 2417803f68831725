//! What all plugins share, and the host that each is given.

use std::{path::Path, sync::Arc};

use switchboard_api::{
    BoxFuture, Failure, Faults, Host,
    capability::{Clock, Log, Random, Schemas},
};
use switchboard_delivery::Delivery;
use switchboard_kernel::{Hosts, Kept, Kernel, Pace, Ticks, room_of};
use switchboard_manifest::{Capability, Manifest, PluginId};
use switchboard_store::Store;
use tokio::sync::OnceCell;

use crate::{
    audit::OwnLines,
    authority::KernelAuthority,
    blobs::{BlobFault, Folder, OwnBlobs},
    compute::Threads,
    config::Settings,
    db::{OwnRoom, OwnTables},
    events::{Declared, Outbox, rules_of},
    filters::OwnPoints,
    http::{Networks, Outside, OwnHttp},
    kernel_ref::KernelRef,
    kv::OwnValues,
    log::ServerLog,
    mail::{MailOptions, OwnMail},
    metrics::OwnMetrics,
    random::SystemRandom,
    schedule::OwnTasks,
    secrets::OwnSecrets,
    services::Others,
};

/// What this server can hand out to those who ask.
const OFFERED: [Capability; 9] = [
    Capability::Db,
    Capability::Kv,
    Capability::Blobs,
    Capability::Events,
    Capability::Http,
    Capability::Services,
    Capability::Schedule,
    Capability::Secrets,
    Capability::Mail,
];

/// What differs between a server and a test.
pub struct Options {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// Mail: whom it is from, and what carries it.
    pub mail: MailOptions,
    /// The private networks that plugins may call.
    pub networks: Networks,
    /// Capabilities that fail, where a test switches them.
    pub faults: Option<Arc<Faults>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(crate::clock::SystemClock),
            random: Arc::new(SystemRandom),
            mail: MailOptions::default(),
            networks: Networks::default(),
            faults: None,
        }
    }
}

/// What all plugins share; each gets its [`Host`] from here.
///
/// Made before the kernel, which asks it for hosts, and [attached](Self::attach) to it before plugins are loaded.
pub struct Capabilities {
    pub(crate) store: Store,
    pub(crate) blobs: Folder,
    threads: Arc<Threads>,
    pub(crate) delivery: Arc<Delivery>,
    options: Options,
    outside: Arc<Outside>,
    kernel: KernelRef,
}

impl Capabilities {
    /// Sets up what all plugins share.
    ///
    /// # Errors
    /// [`BlobFault`] when the folder of blobs cannot be made.
    pub fn new(
        store: Store,
        blob_folder: &Path,
        delivery: Arc<Delivery>,
        options: Options,
    ) -> Result<Arc<Self>, BlobFault> {
        let blobs = Folder::open(blob_folder)?;
        let (threads, kernel) = (Arc::new(Threads::new()), KernelRef::default());
        let outside = Arc::new(Outside::new(options.networks.clone()));
        Ok(Arc::new(Self { store, blobs, threads, delivery, options, outside, kernel }))
    }

    /// Says which kernel it works for; once, before plugins are loaded.
    pub fn attach(&self, kernel: &Arc<Kernel>) {
        self.kernel.set(kernel);
    }

    /// Begins no work of [`Compute`](switchboard_api::capability::Compute) any more: what waits for a processor fails as
    /// unavailable. What runs goes on, and is told to stop by those who wait for it.
    pub fn stop(&self) {
        self.threads.stop();
    }

    /// Events and tasks.
    pub fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }
}

impl Hosts for Capabilities {
    fn offered(&self) -> &[Capability] {
        &OFFERED
    }

    fn open(&self, manifest: &Arc<Manifest>, granted: &[Capability]) -> Result<Arc<Host>, Failure> {
        let has = |capability| granted.contains(&capability);
        let schemas: Arc<dyn Schemas> = self.kernel.get()?.checker().clone();
        let room = OwnRoom::new(self.store.clone(), room_of(&manifest.id));
        let (manifest, kernel) = (Arc::clone(manifest), self.kernel.clone());
        let declared = Declared {
            manifest: Arc::clone(&manifest),
            rules: rules_of(&manifest)?,
            clock: Arc::clone(&self.options.clock),
            random: Arc::clone(&self.options.random),
            delivery: Arc::clone(&self.delivery),
        };
        let declared = has(Capability::Events).then_some(declared);
        let own_blobs = || OwnBlobs {
            manifest: Arc::clone(&manifest),
            folder: self.blobs.clone(),
            kernel: kernel.clone(),
            publishing: tokio::sync::Mutex::default(),
        };
        let others = || Others { manifest: Arc::clone(&manifest), kernel: kernel.clone() };
        let own_tasks = || OwnTasks { delivery: Arc::clone(&self.delivery) };
        let own_mail = || {
            let Options { clock, random, mail, .. } = &self.options;
            OwnMail::new(mail.clone(), Arc::clone(clock), Arc::clone(random))
        };
        let own_http = || {
            let asked = manifest.capabilities.iter().filter(|request| request.name == Capability::Http);
            let hosts = asked.flat_map(|request| request.hosts.iter().map(String::as_str));
            OwnHttp::new(hosts, Arc::clone(&self.outside), Pace::new(Ticks::default()))
        };
        let own_values = || OwnValues {
            room: room.clone(),
            clock: Arc::clone(&self.options.clock),
            random: Arc::clone(&self.options.random),
            is_prepared: OnceCell::new(),
        };
        let own_secrets = || OwnSecrets { manifest: Arc::clone(&manifest), kernel: kernel.clone() };
        let log: Arc<dyn Log> = Arc::new(ServerLog { kernel: kernel.clone() });
        let own_tables = || OwnTables {
            room: room.clone(),
            events: declared.clone(),
            delivery: Arc::clone(&self.delivery),
        };
        Ok(Arc::new(Host {
            plugin: manifest.id.clone(),
            audit: Arc::new(OwnLines { kernel: kernel.clone(), pace: Pace::new(Ticks::default()) }),
            authority: Arc::new(KernelAuthority { kernel: kernel.clone() }),
            log: Arc::clone(&log),
            clock: Arc::clone(&self.options.clock),
            random: Arc::clone(&self.options.random),
            config: Arc::new(Settings { manifest: Arc::clone(&manifest), kernel: kernel.clone() }),
            schemas,
            compute: Arc::clone(&self.threads) as _,
            filters: Arc::new(OwnPoints { manifest: Arc::clone(&manifest), kernel: kernel.clone() }),
            metrics: Arc::new(OwnMetrics { kernel: kernel.clone(), log }),
            db: has(Capability::Db).then(|| Arc::new(own_tables()) as _),
            kv: has(Capability::Kv).then(|| Arc::new(own_values()) as _),
            blobs: has(Capability::Blobs).then(|| Arc::new(own_blobs()) as _),
            events: declared.clone().map(|declared| Arc::new(Outbox { room: room.clone(), declared }) as _),
            services: has(Capability::Services).then(|| Arc::new(others()) as _),
            schedule: has(Capability::Schedule).then(|| Arc::new(own_tasks()) as _),
            secrets: has(Capability::Secrets).then(|| Arc::new(own_secrets()) as _),
            http: has(Capability::Http).then(|| Arc::new(own_http()) as _),
            mail: has(Capability::Mail).then(|| Arc::new(own_mail()) as _),
            faults: self.options.faults.clone(),
        }))
    }

    fn kept<'a>(&'a self, plugin: &'a PluginId) -> BoxFuture<'a, Result<Kept, Failure>> {
        Box::pin(self.kept_by(plugin))
    }

    fn remove<'a>(&'a self, plugin: &'a PluginId) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.remove_all_of(plugin))
    }
}
