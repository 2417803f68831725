//! `switchboard task`: what plugins do apart from requests.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use serde_json::{Value as Json, json};

use crate::{
    cli::{NewSchedule, OneSchedule, Tasks},
    client::Client,
    command::{
        plugin::{cell, text},
        watched::query,
    },
    data_folder::DataFolder,
    output::{Advise, Output},
};

const TASKS: &str = "/api/admin/tasks";
const RUNS: &str = "/api/admin/task-runs";
const SCHEDULES: &str = "/api/admin/schedules";

/// Shows runs and schedules, or changes them.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(folder: &DataFolder, what: &Tasks, output: &Output) -> anyhow::Result<ExitCode> {
    let client = Client::reach(folder).await?;
    let done = ask(&client, what, output).await;
    client.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn ask(client: &Client, what: &Tasks, output: &Output) -> anyhow::Result<()> {
    match what {
        Tasks::List { plugin, organization, limit } => {
            let query = query([
                ("plugin", plugin.clone()),
                ("organization", organization.clone()),
                ("limit", Some(limit.to_string())),
            ]);
            let found = client.get(&format!("{SCHEDULES}?{query}")).await?;
            output.result(&found, || scheduled(&found, output));
        }
        Tasks::Runs { plugin, task, state, organization, limit } => {
            let query = query([
                ("plugin", plugin.clone()),
                ("task", task.clone()),
                ("state", state.as_ref().and_then(word_of)),
                ("organization", organization.clone()),
                ("limit", Some(limit.to_string())),
            ]);
            let found = client.get(&format!("{RUNS}?{query}")).await?;
            output.result(&found, || ran(&found, output));
        }
        Tasks::Run { plugin, task, organization, payload } => {
            let at = within(&format!("{TASKS}/{}/{}/run", word(plugin)?, word(task)?), organization.as_ref());
            let run = client.post(&at, &json!({ "payload": read(payload.as_deref())? })).await?;
            output.result(&run, || {
                let name = text(&run, "run").unwrap_or_default();
                format!("{task} of {plugin} will be done soon, as the run {name}.")
            });
        }
        Tasks::Cancel { plugin, run } => {
            let at = format!("{RUNS}/{}/{}/cancel", word(plugin)?, word(run)?);
            let run = client.post(&at, &Json::Null).await?;
            output.result(&run, || match text(&run, "state") {
                Some("cancelling") => {
                    "It was told to stop, and is ended in five seconds if it does not.".to_owned()
                }
                state => format!("It is {}.", state.unwrap_or("cancelled")),
            });
        }
        Tasks::Schedule(new) => {
            let at = within(&place(&new.plugin, &new.name)?, new.organization.as_ref());
            let made = client.put(&at, &body(new)?).await?;
            output.result(&made, || match text(&made, "next_at") {
                Some(next) => format!("{} of {} runs next at {next}.", new.task, new.plugin),
                None => format!("{} of {} will not run by this any more.", new.task, new.plugin),
            });
        }
        Tasks::Unschedule(one) => {
            client.delete(&within(&place(&one.plugin, &one.name)?, one.organization.as_ref())).await?;
            let OneSchedule { plugin, name, .. } = one;
            output.result(&json!({ "removed": name }), || {
                format!("The schedule {name} of {plugin} was removed. What it began goes on.")
            });
        }
        Tasks::Pause(one) => pause(client, one, "pause", output).await?,
        Tasks::Resume(one) => pause(client, one, "resume", output).await?,
    }
    Ok(())
}

async fn pause(client: &Client, one: &OneSchedule, what: &str, output: &Output) -> anyhow::Result<()> {
    let at = within(&format!("{}/{what}", place(&one.plugin, &one.name)?), one.organization.as_ref());
    let schedule = client.post(&at, &Json::Null).await?;
    output.result(&schedule, || match text(&schedule, "next_at") {
        Some(next) => format!("The schedule {} is due next at {next}.", one.name),
        None => format!("Nothing comes of the schedule {} for now.", one.name),
    });
    Ok(())
}

