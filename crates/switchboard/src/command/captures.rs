//! `switchboard plugin capture`: calls that failed, for the authors of plugins.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde_json::{Value as Json, json};

use crate::{
    cli::Capture,
    client::Client,
    command::{
        plugin::{address_of, cell, text},
        watched::query,
    },
    output::{Output, Tone},
};

const CAPTURES: &str = "/api/admin/captures";

/// Asks for captures, lists, saves or removes them.
///
/// # Errors
/// What the administration says against it, and a file that cannot be written.
pub(crate) async fn run(client: &Client, what: &Capture, output: &Output) -> anyhow::Result<()> {
    match what {
        Capture::Next { id, calls } => {
            let address = format!("{}/capture", address_of(id)?);
            let left = client.post(&address, &json!({ "calls": calls })).await?;
            output.result(&left, || match calls {
                0 => format!("No call of {id} is captured any more."),
                1 => format!("The next call of {id} that fails is captured; `switchboard plugin capture list` shows it then."),
                _ => format!("The next {calls} calls of {id} that fail are captured; `switchboard plugin capture list` shows them then."),
            });
        }
        Capture::List { id } => {
            let query = query([("plugin", id.clone())]);
            let captures = client.get(&format!("{CAPTURES}?{query}")).await?;
            output.result(&captures, || listed(&captures, output));
        }
        Capture::Save { number, output: file } => save(client, *number, file.clone(), output).await?,
        Capture::Remove { number } => {
            client.delete(&format!("{CAPTURES}/{number}")).await?;
            output.result(&json!({ "removed": number }), || format!("Captured call {number} was removed."));
        }
    }
    Ok(())
}

fn listed(captures: &Json, output: &Output) -> String {
    let captures = captures.as_array().cloned().unwrap_or_default();
    if captures.is_empty() {
        return "No call was captured. `switchboard plugin capture next ID` has the next one captured that fails.".to_owned();
    }
    let row = |capture: &Json| {
        let mut row = vec![capture.get("number").map(Json::to_string).unwrap_or_default()];
        row.extend(["at", "plugin", "version", "organization", "what"].map(|name| cell(capture, name)));
        // The first line; the rest is the guest's backtrace.
        row.push(cell(capture, "message").lines().next().unwrap_or_default().to_owned());
        row
    };
    let headings = ["NUMBER", "AT", "PLUGIN", "VERSION", "ORGANIZATION", "WHAT", "FAILED WITH"];
    output.table(&headings, &captures.iter().map(row).collect::<Vec<_>>())
}

async fn save(client: &Client, number: i64, file: Option<PathBuf>, output: &Output) -> anyhow::Result<()> {
    let captured = client.get(&format!("{CAPTURES}/{number}")).await?;
    let plugin = text(&captured, "plugin").unwrap_or("plugin");
    let file = file.unwrap_or_else(|| PathBuf::from(format!("{plugin}-{number}.capture.json")));
    let shown = file.display();
    let written = serde_json::to_vec_pretty(&captured)?;
    fs::write(&file, written).with_context(|| format!("{shown} cannot be written"))?;
    output.result(&json!({ "file": file }), || {
        let again = output.paint(Tone::Strong, &format!("switchboard plugin replay {shown} FOLDER"));
        format!("{shown} holds the call, what people have sent in it, and rows of the plugin's tables.\nIts author makes it again: {again}")
    });
    Ok(())
}
