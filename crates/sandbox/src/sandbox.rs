//! Where components are loaded and run.

use std::{
    path::{Component as PathPart, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use switchboard_api::Plugin;
use switchboard_manifest::Manifest;
use tokio::runtime::{Builder, Handle, Runtime};
use wasmtime::{Engine, component::Linker};

use crate::{
    Compiler, Error, Seal, bindings,
    compiled::CompiledForms,
    component::{ComponentPlugin, Inner},
    engine,
    state::{Data, State},
    ticker::Ticker,
    warm::Count,
};

/// A component is at most this large: one with an interpreter takes 20 MiB.
const LARGEST: u64 = 64 << 20;

/// How often it is looked for instances that wait for nothing; one that was not used for six times this goes (`warm`).
const SWEEP: Duration = Duration::from_secs(5);

/// How little claim on the processors guests have that take long: 0 is the usual, 19 the least.
const NICENESS: i32 = 10;

/// How a sandbox is set up.
pub struct Options {
    /// Where compiled forms are kept.
    pub compiled: PathBuf,
    /// Vouches for them.
    pub seal: Arc<dyn Seal>,
    /// Who compiles.
    pub compiler: Compiler,
    /// Instances of all plugins together that can be there at the same time.
    pub instances: u32,
    /// Threads for guests that take long.
    pub threads: usize,
}

impl Options {
    /// Room for 1,000 instances, and as many threads as there are processors.
    pub fn new(compiled: impl Into<PathBuf>, seal: Arc<dyn Seal>, compiler: Compiler) -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self { compiled: compiled.into(), seal, compiler, instances: 1000, threads }
    }
}

/// Where components are loaded and run. Clones are the same one.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    forms: Arc<CompiledForms>,
}

/// What all plugins of a sandbox share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) ticker: Ticker,
    pub(crate) guests: Guests,
    /// How many instances wait for their next call, and may.
    pub(crate) waiting: Count,
    pub(crate) most_waiting: usize,
    plugins: Mutex<Vec<Weak<Inner>>>,
}

/// The runtime for guests that take long.
pub(crate) struct Guests(Option<Runtime>, Handle);

impl Guests {
    pub(crate) fn handle(&self) -> &Handle {
        &self.1
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        // It may be dropped within another runtime, where waiting for it would block.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Sandbox {
    /// Sets up the engine, the thread that counts epochs, and the runtime for guests that take long.
    ///
    /// # Errors
    /// [`Error::Engine`] when the machine has no room for them.
    pub fn new(options: Options) -> Result<Self, Error> {
        let Options { compiled, seal, compiler, instances, threads } = options;
        let engine = engine::for_running(instances)?;
        let linker = linker(&engine).map_err(|error| Error::Engine(format!("{error:#}")))?;
        let failed = |error: std::io::Error| Error::Engine(error.to_string());
        let ticker = Ticker::start(&engine).map_err(failed)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("guest")
            .enable_all()
            .on_thread_start(|| {
                // Without it guests compete with requests as equals: worse, and no reason not to serve.
                let _ = rustix::process::nice(NICENESS);
            })
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let shared = Arc::new(Shared {
            engine,
            linker,
            ticker,
            guests: Guests(Some(runtime), handle.clone()),
            waiting: Count::default(),
            most_waiting: (instances / 2) as usize,
            plugins: Mutex::default(),
        });
        handle.spawn(sweep(Arc::downgrade(&shared)));
        Ok(Self { shared, forms: Arc::new(CompiledForms::new(compiled, seal, compiler)) })
    }

    /// The plugin in a folder: its component, which the manifest names, and its `migrations/`.
    ///
    /// # Errors
    /// An [`Error`] that names what is wrong with it.
    pub async fn load(&self, folder: &Path, manifest: &Manifest) -> Result<Arc<dyn Plugin>, Error> {
        let entry_point = manifest.entry_point.as_deref().ok_or(Error::NoEntryPoint)?;
        if !Path::new(entry_point).components().all(|part| matches!(part, PathPart::Normal(_))) {
            return Err(Error::EntryPointOutside(entry_point.to_owned()));
        }
        let file = folder.join(entry_point);
        let unreadable = |path: &Path, cause| Error::Unreadable { path: path.to_owned(), cause };
        let size = std::fs::metadata(&file).map_err(|cause| unreadable(&file, cause))?.len();
        if size > LARGEST {
            return Err(Error::TooLarge { path: file, limit: LARGEST });
        }
        let bytes = std::fs::read(&file).map_err(|cause| unreadable(&file, cause))?;
        check_is_component(entry_point, &bytes)?;
        let migrations = migrations_in(&folder.join("migrations"))?;
        let (form, name) = self.forms.form(&self.shared.engine, &file, &bytes).await?;
        let manifest = Arc::new(manifest.clone());
        let forms = &self.forms;
        let plugin =
            ComponentPlugin::new(Arc::clone(&self.shared), &form, manifest, migrations, forms, &name);
        Ok(Arc::new(plugin.await?))
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::Plugin::add_to_linker::<State, Data>(&mut linker, |state| state)?;
    Ok(linker)
}

/// A component begins with `\0asm`, a version of the encoding, and the layer 1; a module has the layer 0.
fn check_is_component(name: &str, bytes: &[u8]) -> Result<(), Error> {
    let what = match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => "a core WebAssembly module",
        [] => "empty",
        _ => "some other file",
    };
    Err(Error::NoComponent { name: name.to_owned(), what })
}

fn migrations_in(folder: &Path) -> Result<Vec<(String, String)>, Error> {
    let unreadable = |path: &Path, cause| Error::Unreadable { path: path.to_owned(), cause };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(unreadable(folder, cause)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|cause| unreadable(folder, cause))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".sql") {
            let text = std::fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause))?;
            files.push((name, text));
        }
    }
    files.sort();
    Ok(files)
}

impl Shared {
    /// Has the plugin's instances looked after.
    pub(crate) fn sweeping(&self, plugin: &Arc<Inner>) {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        plugins.retain(|plugin| plugin.strong_count() > 0);
        plugins.push(Arc::downgrade(plugin));
    }

    /// Lets every instance go that waits.
    pub(crate) fn make_room(&self) {
        self.sweep(true);
    }

    fn sweep(&self, all_of_them: bool) {
        let plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for plugin in plugins.iter().filter_map(Weak::upgrade) {
            plugin.sweep(all_of_them);
        }
    }
}

async fn sweep(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.sweep(false);
    }
}
