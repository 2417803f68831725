//! `switchboard secrets`: the keys that secrets are sealed with.

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use crate::{
    cli,
    client::Client,
    command::plugin::text,
    data_folder::DataFolder,
    output::{FOUND_WANTING, Output},
};

const ADDRESS: &str = "/api/admin/secrets";

/// Shows the keys, or rotates them.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(
    folder: &DataFolder,
    what: &cli::Secrets,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let client = Client::reach(folder).await?;
    let done = match what {
        cli::Secrets::Status => status(&client, output).await,
        cli::Secrets::Rotate => rotate(&client, output).await,
    };
    client.close().await;
    done
}

async fn status(client: &Client, output: &Output) -> anyhow::Result<ExitCode> {
    let status = client.get(ADDRESS).await?;
    let keys = status.get("keys").and_then(Json::as_array).cloned().unwrap_or_default();
    let is = |key: &Json, what: &str| key.get(what) == Some(&Json::Bool(true));
    output.result(&status, || {
        let rows: Vec<Vec<String>> = keys
            .iter()
            .map(|key| {
                let role = match (is(key, "missing"), is(key, "seals")) {
                    (true, _) => "MISSING: what is sealed with it does not open",
                    (false, true) => "seals and opens",
                    (false, false) => "opens",
                };
                let count = key.get("secrets").map_or_else(|| "-".to_owned(), Json::to_string);
                vec![text(key, "key").unwrap_or("-").to_owned(), count, role.to_owned()]
            })
            .collect();
        let table = output.table(&["KEY", "SECRETS", ""], &rows);
        format!("{table}\n\nThe keys are in {}.", text(&status, "key_file").unwrap_or("memory"))
    });
    let is_missing = keys.iter().any(|key| is(key, "missing"));
    Ok(if is_missing { ExitCode::from(FOUND_WANTING) } else { ExitCode::SUCCESS })
}

async fn rotate(client: &Client, output: &Output) -> anyhow::Result<ExitCode> {
    let rotated = client.post(&format!("{ADDRESS}/rotate"), &json!({})).await?;
    let list = |name: &str| -> Vec<String> {
        let items = rotated.get(name).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let left = list("left");
    output.result(&rotated, || {
        let count = rotated.get("resealed").and_then(Json::as_u64).unwrap_or_default();
        let secrets = if count == 1 { "secret is" } else { "secrets are" };
        let mut lines = vec![format!(
            "{count} {secrets} sealed with the new key {}.",
            text(&rotated, "key").unwrap_or("-")
        )];
        let dropped = list("dropped");
        if !dropped.is_empty() {
            lines.push(format!("Gone, as nothing is sealed with it any more: {}.", dropped.join(", ")));
            lines.push(
                "Backups of before need it still: keep the copy of the key file that belongs to them."
                    .to_owned(),
            );
        }
        lines.extend(left.iter().map(|sentence| format!("left as it is: {sentence}")));
        lines.join("\n")
    });
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WANTING) })
}
