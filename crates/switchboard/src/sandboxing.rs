//! Plugins that are WebAssembly components, as the kernel asks for them.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use switchboard_api::{BoxFuture, Plugin};
use switchboard_kernel::{Loader, Vault};
use switchboard_manifest::Manifest;
use switchboard_sandbox::{Compiler, Error, Options, Sandbox, Seal};
use switchboard_vault::Place;

/// The word on the command line by which this program begins itself anew to compile a component.
pub(crate) const COMPILE: &str = "compile-component";

/// Loads components. The engine is set up when the first one is asked for.
pub(crate) struct Components {
    compiled: PathBuf,
    vault: Arc<Vault>,
    sandbox: OnceLock<Sandbox>,
}

impl Components {
    pub(crate) fn new(compiled: &Path, vault: Arc<Vault>) -> Self {
        Self { compiled: compiled.to_owned(), vault, sandbox: OnceLock::new() }
    }

    fn sandbox(&self) -> Result<&Sandbox, Error> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox);
        }
        let program = std::env::current_exe().map_err(|error| Error::Engine(error.to_string()))?;
        let compiler = Compiler::Apart { program, arguments: vec![COMPILE.into()] };
        let seal = Arc::new(Sealed(Arc::clone(&self.vault)));
        let sandbox = Sandbox::new(Options::new(&self.compiled, seal, compiler))?;
        Ok(self.sandbox.get_or_init(|| sandbox))
    }
}

impl Loader for Components {
    fn load<'a>(
        &'a self,
        folder: &'a Path,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, Result<Arc<dyn Plugin>, String>> {
        Box::pin(async move {
            let sandbox = self.sandbox().map_err(|error| error.to_string())?;
            sandbox.load(folder, manifest).await.map_err(|error| error.to_string())
        })
    }
}

/// Vouches for compiled forms by the key that secrets are sealed with.
struct Sealed(Arc<Vault>);

impl Sealed {
    fn place(name: &str) -> Place {
        Place::new("compiled component", &[name])
    }
}

impl Seal for Sealed {
    fn seal(&self, name: &str, digest: &[u8]) -> Result<String, String> {
        self.0.seal(&Self::place(name), digest).map_err(|error| error.to_string())
    }

    fn holds(&self, name: &str, digest: &[u8], word: &str) -> bool {
        self.0.open(&Self::place(name), word).is_ok_and(|sealed| sealed.expose() == digest)
    }
}
