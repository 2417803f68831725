//! `switchboard authz`: who may do what, and why.

use std::process::ExitCode;

use serde_json::Value as Json;

use crate::{
    cli,
    client::Client,
    data_folder::DataFolder,
    output::{FOUND_WANTING, Output, Tone},
};

/// Explains a decision.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(folder: &DataFolder, what: &cli::Authz, output: &Output) -> anyhow::Result<ExitCode> {
    let cli::Authz::Explain { who, action, resource } = what;
    let client = Client::reach(folder).await?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("who", who).append_pair("action", action);
    if let Some(resource) = resource {
        query.append_pair("resource", resource);
    }
    let explained = client.get(&format!("/api/admin/authorization?{}", query.finish())).await;
    client.close().await;
    let explained = explained?;
    let is_allowed = explained.get("allowed").and_then(Json::as_bool).unwrap_or_default();
    output.result(&explained, || in_words(&explained, is_allowed, output));
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WANTING) })
}

fn in_words(explained: &Json, is_allowed: bool, output: &Output) -> String {
    let list = |name: &str| -> Vec<String> {
        let items = explained.get(name).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let mut lines = vec![match is_allowed {
        true => output.paint(Tone::Strong, "allowed"),
        false => output.paint(Tone::Bad, "refused"),
    }];
    let roles = list("roles");
    if !roles.is_empty() {
        lines.push(format!("roles     {}", roles.join(", ")));
    }
    lines.extend(list("because").iter().map(|reason| format!("because   {reason}")));
    lines.join("\n")
}
