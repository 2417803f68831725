//! `switchboard plugin versions|promote|withdraw`: several versions of one plugin side by side.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use semver::Version;
use serde_json::{Value as Json, json};
use switchboard_kernel::VERSIONS;
use switchboard_manifest::PluginId;
use switchboard_packages::Lock;

use super::{
    install::{BEFORE, reload, set_aside},
    installed,
};
use crate::{
    client::Client,
    command::plugin::{address_of, cell, words},
    data_folder::DataFolder,
    output::{Advise, Output},
};

/// Lists the versions that serve, and whom.
///
/// # Errors
/// When there is no such plugin.
pub(super) async fn list(folder: &DataFolder, id: &str, output: &Output) -> anyhow::Result<ExitCode> {
    let client = Client::reach(folder).await?;
    let versions = client.get(&format!("{}/versions", address_of(id)?)).await;
    client.close().await;
    let versions = versions?;
    output.result(&versions, || {
        let row = |it: &Json| {
            let is_everyones = it.get("is_everyones").and_then(Json::as_bool).unwrap_or_default();
            let whom = if is_everyones {
                "everyone else".to_owned()
            } else {
                words(it.get("organizations")).join(", ")
            };
            vec![cell(it, "version"), whom, cell(it, "reason")]
        };
        let rows: Vec<Vec<String>> = versions.as_array().into_iter().flatten().map(row).collect();
        output.table(&["VERSION", "SERVES", "DOES NOT LOAD"], &rows)
    });
    Ok(ExitCode::SUCCESS)
}

/// Has a version serve these organizations.
pub(super) async fn serve(
    client: &Client,
    id: &PluginId,
    version: &Version,
    organizations: &[String],
) -> anyhow::Result<Json> {
    client.put(&address(id, version)?, &json!({ "organizations": organizations })).await
}

/// Makes a version everyone's that serves some.
///
/// # Errors
/// When it serves nobody yet, or does not load; then everything is as it was.
pub(super) async fn promote(
    folder: &DataFolder,
    id: &str,
    version: &Version,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let id: PluginId = id.parse()?;
    let (here, beside) = (installed(folder, &id)?, there(folder, &id, version)?);
    let before = folder.plugins().join(BEFORE).join(id.as_str());
    let client = Client::reach(folder).await?;
    set_aside(&here, &before)?;
    let put = |from: &Path, to: &Path| {
        fs::rename(from, to).with_context(|| format!("{} cannot be put in place", to.display()))
    };
    put(&beside, &here)?;
    let reloaded = reload(&client, &id).await;
    client.close().await;
    if let Err(error) = reloaded {
        put(&here, &beside)?;
        put(&before, &here)?;
        return Err(error.context(format!("{id} {version} was not made everyone's")));
    }
    output.result(&json!({ "id": id, "version": version }), || {
        format!("{id} {version} serves everyone; `switchboard plugin rollback {id}` goes back.")
    });
    Ok(ExitCode::SUCCESS)
}

/// Has whom a version serves be served by the one that is everyone's again, and removes it.
///
/// # Errors
/// When it serves nobody.
pub(super) async fn withdraw(
    folder: &DataFolder,
    id: &str,
    version: &Version,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let id: PluginId = id.parse()?;
    let client = Client::reach(folder).await?;
    let withdrawn = client.delete(&address(&id, version)?).await;
    client.close().await;
    withdrawn?;
    remove_folder(folder, &id, version)?;
    let mut lock = Lock::load(&folder.plugins_lock())?;
    if lock.remove(&id, version).is_some() {
        lock.save()?;
    }
    output.result(&json!({ "id": id, "version": version, "outcome": "withdrawn" }), || {
        format!("{id} {version} is withdrawn: whom it served, the version that is everyone's serves again.")
    });
    Ok(ExitCode::SUCCESS)
}

/// Removes a version that serves nobody alone any more.
pub(super) fn remove_folder(folder: &DataFolder, id: &PluginId, version: &Version) -> anyhow::Result<()> {
    let beside = folder_of(folder, id, version);
    if beside.exists() {
        fs::remove_dir_all(&beside).with_context(|| format!("{} cannot be removed", beside.display()))?;
    }
    Ok(())
}

/// Where a version stands that serves beside the one that is everyone's.
pub(super) fn folder_of(folder: &DataFolder, id: &PluginId, version: &Version) -> PathBuf {
    folder.plugins().join(VERSIONS).join(id.as_str()).join(version.to_string())
}

fn there(folder: &DataFolder, id: &PluginId, version: &Version) -> anyhow::Result<PathBuf> {
    let there = folder_of(folder, id, version);
    if there.is_dir() {
        return Ok(there);
    }
    Err(anyhow!("{id} {version} serves nobody here"))
        .advise(format!("`switchboard plugin versions {id}` shows which do"))
}

fn address(id: &PluginId, version: &Version) -> anyhow::Result<String> {
    // A `+` of a version's build stands for itself in an address.
    Ok(format!("{}/versions/{version}", address_of(id.as_str())?))
}
