//! `switchboard token`: the tokens by which programs call.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Map, Value as Json, json};

use crate::{cli, client::Client, data_folder::DataFolder, output::Output};

const ADDRESS: &str = "/api/admin/tokens";

/// Makes, lists or revokes.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(folder: &DataFolder, what: &cli::Token, output: &Output) -> anyhow::Result<ExitCode> {
    let client = match what {
        // So that a program can be let in before the first start.
        cli::Token::Create { .. } => Client::reach_or_make(folder).await?,
        _ => Client::reach(folder).await?,
    };
    let done = match what {
        cli::Token::Create { name, org, actions, calls_per_second } => {
            create(&client, name, org.as_deref(), actions, *calls_per_second, output).await
        }
        cli::Token::List => list(&client, output).await,
        cli::Token::Revoke { id } => revoke(&client, *id, output).await,
    };
    client.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn create(
    client: &Client,
    name: &str,
    org: Option<&str>,
    actions: &[String],
    calls_per_second: Option<u32>,
    output: &Output,
) -> anyhow::Result<()> {
    let mut new = Map::new();
    new.insert("name".to_owned(), name.into());
    if let Some(org) = org {
        new.insert("organization".to_owned(), org.into());
    }
    if let Some(most) = calls_per_second {
        new.insert("calls_per_second".to_owned(), most.into());
    }
    if !actions.is_empty() {
        new.insert("actions".to_owned(), json!(actions));
    }
    let made = client.post(ADDRESS, &Json::Object(new)).await?;
    let token = made.get("token").and_then(Json::as_str).context("the answer holds no token")?;
    // The token alone on standard output, so that a script can keep it: TOKEN=$(switchboard token create ci).
    output.result(&made, || token.to_owned());
    let may = if actions.is_empty() { "everything".to_owned() } else { actions.join(", ") };
    let scope =
        org.map_or_else(|| "every organization".to_owned(), |org| format!("the organization `{org}`"));
    output.note(&format!("`{name}` may do {may} in {scope}. The token is shown this once: keep it."));
    Ok(())
}

async fn list(client: &Client, output: &Output) -> anyhow::Result<()> {
    let tokens = client.get(ADDRESS).await?;
    output.result(&tokens, || {
        let rows: Vec<Vec<String>> = tokens.as_array().into_iter().flatten().map(row).collect();
        match rows.is_empty() {
            true => "There is no token. `switchboard token create NAME` makes one.".to_owned(),
            false => output.table(&["ID", "NAME", "ORGANIZATION", "MAY", "CREATED"], &rows),
        }
    });
    Ok(())
}

fn row(token: &Json) -> Vec<String> {
    let text = |name: &str| token.get(name).and_then(Json::as_str).map(str::to_owned);
    let actions = token.get("actions").and_then(Json::as_array).into_iter().flatten();
    let actions: Vec<&str> = actions.filter_map(Json::as_str).collect();
    let may = if actions.contains(&"*") { "everything".to_owned() } else { actions.join(", ") };
    vec![
        token.get("id").map(Json::to_string).unwrap_or_default(),
        text("name").unwrap_or_default(),
        text("organization").unwrap_or_else(|| "all".to_owned()),
        may,
        text("created_at").unwrap_or_default(),
    ]
}

async fn revoke(client: &Client, id: i64, output: &Output) -> anyhow::Result<()> {
    client.delete(&format!("{ADDRESS}/{id}")).await?;
    output.result(&json!({ "id": id, "revoked": true }), || {
        format!("Token {id} is revoked: nobody calls with it any more.")
    });
    Ok(())
}
