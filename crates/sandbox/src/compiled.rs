//! Components in their compiled form, kept for the next start.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
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
    /// One is compiled at a time: a burst of installs slows nobody.
    turn: Semaphore,
}

impl CompiledForms {
    pub(crate) fn new(folder: PathBuf, seal: Arc<dyn Seal>, compiler: Compiler) -> Self {
        Self { folder, seal, compiler, turn: Semaphore::new(1) }
    }

    /// The component in its compiled form, compiled if it was not.
    pub(crate) async fn form(
        &self,
        engine: &Engine,
        component: &Path,
        bytes: &[u8],
    ) -> Result<Component, Error> {
        let name = name_of(engine, bytes);
        if let Some(form) = self.kept(engine, &name) {
            return Ok(form);
        }
        let _turn = self.turn.acquire().await.map_err(|error| Error::NotCompiled(error.to_string()))?;
        if let Some(form) = self.kept(engine, &name) {
            return Ok(form);
        }
        std::fs::create_dir_all(&self.folder).map_err(|cause| unreadable(&self.folder, cause))?;
        let draft = tempfile::Builder::new()
            .prefix(".compiling-")
            .tempdir_in(&self.folder)
            .map_err(|cause| unreadable(&self.folder, cause))?;
        let compiled = draft.path().join("form");
        self.compiler.compile(component, &compiled).await?;
        self.keep(&name, &compiled).map_err(|cause| unreadable(&compiled, cause))?;
        self.kept(engine, &name).ok_or_else(|| {
            Error::NotCompiled(format!(
                "its compiled form in `{}` is not what was written",
                self.folder.display()
            ))
        })
    }

    fn keep(&self, name: &str, compiled: &Path) -> io::Result<()> {
        let digest = Sha256::digest(std::fs::read(compiled)?);
        let word = self.seal.seal(name, &digest).map_err(io::Error::other)?;
        let mut seal = tempfile::NamedTempFile::new_in(&self.folder)?;
        seal.write_all(word.as_bytes())?;
        std::fs::File::open(compiled)?.sync_all()?;
        std::fs::rename(compiled, self.form_file(name))?;
        seal.persist(self.seal_file(name))?;
        Ok(())
    }

    fn kept(&self, engine: &Engine, name: &str) -> Option<Component> {
        let (file, seal) = (self.form_file(name), self.seal_file(name));
        let word = std::fs::read_to_string(seal).ok()?;
        let digest = Sha256::digest(std::fs::read(&file).ok()?);
        if !self.seal.holds(name, &digest, &word) {
            tracing::warn!(
                "`{}` is not what this server compiled: the component is compiled again",
                file.display()
            );
            return None;
        }
        match load(engine, &file) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!("`{}` cannot be loaded, and is compiled again: {error:#}", file.display());
                None
            }
        }
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

fn unreadable(path: &Path, cause: io::Error) -> Error {
    Error::Unreadable { path: path.to_owned(), cause }
}
