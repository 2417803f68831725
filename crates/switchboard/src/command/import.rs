//! `switchboard import`: taking over what another system has.

use std::process::ExitCode;

use serde_json::json;

use crate::{cli, client::Client, command::report, data_folder::DataFolder, feature_flags, output::Output};

/// Imports what was asked for.
///
/// # Errors
/// Every fault of the files, or what the administration says against it; then nothing was done.
pub(crate) async fn run(
    folder: &DataFolder,
    what: &cli::Import,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let cli::Import::FeatureFlags { file, mapping, together, dry_run } = what;
    let switches = feature_flags::read(file, mapping)?;
    let client = Client::reach(folder).await?;
    let bulk = json!({ "switches": switches, "together": together, "dry_run": dry_run });
    let reported = client.post(report::ADDRESS, &bulk).await;
    client.close().await;
    let report = reported?;
    Ok(report::tell(&report, &report, *dry_run, output))
}