fn body(new: &NewSchedule) -> anyhow::Result<Json> {
    Ok(json!({
        "task": new.task, "payload": read(new.payload.as_deref())?, "cron": new.cron, "time_zone": new.time_zone,
        "every_seconds": new.every, "at": new.at, "jitter_seconds": new.jitter,
        "if_running": word_of(&new.if_running), "catch_up": word_of(&new.catch_up),
    }))
}

fn read(payload: Option<&str>) -> anyhow::Result<Json> {
    let Some(text) = payload else { return Ok(Json::Null) };
    serde_json::from_str(text)
        .with_context(|| format!("`{text}` is not JSON"))
        .advise("a text in JSON stands in quotes")
}

/// The name of a value, as the command line and the addresses have it.
fn word_of(value: &impl ValueEnum) -> Option<String> {
    value.to_possible_value().map(|value| value.get_name().to_owned())
}

fn place(plugin: &str, name: &str) -> anyhow::Result<String> {
    Ok(format!("{SCHEDULES}/{}/{}", word(plugin)?, word(name)?))
}

/// A word of an address. What is none is answered here: it could lead anywhere.
fn word(text: &str) -> anyhow::Result<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_plain) {
        return Ok(text);
    }
    Err(anyhow!("there is nothing of the name `{text}`"))
        .advise("a name has letters, digits, `_`, `-` and `.` alone")
}

fn within(address: &str, organization: Option<&String>) -> String {
    match query([("organization", organization.cloned())]) {
        none if none.is_empty() => address.to_owned(),
        query => format!("{address}?{query}"),
    }
}

fn rows(found: &Json, name: &str) -> Vec<Json> {
    found.get(name).and_then(Json::as_array).cloned().unwrap_or_default()
}

fn scheduled(found: &Json, output: &Output) -> String {
    let schedules = rows(found, "schedules");
    if schedules.is_empty() {
        return "Nothing runs by itself.".to_owned();
    }
    let row = |schedule: &Json| {
        let plan = schedule.get("plan").cloned().unwrap_or_default();
        let when = match (text(&plan, "cron"), plan.get("every_seconds").and_then(Json::as_u64)) {
            (Some(cron), _) => match text(&plan, "time_zone") {
                Some(zone) => format!("{cron} {zone}"),
                None => cron.to_owned(),
            },
            (None, Some(seconds)) => format!("every {seconds} s"),
            (None, None) => "once".to_owned(),
        };
        let next = match schedule.get("paused") {
            Some(Json::Bool(true)) => "paused".to_owned(),
            _ => cell(schedule, "next_at"),
        };
        let mut row = ["plugin", "name", "organization", "origin"].map(|name| cell(schedule, name)).to_vec();
        row.extend([cell(&plan, "task"), when, next, cell(schedule, "last_at")]);
        row.push(schedule.get("skipped").map(Json::to_string).unwrap_or_default());
        row
    };
    let headings = ["PLUGIN", "NAME", "ORGANIZATION", "OF", "TASK", "WHEN", "NEXT", "LAST", "LEFT OUT"];
    output.table(&headings, &schedules.iter().map(row).collect::<Vec<_>>())
}

fn ran(found: &Json, output: &Output) -> String {
    let runs = rows(found, "runs");
    if runs.is_empty() {
        return "No run of a task is kept.".to_owned();
    }
    let row = |run: &Json| {
        let mut row =
            ["created_at", "plugin", "run", "organization", "state"].map(|name| cell(run, name)).to_vec();
        row.push(run.get("attempt").map(Json::to_string).unwrap_or_default());
        row.push(
            run.get("took_ms")
                .and_then(Json::as_i64)
                .map_or_else(|| "-".to_owned(), |took| format!("{took} ms")),
        );
        row.push(cell(run, "error").lines().next().unwrap_or_default().to_owned());
        row
    };
    let headings = ["ASKED FOR", "PLUGIN", "RUN", "ORGANIZATION", "STATE", "ATTEMPT", "TOOK", "FAILED WITH"];
    output.table(&headings, &runs.iter().map(row).collect::<Vec<_>>())
}
