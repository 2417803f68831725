//! Plugins of a test as WebAssembly components.

use std::sync::Arc;

use switchboard_api::Plugin;

/// Says where components are: the folders that `switchboard plugin build --output` made, joined as in `PATH`. Each takes the place
/// of the native plugin of its id that a test hands over. Those of which it says nothing, such as a test's own, stay native.
const COMPONENTS: &str = "SWITCHBOARD_TEST_COMPONENTS";

/// The plugins as the test is to have them.
///
/// # Panics
/// When a folder holds no plugin, a component does not load or binds something else than the native plugin does, or none of the plugins
/// is a component: a test that was to run on components never runs on none.
pub(crate) async fn chosen(plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Vec<Arc<dyn Plugin>> {
    let plugins = plugins.into_iter().collect();
    match std::env::var_os(COMPONENTS) {
        Some(folders) => components::of(plugins, &folders).await,
        None => plugins,
    }
}

#[cfg(not(feature = "components"))]
mod components {
    use super::{Arc, COMPONENTS, Plugin};

    pub(super) async fn of(_: Vec<Arc<dyn Plugin>>, _: &std::ffi::OsStr) -> Vec<Arc<dyn Plugin>> {
        panic!(
            "{COMPONENTS} is set, and the tests are built without `--features switchboard-testkit/components`"
        )
    }
}

#[cfg(feature = "components")]
mod components {
    use std::{
        collections::HashMap,
        ffi::OsStr,
        path::{Path, PathBuf},
        sync::OnceLock,
    };

    use switchboard_api::Description;
    use switchboard_manifest::Manifest;
    use switchboard_sandbox::{Compiler, Options, Sandbox, Seal};

    use super::{Arc, COMPONENTS, Plugin};

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

    pub(super) async fn of(plugins: Vec<Arc<dyn Plugin>>, folders: &OsStr) -> Vec<Arc<dyn Plugin>> {
        let built: HashMap<String, (PathBuf, Manifest)> = std::env::split_paths(folders)
            .map(|folder| {
                let manifest = manifest_in(&folder);
                (manifest.id.to_string(), (folder, manifest))
            })
            .collect();
        let is_built = |plugin: &Arc<dyn Plugin>| built.contains_key(plugin.manifest().id.as_str());
        assert!(
            plugins.is_empty() || plugins.iter().any(is_built),
            "none of the test's plugins is one of the components in {}, which {COMPONENTS} names",
            folders.display()
        );
        let mut chosen = Vec::with_capacity(plugins.len());
        for native in plugins {
            chosen.push(match built.get(native.manifest().id.as_str()) {
                Some((folder, manifest)) => component(folder, manifest, native.as_ref()).await,
                None => native,
            });
        }
        chosen
    }

    fn manifest_in(folder: &Path) -> Manifest {
        let file = folder.join("manifest.yaml");
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}, which {COMPONENTS} names: {error}", file.display()));
        Manifest::read(&text)
            .unwrap_or_else(|faults| panic!("{}", faults.report(&file.display().to_string())))
    }

    async fn component(folder: &Path, manifest: &Manifest, native: &dyn Plugin) -> Arc<dyn Plugin> {
        static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
        let sandbox = SANDBOX.get_or_init(|| {
            let compiled = folder.with_file_name("compiled");
            Sandbox::new(Options::new(compiled, Arc::new(Trusting), Compiler::Here)).expect("a sandbox")
        });
        let id = &manifest.id;
        let plugin = sandbox.load(folder, manifest).await.unwrap_or_else(|error| panic!("{id}: {error}"));
        let (bound, native_bound) = (plugin.description(), native.description());
        let different = || first_difference(bound, native_bound);
        assert!(
            bound == native_bound,
            "what the component of `{id}` binds is not what it binds natively: {}",
            different()
        );
        assert_eq!(sorted(plugin.as_ref()), sorted(native), "the migrations of `{id}`");
        plugin
    }

    /// Where two descriptions part, which are long.
    fn first_difference(one: &Description, other: &Description) -> String {
        let [one, other] =
            [one, other].map(|it| serde_json::to_string_pretty(it).expect("it has a JSON form"));
        let parting = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        parting.map_or_else(
            || "one is longer".to_owned(),
            |(one, other)| format!("{} for {}", one.trim(), other.trim()),
        )
    }

    fn sorted(plugin: &dyn Plugin) -> Vec<(String, String)> {
        let mut migrations = plugin.migrations().to_vec();
        migrations.sort();
        migrations
    }
}
