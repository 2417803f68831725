//! `switchboard plugin install|rollback`: packages come to serve, in place of what served before and back.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, ensure};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use switchboard_manifest::{Manifest, PluginId, Route};
use switchboard_packages::{
    Agreement, Bounds, Change, Consent, Escalation, FetchBounds, Fetched, Freshness, Installed, Lock,
    Package, ReleaseAge, Source, Step, TrustedKeys, fetch,
};

use super::{confirm, credentials, inspect::wanting, plain, versions};
use crate::{
    cli,
    client::Client,
    command::plugin::address_of,
    data_folder::DataFolder,
    output::{Advise, Output, Tone},
};

/// Within the folder of plugins: what served before the last installation, to go back to.
pub(super) const BEFORE: &str = ".before";

/// Installs a package, in place of the version that is there, if one is.
///
/// # Errors
/// When it cannot be had, is none, is not consented to, or does not load; then everything is as it was.
pub(super) async fn install(
    folder: &DataFolder,
    how: &cli::Install,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let source: Source = how.source.parse()?;
    let bounds = FetchBounds::default();
    let fetched = fetch(&source, credentials().as_ref(), &bounds)
        .await
        .with_context(|| format!("{source} cannot be had"))?;
    let package = Package::read(&fetched.bytes, &Bounds::default())
        .with_context(|| format!("{source} is no right package"))?;
    let manifest = package.manifest();
    let refused = wanting(&Agreement::of(manifest, package.component()));
    ensure!(
        refused.is_empty(),
        "{} {} would not load: {}",
        manifest.id,
        manifest.version,
        refused.join("; ")
    );
    let signed_by = signer(folder, &fetched)?;
    old_enough(&fetched, how)?;
    let mut lock = Lock::load(&folder.plugins_lock())?;
    let change = lock.change(manifest, package.digest(), signed_by.as_deref());
    if change.needs_consent() && !how.yes {
        consent(manifest, &change, signed_by.as_deref(), output)?;
    }
    let client = Client::reach_or_make(folder).await?;
    let (placed, served) = match how.only_for.is_empty() {
        true => (Placed::unpack(folder, &package)?, reload(&client, &manifest.id).await),
        false => (
            Placed::beside(folder, &package)?,
            versions::serve(&client, &manifest.id, &manifest.version, &how.only_for).await,
        ),
    };
    let reloaded = match served {
        Ok(reloaded) => reloaded,
        Err(error) => {
            placed.put_back()?;
            client.close().await;
            return Err(error.context(format!("{} {} is not installed", manifest.id, manifest.version)));
        }
    };
    if how.only_for.is_empty() {
        // It is everyone's now, and no longer of some alone.
        versions::remove_folder(folder, &manifest.id, &manifest.version)?;
    }
    lock.put(Installed {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        source,
        digest: package.digest(),
        signed_by,
        released: fetched.released,
        installed_by: std::env::var("USER").unwrap_or_else(|_| "administrator".to_owned()),
        installed_at: Timestamp::now(),
        consent: Consent::of(manifest),
    });
    let from = match &change.step {
        Step::Up { from } | Step::Down { from } => Some(from),
        Step::First | Step::Again | Step::Rewritten => None,
    };
    // What is kept to go back to stays noted with what was consented to; nothing older does.
    let noted = lock.all().iter().filter(|it| it.id == manifest.id).map(|it| it.version.clone());
    for old in noted.collect::<Vec<_>>() {
        if how.only_for.is_empty() && old != manifest.version && Some(&old) != from {
            lock.remove(&manifest.id, &old);
        }
    }
    lock.save()?;
    client.close().await;
    let result = json!({ "id": manifest.id, "version": manifest.version, "from": from, "outcome": reloaded.get("outcome") });
    output.result(&result, || match &from {
        _ if !how.only_for.is_empty() => format!(
            "{} {} serves {}; `switchboard plugin promote {0} {1}` makes it everyone's, `switchboard plugin withdraw {0} {1}` takes it away.",
            manifest.id,
            manifest.version,
            how.only_for.join(", ")
        ),
        Some(from) => format!(
            "{} {} serves in place of {from}; `switchboard plugin rollback {}` goes back.",
            manifest.id, manifest.version, manifest.id
        ),
        None => format!("{} {} serves.", manifest.id, manifest.version),
    });
    Ok(ExitCode::SUCCESS)
}

