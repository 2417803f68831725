//! `switchboard plugin export`: what is installed becomes a file again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use serde_json::json;
use switchboard_kernel::room_of;
use switchboard_manifest::PluginId;
use switchboard_packages::Lock;
use switchboard_store::{Options as StoreOptions, Store};

use super::{in_bytes, installed, pack};
use crate::{
    cli,
    client::is_served,
    data_folder::DataFolder,
    operator_settings::OperatorSettings,
    output::{Advise, Output, Tone},
    scratch::Scratch,
};

/// Writes the package, and the plugin's tables beside it where that is asked for.
///
/// # Errors
/// When it is not installed, or a file cannot be read or written.
pub(super) async fn run(folder: &DataFolder, how: &cli::Export, output: &Output) -> anyhow::Result<ExitCode> {
    let id: PluginId = how.id.parse()?;
    let (file, package) = pack::packed(&installed(folder, &id)?, how.output.as_deref())?;
    let lock = Lock::load(&folder.plugins_lock())?;
    let noted = lock.find(&id, &package.manifest().version).map(|it| it.digest);
    let is_as_installed = noted.map(|noted| noted == package.digest());
    let data = match how.with_data {
        true => Some(copy_tables(folder, &id, &file.with_extension("sqlite")).await?),
        false => None,
    };
    let result = json!({
        "file": file,
        "data": data,
        "id": id,
        "version": package.manifest().version,
        "size": package.size(),
        "digest": package.digest(),
        "as_installed": is_as_installed,
    });
    output.result(&result, || {
        let version = &package.manifest().version;
        let size = in_bytes(package.size());
        let mut lines = vec![format!("{}: {id} {version}, {size}\n{}", file.display(), package.digest())];
        lines.extend(data.as_ref().map(|data| format!("{}: its tables", data.display())));
        let warning = output.paint(Tone::Warning, "attention:");
        lines.extend(match is_as_installed {
            Some(true) => None,
            Some(false) => {
                Some(format!("{warning} it is not the package that was installed: its files were changed since, or packed by another version"))
            }
            None => Some(format!("{warning} nothing says which package was installed: the folder was put there by hand")),
        });
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// Copies the plugin's room, as a backup does.
async fn copy_tables(folder: &DataFolder, id: &PluginId, file: &Path) -> anyhow::Result<PathBuf> {
    if OperatorSettings::read(folder.root())?.database.is_some() {
        return Err(anyhow!("the tables of `{id}` are in PostgreSQL, which makes copies by its own tools"))
            .advise(format!("pg_dump --schema=switchboard_{} copies them", room_of(id)));
    }
    // A server that runs stays; where none does, none starts before this is done.
    let lock = match is_served(folder).await {
        true => None,
        false => Some(folder.take()?),
    };
    let store = Store::open_sqlite(&folder.databases(), StoreOptions::default())?;
    let name = room_of(id);
    if !store.rooms().await?.contains(&name) {
        return Err(anyhow!("`{id}` keeps no tables")).advise("leave --with-data out");
    }
    let partial = Scratch::beside(file, "partial");
    store.room(&name).await?.snapshot(partial.path()).await?;
    fs::rename(partial.path(), file).with_context(|| format!("{} cannot be written", file.display()))?;
    partial.keep();
    if lock.is_some() {
        store.close().await;
    }
    Ok(file.to_owned())
}
