//! `switchboard plugin command`: the commands of plugins, as people give them in a chat.

use serde_json::{Value as Json, json};

use crate::{
    cli::Commands,
    client::Client,
    command::{
        org::segment,
        plugin::{cell, text},
    },
    output::Output,
};

/// Lists commands, or gives one.
///
/// # Errors
/// What the server says against it, or the plugin.
pub(crate) async fn run(client: &Client, what: &Commands, output: &Output) -> anyhow::Result<()> {
    match what {
        Commands::List { organization } => {
            let commands = client.get(&address_in(organization)).await?;
            output.result(&commands, || {
                let rows: Vec<Vec<String>> = commands.as_array().into_iter().flatten().map(row).collect();
                match rows.is_empty() {
                    true => "No plugin that is on there has a command.".to_owned(),
                    false => output.table(&["PLUGIN", "COMMAND", "WHAT IT DOES"], &rows),
                }
            });
        }
        Commands::Run { words, organization } => {
            let line: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            let said = client.post(&address_in(organization), &json!({ "line": line.join(" ") })).await?;
            output.result(&said, || text(&said, "text").unwrap_or_default().to_owned());
        }
    }
    Ok(())
}

fn address_in(organization: &str) -> String {
    format!("/api/org/{}/organization/commands", segment(organization))
}

fn row(command: &Json) -> Vec<String> {
    ["plugin", "usage", "description"].map(|name| cell(command, name)).to_vec()
}

/// A word of the command line as it stands in a line: what the shell took for one stays one.
fn quoted(word: &str) -> String {
    const QUOTES: [char; 3] = ['"', '“', '”'];
    if !word.is_empty() && !word.contains(char::is_whitespace) && !word.contains(QUOTES) {
        return word.to_owned();
    }
    let escaped = word.chars().flat_map(|letter| {
        let escape = (letter == '\\' || QUOTES.contains(&letter)).then_some('\\');
        escape.into_iter().chain([letter])
    });
    format!("\"{}\"", escaped.collect::<String>())
}
