//! `switchboard plugin remove`: a plugin goes, and its data stays or goes with it.

use std::{fs, process::ExitCode};

use anyhow::{Context, bail};
use serde_json::{Value as Json, json};
use switchboard_kernel::VERSIONS;
use switchboard_manifest::PluginId;
use switchboard_packages::Lock;

use super::{
    confirm, in_bytes,
    install::{BEFORE, reload, set_aside},
    installed,
};
use crate::{
    cli,
    client::Client,
    command::plugin::{address_of, text, words},
    data_folder::DataFolder,
    output::{Advise, Output, Tone},
};

/// Takes a plugin away, and all that it keeps where that is asked for.
///
/// # Errors
/// When others require it, or it is not installed and nothing is kept of it; then everything is as it was. When it is broken off,
/// doing it again goes on.
pub(super) async fn run(folder: &DataFolder, how: &cli::Remove, output: &Output) -> anyhow::Result<ExitCode> {
    let id: PluginId = how.id.parse()?;
    if !how.purge {
        installed(folder, &id)?;
    }
    let client = Client::reach(folder).await?;
    let removed = match how.purge {
        true => purge(folder, &client, &id, how.yes, output).await,
        false => take_away(folder, &client, &id).await,
    };
    client.close().await;
    let data = removed?;
    forget(folder, &id)?;
    let outcome = if how.purge { "purged" } else { "removed" };
    output.result(&json!({ "id": id, "outcome": outcome, "data": data }), || match how.purge {
        true => format!("{id} is removed, with all that it kept."),
        false => format!("{id} is removed. Its data stays, for when it is installed again."),
    });
    Ok(ExitCode::SUCCESS)
}

async fn take_away(folder: &DataFolder, client: &Client, id: &PluginId) -> anyhow::Result<Json> {
    let going = Going::of(folder, id)?;
    if let Err(error) = reload(client, id).await {
        going.put_back()?;
        return Err(error.context(format!("`{id}` was not removed")));
    }
    Ok(Json::Null)
}

/// What goes for good is told; what there was is the result.
async fn purge(
    folder: &DataFolder,
    client: &Client,
    id: &PluginId,
    is_agreed: bool,
    output: &Output,
) -> anyhow::Result<Json> {
    let address = format!("{}/data", address_of(id.as_str())?);
    let there = client.get(&address).await?;
    output.note(&in_words(id, &there, output));
    let dependents = words(there.get("required_by"));
    if !dependents.is_empty() {
        bail!("`{id}` is required by {}: remove those first", dependents.join(", "));
    }
    if !is_agreed {
        confirm("Remove all of it for good?", "nothing was removed", "--yes removes what is shown above")?;
    }
    let going = Going::of(folder, id)?;
    match client.delete(&address).await {
        Ok(gone) => Ok(gone),
        Err(error) => {
            let still = client.get(&address).await.is_ok_and(|it| text(&it, "version").is_some());
            if still {
                going.put_back()?;
                return Err(error.context(format!("`{id}` was not removed")));
            }
            Err(error.context(format!("`{id}` serves no more, and not all that it kept is gone")))
                .advise(format!("`switchboard plugin remove {id} --purge` removes the rest"))
        }
    }
}

fn in_words(id: &PluginId, there: &Json, output: &Output) -> String {
    let number = |name: &str| there.get(name).and_then(Json::as_u64).unwrap_or_default();
    let title = format!("{id} {}", text(there, "version").unwrap_or("(not installed any more)"));
    let mut lines = vec![format!("{}  goes for good, with:", output.paint(Tone::Strong, &title))];
    for table in there.get("tables").and_then(Json::as_array).into_iter().flatten() {
        let rows = table.get("rows").and_then(Json::as_u64);
        let rows = rows.map_or("more rows than are counted at once".to_owned(), |rows| counted(rows, "row"));
        lines.push(format!("  - the table {}: {rows}", text(table, "name").unwrap_or("-")));
    }
    let mut some = |count: u64, what: String| {
        if count > 0 {
            lines.push(format!("  - {what}"));
        }
    };
    let (keys, blobs, tasks, events) = (number("keys"), number("blobs"), number("tasks"), number("events"));
    some(keys, counted(keys, "small value"));
    some(blobs, format!("{}, {} together", counted(blobs, "blob"), in_bytes(number("blob_bytes"))));
    some(tasks, format!("{} that wait or run", counted(tasks, "task")));
    some(events, format!("{} that not everyone has heard", counted(events, "event")));
    let is_configured = there.get("is_configured").and_then(Json::as_bool).unwrap_or_default();
    some(is_configured.into(), "its configuration for the installation".to_owned());
    let (configured, enabled) = (number("configured_in"), number("enabled_in"));
    some(configured, format!("its configuration for {}", counted(configured, "organization")));
    some(enabled, format!("that it is switched on in {}", counted(enabled, "organization")));
    if lines.len() == 1 {
        lines.push("  nothing: it keeps no data".to_owned());
    }
    lines.join("\n")
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Forgets the package, and its other versions.
fn forget(folder: &DataFolder, id: &PluginId) -> anyhow::Result<()> {
    let plugins = folder.plugins();
    let kept = [BEFORE, VERSIONS].map(|name| plugins.join(name).join(id.as_str()));
    for gone in kept.into_iter().chain([aside(folder, id)]) {
        if gone.exists() {
            fs::remove_dir_all(&gone).with_context(|| format!("{} cannot be removed", gone.display()))?;
        }
    }
    let mut lock = Lock::load(&folder.plugins_lock())?;
    let versions: Vec<_> = lock.all().iter().filter(|it| it.id == *id).map(|it| it.version.clone()).collect();
    for version in &versions {
        lock.remove(id, version);
    }
    if !versions.is_empty() {
        lock.save()?;
    }
    Ok(())
}

/// Where a plugin's folder is while it is being removed; what begins with a dot is no plugin.
fn aside(folder: &DataFolder, id: &PluginId) -> std::path::PathBuf {
    folder.plugins().join(format!(".removing-{id}"))
}

/// A plugin's folder that is out of its place, if there was one.
struct Going<'a> {
    folder: &'a DataFolder,
    id: &'a PluginId,
    was_here: bool,
}

impl<'a> Going<'a> {
    fn of(folder: &'a DataFolder, id: &'a PluginId) -> anyhow::Result<Self> {
        let here = folder.plugins().join(id.as_str());
        let was_here = here.is_dir();
        if was_here {
            set_aside(&here, &aside(folder, id))?;
        }
        Ok(Self { folder, id, was_here })
    }

    fn put_back(self) -> anyhow::Result<()> {
        let here = self.folder.plugins().join(self.id.as_str());
        if self.was_here {
            let failed = || format!("{} cannot be put back", here.display());
            fs::rename(aside(self.folder, self.id), &here).with_context(failed)?;
        }
        Ok(())
    }
}
