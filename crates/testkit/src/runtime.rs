//! Plugins of a test as WebAssembly components.

use std::sync::Arc;

use switchboard_api::Plugin;

/// Says where components are, each in the folder of its plugin's id, as `switchboard plugin build --output` makes it. A plugin that
/// is there takes the place of the native one that a test hands over; every test of it runs on the component then.
const COMPONENTS: &str = "SWITCHBOARD_TEST_COMPONENTS";

/// The plugins as the test is to have them.
///
/// # Panics
/// When a component does not load, or binds something else than the native plugin does.
pub(crate) async fn chosen(plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Vec<Arc<dyn Plugin>> {
    let plugins = plugins.into_iter().collect();
    match std::env::var_os(COMPONENTS) {
        Some(folder) => components::of(plugins, folder.as_ref()).await,
        None => plugins,
    }
}

#[cfg(not(feature = "components"))]
mod components {
    use super::{Arc, COMPONENTS, Plugin};

    pub(super) async fn of(_: Vec<Arc<dyn Plugin>>, _: &std::path::Path) -> Vec<Arc<dyn Plugin>> {
        panic!(
            "{COMPONENTS} is set, and the tests are built without `--features switchboard-testkit/components`"
        )
    }
}

#[cfg(feature = "components")]
mod components {
    use std::{path::Path, sync::OnceLock};

    use switchboard_manifest::Manifest;
    use switchboard_sandbox::{Compiler, Options, Sandbox, Seal};

    use super::{Arc, Plugin};

    /// Compiled forms in a test's own folder are its own.
    struct Trusting;

    impl Seal for Trusting {
        fn seal(&self, name: &str, _: &[u8]) -> Result<String, String> {
            Ok(name.to_owned())
        }

        fn holds(&self, name: &str, _: &[u8], word: &str) -> bool {
            word == name
        }
    }

    pub(super) async fn of(plugins: Vec<Arc<dyn Plugin>>, folder: &Path) -> Vec<Arc<dyn Plugin>> {
        static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
        let sandbox = SANDBOX.get_or_init(|| {
            let options = Options::new(folder.join("compiled"), Arc::new(Trusting), Compiler::Here);
            Sandbox::new(options).expect("a sandbox")
        });
        let mut chosen = Vec::with_capacity(plugins.len());
        for native in plugins {
            let own = folder.join(native.manifest().id.as_str());
            chosen.push(if own.is_dir() { component(sandbox, &own, native.as_ref()).await } else { native });
        }
        chosen
    }

    async fn component(sandbox: &Sandbox, folder: &Path, native: &dyn Plugin) -> Arc<dyn Plugin> {
        let id = &native.manifest().id;
        let text = std::fs::read_to_string(folder.join("manifest.yaml")).expect("a manifest");
        let manifest = Manifest::read(&text).unwrap_or_else(|faults| panic!("{faults}"));
        let plugin = sandbox.load(folder, &manifest).await.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(plugin.description(), native.description(), "what the component of `{id}` binds");
        assert_eq!(sorted(plugin.as_ref()), sorted(native), "the migrations of `{id}`");
        plugin
    }

    fn sorted(plugin: &dyn Plugin) -> Vec<(String, String)> {
        let mut migrations = plugin.migrations().to_vec();
        migrations.sort();
        migrations
    }
}
