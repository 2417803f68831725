//! `switchboard audit`: who changed what.

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use serde_json::Value as Json;

use crate::{
    cli,
    client::Client,
    data_folder::DataFolder,
    output::{self, Output},
};

const ADDRESS: &str = "/api/admin/audit";

/// How many lines are asked for at a time.
const BATCH: usize = 1000;

/// Lists, exports or checks.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(folder: &DataFolder, what: &cli::Audit, output: &Output) -> anyhow::Result<ExitCode> {
    let client = Client::reach(folder).await?;
    let done = match what {
        cli::Audit::List { filter, limit } => list(&client, filter, *limit, output).await,
        cli::Audit::Export { filter } => export(&client, filter).await,
        cli::Audit::Verify => verify(&client, output).await,
    };
    client.close().await;
    done
}

async fn list(
    client: &Client,
    filter: &cli::AuditFilter,
    limit: u32,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let page = client.get(&format!("{ADDRESS}?limit={limit}{}", query(filter))).await?;
    let lines = page.get("lines").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    output.result(&page, || {
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        match rows.is_empty() {
            true => "There is no such line.".to_owned(),
            false => output.table(&["LINE", "WHEN", "WHO", "DID", "TO", "IN", "FROM"], &rows),
        }
    });
    Ok(ExitCode::SUCCESS)
}

fn row(line: &Json) -> Vec<String> {
    let text = |pointer: &str| line.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut who = text("/actor/name");
    let behind = text("/actor/impersonator");
    if !behind.is_empty() {
        who = format!("{who} ({behind})");
    }
    // Whole seconds are enough for a person.
    let when: String = text("/at").chars().take(19).collect();
    vec![
        line.get("id").map(Json::to_string).unwrap_or_default(),
        when,
        who,
        text("/action"),
        text("/subject"),
        text("/organization"),
        text("/address"),
    ]
}

/// Page after page, so that the log need not fit into memory.
async fn export(client: &Client, filter: &cli::AuditFilter) -> anyhow::Result<ExitCode> {
    let (mut after, query) = (0, query(filter));
    loop {
        let address = format!("{ADDRESS}/export?after={after}&limit={BATCH}{query}");
        let lines = client.text(&address).await?;
        let Some(last) = lines.lines().last() else { return Ok(ExitCode::SUCCESS) };
        let last: Json = serde_json::from_str(last).context("the answer is not JSON lines")?;
        after = last.get("id").and_then(Json::as_i64).context("a line has no number")?;
        std::io::stdout().write_all(lines.as_bytes()).context("standard output cannot be written to")?;
        if lines.lines().count() < BATCH {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn verify(client: &Client, output: &Output) -> anyhow::Result<ExitCode> {
    let verdict = client.get(&format!("{ADDRESS}/verification")).await?;
    let is_right = verdict.get("ok").and_then(Json::as_bool).unwrap_or_default();
    output.result(&verdict, || {
        let text = |name: &str| verdict.get(name).and_then(Json::as_str).unwrap_or_default();
        let number = |name: &str| verdict.get(name).map(Json::to_string).unwrap_or_default();
        match is_right {
            true => format!(
                "Right: {} lines, the last is {} with the hash {}",
                number("lines"),
                number("last"),
                text("hash")
            ),
            false => format!(
                "Not right: {}. The {} lines before it are. Restore the kernel's database from the last good backup \
                 beside this one, and compare.",
                text("fault"),
                number("lines")
            ),
        }
    });
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::from(output::FOUND_WANTING) })
}

/// The filter as the end of an address.
fn query(filter: &cli::AuditFilter) -> String {
    let cli::AuditFilter { org, actor, action, subject, since, until, text } = filter;
    let given = [
        ("organization", org),
        ("actor", actor),
        ("action", action),
        ("subject", subject),
        ("since", since),
        ("until", until),
        ("q", text),
    ];
    let given = given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    given.fold(String::new(), |query, (name, value)| {
        let value: String = value.bytes().map(escaped).collect();
        format!("{query}&{name}={value}")
    })
}

fn escaped(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::query;
    use crate::cli::AuditFilter;

    #[test]
    fn what_is_asked_for_stands_in_the_address_as_it_is_meant() {
        let filter = AuditFilter {
            action: Some("plugin.*".to_owned()),
            text: Some("a&b=ä".to_owned()),
            ..AuditFilter::default()
        };
        assert_eq!(query(&filter), "&action=plugin.%2A&q=a%26b%3D%C3%A4");
    }
}
