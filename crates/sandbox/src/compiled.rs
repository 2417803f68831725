//! Components in their compiled form, and what they say of themselves, kept for the next start.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as Place, Semaphore};
use wasmtime::{Engine, component::Component};

use crate::{Compiler, Error};

/// Vouches for what this server has written itself.
///
/// A compiled form is machine code: it is run only if it is the very one that this server compiled.
pub trait Seal: Send + Sync {
    /// A word by which the digest is known again, under this name.
    ///
    /// # Errors
    /// One sentence: why it cannot be sealed.
    fn seal(&self, name: &str, digest: &[u8]) -> Result<String, String>;

    /// Whether the word is the one for this digest under this name.
    fn holds(&self, name: &str, digest: &[u8], word: &str) -> bool;
}

/// Components in their compiled form, by the digest of the component and the engine's version.
pub(crate) struct CompiledForms {
    folder: PathBuf,
    seal: Arc<dyn Seal>,
    compiler: Compiler,
    /// As many are compiled at a time as there are processors.
    turns: Semaphore,
    /// Those that are wanted now, by their names: what several plugins have alike is compiled once.
    wanted: Mutex<HashMap<String, Weak<Place<()>>>>,
}

impl CompiledForms {
    pub(crate) fn new(folder: PathBuf, seal: Arc<dyn Seal>, compiler: Compiler) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { folder, seal, compiler, turns: Semaphore::new(processors), wanted: Mutex::default() }
    }

    /// The component in its compiled form, compiled if it was not; and the name under which it is kept.
    pub(crate) async fn form(
        &self,
        engine: &Engine,
        component: &Path,
        bytes: &[u8],
    ) -> Result<(Component, String), Error> {
        let name = name_of(engine, bytes);
        let form = match self.kept(engine, &name) {
            Some(form) => form,
            None => self.compiled(engine, component, &name).await?,
        };
        Ok((form, name))
    }

    async fn compiled(&self, engine: &Engine, component: &Path, name: &str) -> Result<Component, Error> {
        let place = self.place_of(name);
        let _alone = place.lock().await;
        if let Some(form) = self.kept(engine, name) {
            return Ok(form);
        }
        let _turn = self.turns.acquire().await.map_err(|error| Error::NotCompiled(error.to_string()))?;
        std::fs::create_dir_all(&self.folder).map_err(|cause| unreadable(&self.folder, cause))?;
        let draft = tempfile::Builder::new()
            .prefix(".compiling-")
            .tempdir_in(&self.folder)
            .map_err(|cause| unreadable(&self.folder, cause))?;
        let compiled = draft.path().join("form");
        self.compiler.compile(component, &compiled).await?;
        self.keep(name, &compiled).map_err(|cause| unreadable(&compiled, cause))?;
        self.kept(engine, name).ok_or_else(|| {
            Error::NotCompiled(format!(
                "its compiled form in `{}` is not what was written",
                self.folder.display()
            ))
        })
    }

    /// Where whoever wants the form of that name waits for whoever makes it.
    fn place_of(&self, name: &str) -> Arc<Place<()>> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.retain(|_, place| place.strong_count() > 0);
        let place = wanted.get(name).and_then(Weak::upgrade).unwrap_or_default();
        wanted.insert(name.to_owned(), Arc::downgrade(&place));
        place
    }

    fn keep(&self, name: &str, compiled: &Path) -> io::Result<()> {
        let digest = Sha256::digest(std::fs::read(compiled)?);
        std::fs::File::open(compiled)?.sync_all()?;
        std::fs::rename(compiled, self.form_file(name))?;
        self.vouch(name, &digest)
    }

    fn kept(&self, engine: &Engine, name: &str) -> Option<Component> {
        let file = self.form_file(name);
        self.vouched(name, &file)?;
        match load(engine, &file) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!("`{}` cannot be loaded, and is compiled again: {error:#}", file.display());
                None
            }
        }
    }

    /// What a component has said of itself when it was begun with so many MiB of memory.
    pub(crate) fn description(&self, name: &str, memory: u32) -> Option<String> {
        let name = description_of(name, memory);
        String::from_utf8(self.vouched(&name, &self.folder.join(&name))?).ok()
    }

    /// Keeps what a component has said of itself, so that it need not be begun to be asked again.
    pub(crate) fn keep_description(&self, name: &str, memory: u32, said: &str) {
        let name = description_of(name, memory);
        let write = || {
            let mut draft = tempfile::NamedTempFile::new_in(&self.folder)?;
            draft.write_all(said.as_bytes())?;
            draft.persist(self.folder.join(&name))?;
            self.vouch(&name, &Sha256::digest(said))
        };
        if let Err(error) = write() {
            tracing::warn!(
                "a component's description cannot be kept in `{}`: {error}",
                self.folder.display()
            );
        }
    }

    fn vouch(&self, name: &str, digest: &[u8]) -> io::Result<()> {
        let word = self.seal.seal(name, digest).map_err(io::Error::other)?;
        let mut seal = tempfile::NamedTempFile::new_in(&self.folder)?;
        seal.write_all(word.as_bytes())?;
        seal.persist(self.seal_file(name))?;
        Ok(())
    }

    /// What is in a file, if it is there and this server has written it under that name.
    fn vouched(&self, name: &str, file: &Path) -> Option<Vec<u8>> {
        let word = std::fs::read_to_string(self.seal_file(name)).ok()?;
        let content = std::fs::read(file).ok()?;
        let is_own = self.seal.holds(name, &Sha256::digest(&content), &word);
        if !is_own {
            tracing::warn!("`{}` is not what this server has written: it is made again", file.display());
        }
        is_own.then_some(content)
    }

    fn form_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.compiled"))
    }

    fn seal_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.seal"))
    }
}

/// Maps a compiled form into memory.
#[allow(unsafe_code)]
fn load(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was written by `Engine::precompile_component` in this server's own hands, which the seal over its digest has just
    // shown. It is never written in place: a new form is another file that takes its name, and a mapping keeps the old one.
    unsafe { Component::deserialize_file(engine, file) }
}

fn name_of(engine: &Engine, bytes: &[u8]) -> String {
    let mut version = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut version);
    let digest = Sha256::digest(bytes);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}-{:016x}", version.finish())
}

fn description_of(form: &str, memory: u32) -> String {
    format!("{form}-{memory}.description")
}

fn unreadable(path: &Path, cause: io::Error) -> Error {
    Error::Unreadable { path: path.to_owned(), cause }
}
