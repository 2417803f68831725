//! `switchboard plugin calls`, `stop` and `log`: plugins at work.

use std::time::Duration;

use clap::ValueEnum;
use form_urlencoded::Serializer;
use serde_json::{Value as Json, json};

use crate::{
    cli::{LineLevel, Watched},
    client::Client,
    command::plugin::{address_of, cell, text},
    output::{Output, Tone},
};

const CALLS: &str = "/api/admin/calls";

/// How often it is looked for new lines of the log.
const LOOK: Duration = Duration::from_millis(500);

/// Shows calls or lines, or stops a call.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(client: &Client, what: &Watched, output: &Output) -> anyhow::Result<()> {
    match what {
        Watched::Calls { id, running: true, organization, .. } => {
            running(client, id.as_deref(), organization.as_deref(), output).await
        }
        Watched::Calls { id, troubled, organization, trace, limit, .. } => {
            let query = query([
                ("plugin", id.clone()),
                ("organization", organization.clone()),
                ("trace", trace.clone()),
                ("troubled", troubled.then(|| "true".to_owned())),
                ("limit", Some(limit.to_string())),
            ]);
            ended(&client.get(&format!("{CALLS}?{query}")).await?, output);
            Ok(())
        }
        Watched::Stop { number } => {
            client.post(&format!("{CALLS}/running/{number}/stop"), &Json::Null).await?;
            output.result(&json!({ "stopped": number }), || format!("Call {number} was stopped."));
            Ok(())
        }
        Watched::Log { id, level, organization, limit, follow } => {
            let wanted = [("level", level.and_then(name_of)), ("organization", organization.clone())];
            lines(client, id, wanted, *limit, *follow, output).await
        }
    }
}

fn name_of(level: LineLevel) -> Option<String> {
    level.to_possible_value().map(|value| value.get_name().to_owned())
}

/// What is given of these, as the end of an address.
pub(super) fn query(wanted: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let given = wanted.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Serializer::new(String::new()).extend_pairs(given).finish()
}

fn array(of: &Json) -> Vec<Json> {
    of.as_array().cloned().unwrap_or_default()
}

fn taken(of: &Json) -> String {
    let milliseconds = of.get("milliseconds").and_then(Json::as_f64).unwrap_or_default();
    if milliseconds < 1000.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}

async fn running(
    client: &Client,
    id: Option<&str>,
    organization: Option<&str>,
    output: &Output,
) -> anyhow::Result<()> {
    let mut calls = array(&client.get(&format!("{CALLS}/running")).await?);
    calls.retain(|call| {
        id.is_none_or(|id| text(call, "plugin") == Some(id))
            && organization.is_none_or(|slug| text(call, "organization") == Some(slug))
    });
    output.result(&json!(calls), || {
        if calls.is_empty() {
            return "No call runs.".to_owned();
        }
        let row = |call: &Json| {
            let number = call.get("number").map(Json::to_string).unwrap_or_default();
            let mut row = vec![number, taken(call)];
            row.extend(["plugin", "organization", "actor", "kind", "what"].map(|name| cell(call, name)));
            row
        };
        let headings = ["NUMBER", "FOR", "PLUGIN", "ORGANIZATION", "ACTOR", "KIND", "WHAT"];
        output.table(&headings, &calls.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

fn ended(page: &Json, output: &Output) {
    output.result(page, || {
        let calls = page.get("calls").map(array).unwrap_or_default();
        if calls.is_empty() {
            return "No such call was recorded.".to_owned();
        }
        let row = |call: &Json| {
            let mut row = vec![cell(call, "at"), taken(call)];
            let rest = ["plugin", "organization", "kind", "what", "outcome", "trace"];
            row.extend(rest.map(|name| cell(call, name)));
            row
        };
        let headings = ["AT", "TOOK", "PLUGIN", "ORGANIZATION", "KIND", "WHAT", "OUTCOME", "TRACE"];
        let mut lines = vec![output.table(&headings, &calls.iter().map(row).collect::<Vec<_>>())];
        let said = calls.iter().filter_map(|call| Some((text(call, "trace")?, text(call, "message")?)));
        lines.extend(
            said.map(|(trace, message)| format!("\n{}  {message}", output.paint(Tone::Muted, trace))),
        );
        lines.join("\n")
    });
}

async fn lines(
    client: &Client,
    id: &str,
    [level, organization]: [(&'static str, Option<String>); 2],
    limit: u32,
    follow: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let address = address_of(id)?;
    let mut after: Option<u64> = None;
    loop {
        let from = ("after", after.map(|after| after.to_string()));
        let query = query([level.clone(), organization.clone(), ("limit", Some(limit.to_string())), from]);
        for line in array(&client.get(&format!("{address}/log?{query}")).await?) {
            after = line.get("number").and_then(Json::as_u64).or(after);
            output.line(&line, || shown(&line, output));
        }
        if !follow {
            return Ok(());
        }
        // Before there is any line, all of them are new.
        after.get_or_insert(0);
        tokio::time::sleep(LOOK).await;
    }
}

fn shown(line: &Json, output: &Output) -> String {
    let level = cell(line, "level");
    let tone = match level.as_str() {
        "error" => Tone::Bad,
        "warn" => Tone::Warning,
        _ => Tone::Muted,
    };
    let level = output.paint(tone, &format!("{:<5}", level.to_uppercase()));
    let (at, organization, message) = (cell(line, "at"), cell(line, "organization"), cell(line, "message"));
    format!("{at} {level} {organization} {message}")
}
