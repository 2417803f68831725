//! `switchboard plugin new`: a plugin to begin with.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use serde_json::json;
use switchboard_authoring::{Starter, begin};

use crate::{cli, output::Output};

/// Writes the starter.
///
/// # Errors
/// When the name is none, or the folder is there already.
pub(super) fn run(new: &cli::New, output: &Output) -> anyhow::Result<ExitCode> {
    let cli::New { id, lang, folder, sdk } = new;
    let id = id.parse().context("the plugin needs another name")?;
    let folder = folder.clone().unwrap_or_else(|| PathBuf::from(&new.id));
    let sdk =
        sdk.as_ref().map(|sdk| sdk.canonicalize()).transpose().context("the SDK's folder cannot be found")?;
    begin(&Starter { id, language: lang, sdk: sdk.as_deref() }, &folder)?;
    output.result(&json!({ "id": new.id, "language": lang, "folder": folder }), || {
        let place = folder.display();
        format!(
            "{place} is a plugin with one route, and its tests.\n\n  cd {place}\n  switchboard plugin dev\n  switchboard plugin test"
        )
    });
    Ok(ExitCode::SUCCESS)
}