/// Puts back what served before the last installation.
///
/// # Errors
/// When there is nothing to go back to, or it does not load; then everything is as it was.
pub(super) async fn rollback(folder: &DataFolder, id: &str, output: &Output) -> anyhow::Result<ExitCode> {
    let id: PluginId = id.parse()?;
    let (here, before) =
        (folder.plugins().join(id.as_str()), folder.plugins().join(BEFORE).join(id.as_str()));
    if !before.is_dir() {
        return Err(anyhow!("there is no earlier version of `{id}` to go back to"))
            .advise("what served before the last `switchboard plugin install` is kept, and only that");
    }
    let client = Client::reach(folder).await?;
    swap(&here, &before)?;
    let reloaded = match reload(&client, &id).await {
        Ok(reloaded) => reloaded,
        Err(error) => {
            swap(&here, &before)?;
            client.close().await;
            return Err(error.context(format!("`{id}` was not put back")));
        }
    };
    client.close().await;
    output.result(&reloaded, || {
        let version = reloaded.get("version").and_then(Json::as_str).unwrap_or("its earlier version");
        format!("{id} {version} serves again.")
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn reload(client: &Client, id: &PluginId) -> anyhow::Result<Json> {
    client.post(&format!("{}/reload", address_of(id.as_str())?), &json!({})).await
}

/// The trusted key that signed it, by its id; none where nobody did whom the administrator trusts.
fn signer(folder: &DataFolder, fetched: &Fetched) -> anyhow::Result<Option<String>> {
    let Some(signature) = &fetched.signature else { return Ok(None) };
    let trusted = TrustedKeys::open(&folder.trusted_keys())?;
    let signed = trusted.who_signed(&fetched.bytes, signature);
    let signed = signed.with_context(|| format!("the signature of {} is not right", fetched.source))?;
    Ok(signed.map(|(_, signed)| signed.key))
}

fn old_enough(fetched: &Fetched, how: &cli::Install) -> anyhow::Result<()> {
    match ReleaseAge::days(how.min_age_days).of(fetched.released, Timestamp::now()) {
        Freshness::OldEnough => Ok(()),
        Freshness::TooFresh { until } => Err(anyhow!(
            "{} was released less than {} days ago: it may be installed from {until} on",
            fetched.source,
            how.min_age_days
        ))
        .advise("a release that somebody had no right to make is often noticed within days; --min-age-days 0 does not wait"),
        Freshness::Unknown => Err(anyhow!("nobody says when {} was released", fetched.source))
            .advise("--min-age-days 0 installs it all the same"),
    }
}

/// Shows what it asks for, and asks whether it may.
fn consent(
    manifest: &Manifest,
    change: &Change,
    signed_by: Option<&str>,
    output: &Output,
) -> anyhow::Result<()> {
    let title = format!("{} {}", manifest.id, manifest.version);
    let mut lines = vec![format!("{}  {}", output.paint(Tone::Strong, &title), plain(&manifest.description))];
    lines.push(match (&change.other_key, signed_by) {
        (Some((before, _)), now) => format!(
            "{} it is signed by {}, and the version before by {}",
            output.paint(Tone::Warning, "attention:"),
            now.unwrap_or("nobody you trust"),
            before.as_deref().unwrap_or("nobody you trust")
        ),
        (None, Some(key)) => format!("signed by {key}, whom you trust"),
        (None, None) => format!("{} by nobody whom you trust", output.paint(Tone::Warning, "signed")),
    });
    if change.escalations.is_empty() {
        lines.push("It asks for nothing that was not consented to.".to_owned());
    } else {
        let beyond =
            if change.step == Step::First { "It asks for:" } else { "It asks for more than before:" };
        lines.push(beyond.to_owned());
        lines.extend(
            change.escalations.iter().map(|escalation| format!("  - {}", asked(escalation, manifest))),
        );
    }
    output.note(&lines.join("\n"));
    confirm("Install it?", "nothing was installed", "--yes consents to what is shown above")
}

/// Something that is asked for, with the reason that the manifest gives.
fn asked(escalation: &Escalation, manifest: &Manifest) -> String {
    match escalation {
        Escalation::Capability(name) => {
            let request = manifest.capabilities.iter().find(|request| request.name == *name);
            format!("{name}: {}", plain(request.map_or("", |request| request.reason.as_str())))
        }
        Escalation::Host(host) => format!("calling {}", plain(host)),
        Escalation::ReadFrom(plugin) => format!("reading the blobs of {}", plain(plugin)),
        Escalation::Secret(name) => format!("the secret {}", plain(name)),
        Escalation::RootRoute(route) => {
            let is_this = |it: &&Route| format!("{} {}", it.method, manifest.address_of(it)) == *route;
            let reason =
                manifest.provides.api_routes.iter().find(is_this).and_then(|it| it.reason.as_deref());
            format!(
                "answering at {}, outside of its own address: {}",
                plain(route),
                plain(reason.unwrap_or_default())
            )
        }
        Escalation::PublicRoute(route) => {
            format!("answering everybody at {}, also without a token", plain(route))
        }
        Escalation::Listener(event) => format!("hearing {} of other plugins", plain(event)),
        Escalation::Filter(point) => {
            format!("changing or refusing what passes through {} of another plugin", plain(point))
        }
        Escalation::Limit { name, from, to } => {
            let bound =
                |bound: &Option<u64>| bound.map_or("without bound".to_owned(), |bound| bound.to_string());
            format!("limits.{name} of {} instead of {}", bound(to), bound(from))
        }
    }
}

/// A package in its place, and the way back.
struct Placed {
    here: PathBuf,
    before: PathBuf,
    had_one: bool,
}

impl Placed {
    fn unpack(folder: &DataFolder, package: &Package) -> anyhow::Result<Self> {
        let (id, plugins) = (package.manifest().id.as_str(), folder.plugins());
        Self::at(folder, package, plugins.join(id), plugins.join(BEFORE).join(id))
    }

    /// Unpacks it to where versions stand that serve beside the one that is everyone's.
    fn beside(folder: &DataFolder, package: &Package) -> anyhow::Result<Self> {
        let Manifest { id, version, .. } = package.manifest();
        let before = folder.plugins().join(format!(".replaced-{id}"));
        Self::at(folder, package, versions::folder_of(folder, id, version), before)
    }

    fn at(folder: &DataFolder, package: &Package, here: PathBuf, before: PathBuf) -> anyhow::Result<Self> {
        let plugins = folder.plugins();
        for needed in [Some(plugins.as_path()), here.parent()].into_iter().flatten() {
            fs::create_dir_all(needed).with_context(|| format!("{} cannot be made", needed.display()))?;
        }
        let incoming = plugins.join(format!(".incoming-{}", package.manifest().id));
        if incoming.exists() {
            // Left by an installation that was broken off.
            fs::remove_dir_all(&incoming)
                .with_context(|| format!("{} cannot be removed", incoming.display()))?;
        }
        package.unpack(&incoming)?;
        let had_one = here.is_dir();
        if had_one {
            set_aside(&here, &before)?;
        }
        fs::rename(&incoming, &here).with_context(|| format!("{} cannot be put in place", here.display()))?;
        Ok(Self { here, before, had_one })
    }

    fn put_back(self) -> anyhow::Result<()> {
        let Self { here, before, had_one } = self;
        fs::remove_dir_all(&here).with_context(|| format!("{} cannot be removed", here.display()))?;
        if had_one {
            fs::rename(&before, &here).with_context(|| format!("{} cannot be put back", here.display()))?;
        }
        Ok(())
    }
}

/// Moves a plugin's folder elsewhere, in place of an earlier one.
pub(super) fn set_aside(here: &Path, before: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be set aside", here.display());
    if let Some(parent) = before.parent() {
        fs::create_dir_all(parent).with_context(failed)?;
    }
    if before.exists() {
        fs::remove_dir_all(before).with_context(failed)?;
    }
    fs::rename(here, before).with_context(failed)
}

/// Has two folders change places; the first may be absent.
fn swap(here: &Path, before: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be put in place", here.display());
    let meanwhile = before.with_extension("meanwhile");
    fs::rename(before, &meanwhile).with_context(failed)?;
    if here.exists() {
        fs::rename(here, before).with_context(failed)?;
    }
    fs::rename(&meanwhile, here).with_context(failed)
}
