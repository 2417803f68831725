//! `switchboard plugin rollout`: how far a plugin is rolled out.

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use crate::{
    cli,
    client::Client,
    command::{
        plugin::{address_of, text},
        report::{self, count},
    },
    output::Output,
};

/// Shows, sets or ends a rollout.
///
/// # Errors
/// What the administration says against it.
pub(super) async fn run(client: &Client, what: &cli::Rollout, output: &Output) -> anyhow::Result<ExitCode> {
    match what {
        cli::Rollout::Show { id } => {
            let standing = client.get(&rollout_of(id)?).await?;
            output.result(&standing, || sentence(id, &standing));
            Ok(ExitCode::SUCCESS)
        }
        cli::Rollout::Set { id, percent, orgs, with_requirements, dry_run } => {
            let organizations = if percent.is_some() { Json::Null } else { json!(orgs) };
            let new = json!({
                "percent": percent, "organizations": organizations,
                "with_requirements": with_requirements, "dry_run": dry_run,
            });
            let done = client.put(&rollout_of(id)?, &new).await?;
            Ok(tell(id, &done, *dry_run, output))
        }
        cli::Rollout::End { id, disable, with_dependents, dry_run } => {
            let query = format!("disable={disable}&with_dependents={with_dependents}&dry_run={dry_run}");
            let done = client.delete(&format!("{}?{query}", rollout_of(id)?)).await?;
            if !disable {
                output.result(&done, || match dry_run {
                    true => format!("The rollout of {id} would end. It would stay on where it is."),
                    false => format!("The rollout of {id} has ended. It stays on where it is."),
                });
                return Ok(ExitCode::SUCCESS);
            }
            Ok(tell(id, &done, *dry_run, output))
        }
    }
}

fn rollout_of(id: &str) -> anyhow::Result<String> {
    Ok(format!("{}/rollout", address_of(id)?))
}

fn tell(id: &str, done: &Json, is_dry_run: bool, output: &Output) -> ExitCode {
    let code = report::tell(done, &done["report"], is_dry_run, output);
    match &done["rollout"] {
        Json::Null => {}
        standing => output.note(&sentence(id, standing)),
    }
    code
}

fn sentence(id: &str, standing: &Json) -> String {
    let reach = match standing.get("percent").and_then(Json::as_u64) {
        Some(percent) => format!("{percent} percent of all organizations"),
        None => "a list of organizations".to_owned(),
    };
    format!(
        "{id} is rolled out to {reach}, since {} by {}: it is on in {} of {}.",
        text(standing, "set_at").unwrap_or("-"),
        text(standing, "set_by").unwrap_or("-"),
        count(standing, "on"),
        count(standing, "within"),
    )
}
