//! Switchboard from inside: a kernel and what it needs, in this process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use switchboard_api::Plugin;
use switchboard_capabilities::{Capabilities, SystemClock};
use switchboard_delivery::Delivery;
use switchboard_kernel::{Configuring, HOOK_TIME, Kernel, Loader, Parts, Rate, Vault};
use switchboard_server::RateLimits;
use switchboard_store::Store;

/// Plugins in folders, and what makes plugins of them.
pub(crate) struct External {
    pub(crate) folder: PathBuf,
    pub(crate) loader: Arc<dyn Loader>,
}

/// A kernel whose databases are in the folder, with these plugins.
pub(crate) async fn kernel(
    folder: &Path,
    builtins: Vec<Arc<dyn Plugin>>,
    external: Option<External>,
) -> anyhow::Result<(Arc<Kernel>, Store)> {
    let store = Store::open_sqlite(&folder.join("db"), switchboard_store::Options::default())?;
    let clock = Arc::new(SystemClock);
    let delivery = Delivery::new(store.clone(), clock.clone(), switchboard_delivery::Options::default());
    let options = switchboard_capabilities::Options::default();
    let capabilities =
        Capabilities::new(store.clone(), &folder.join("blobs"), Arc::clone(&delivery), options)?;
    let (plugin_folder, loader) = external.map(|it| (it.folder, it.loader)).unzip();
    let kernel = Kernel::open(Parts {
        store: store.clone(),
        hosts: capabilities.clone(),
        loader,
        clock,
        builtins,
        plugin_folder,
        switched_off: Default::default(),
        version: semver::Version::new(0, 1, 0),
        configuring: Configuring::new(Arc::new(Vault::in_memory()?)),
        hook_time: HOOK_TIME,
    })
    .await?;
    capabilities.attach(&kernel);
    delivery.attach(&kernel);
    kernel.load_plugins().await?;
    // The capabilities, to which plugins lead back, live as long as the process.
    std::mem::forget(capabilities);
    Ok((kernel, store))
}

/// Limits that are counted and never met.
pub(crate) fn countless() -> anyhow::Result<RateLimits> {
    let plenty = Some(Rate::new(1_000_000, 1_000_000).context("a million is no rate")?);
    Ok(RateLimits { token: plenty, organization: plenty, address: plenty, ..RateLimits::default() })
}
