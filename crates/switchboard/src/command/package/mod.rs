//! `switchboard plugin pack|inspect|key|sign|verify|trust|push|install|rollback|remove|export|versions|promote|withdraw`: the files that plugins travel in.

mod export;
mod inspect;
mod install;
mod keys;
mod pack;
mod push;
mod remove;
mod sign;
mod trust;
mod verify;
mod versions;

use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, ensure};
use switchboard_manifest::PluginId;
use switchboard_packages::{Credentials, PublicKey};

use crate::{
    cli,
    data_folder::DataFolder,
    output::{Advise, Output},
};

/// A key's file is at most this large, in bytes; they have some hundreds.
const LARGEST_KEY: u64 = 8 << 10;

/// Does what is asked for with a package, or with the keys of those who sign them.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(super) async fn run(
    folder: &DataFolder,
    what: &cli::Package,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match what {
        cli::Package::Pack { folder, out } => pack::run(folder, out.as_deref(), output),
        cli::Package::Inspect { source } => inspect::run(folder, source, output).await,
        cli::Package::Key(cli::Key::New { name, no_password }) => keys::run(name, *no_password, output),
        cli::Package::Sign { file, key } => sign::run(file, key, output),
        cli::Package::Verify { file, key } => verify::run(folder, file, key.as_deref(), output),
        cli::Package::Trust(what) => trust::run(folder, what, output),
        cli::Package::Install(how) => install::install(folder, how, output).await,
        cli::Package::Rollback { id } => install::rollback(folder, id, output).await,
        cli::Package::Remove(how) => remove::run(folder, how, output).await,
        cli::Package::Versions { id } => versions::list(folder, id, output).await,
        cli::Package::Promote { id, version } => versions::promote(folder, id, version, output).await,
        cli::Package::Withdraw { id, version } => versions::withdraw(folder, id, version, output).await,
        cli::Package::Export(how) => export::run(folder, how, output).await,
        cli::Package::Push { file, to } => push::run(file, to, output).await,
    }
}

/// The folder of a plugin that is installed from a package.
fn installed(folder: &DataFolder, id: &PluginId) -> anyhow::Result<PathBuf> {
    let here = folder.plugins().join(id.as_str());
    if here.is_dir() {
        return Ok(here);
    }
    Err(anyhow!("`{id}` is not installed here"))
        .advise("`switchboard plugin list` shows what there is; what is part of the server is switched off, not removed")
}

/// Asks whether something may be done; an error unless somebody says yes.
fn confirm(question: &str, refused: &'static str, unasked: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(anyhow!("somebody must consent to this, and nobody can be asked here")).advise(unasked);
    }
    let mut standard = std::io::stderr();
    write!(standard, "{question} [y/N] ")?;
    standard.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), refused);
    Ok(())
}

/// Who asks a registry, as the environment says.
fn credentials() -> Option<Credentials> {
    let said = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    Some(Credentials {
        user: said("SWITCHBOARD_REGISTRY_USER")?,
        password: said("SWITCHBOARD_REGISTRY_PASSWORD")?,
    })
}

/// A public key, given as its file or as its line.
fn public_key(given: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = PublicKey::parse(given) {
        return Ok(key);
    }
    let text = key_file(Path::new(given))?;
    PublicKey::parse(&text).with_context(|| format!("{given} cannot be used"))
}

/// The text of a key's file.
fn key_file(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let about = fs::metadata(path)
        .with_context(|| format!("the key {shown} cannot be read"))
        .advise("`switchboard plugin key new` makes a pair")?;
    anyhow::ensure!(about.len() <= LARGEST_KEY, "{shown} is too large to be a key");
    fs::read_to_string(path).with_context(|| format!("the key {shown} cannot be read"))
}

/// A number of bytes as people read it.
fn in_bytes(size: u64) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{:.1} KiB", size as f64 / 1024.0),
        _ => format!("{:.1} MiB", size as f64 / 1_048_576.0),
    }
}

/// A text of somebody else as one that does nothing to a terminal.
fn plain(text: &str) -> String {
    text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
