//! `switchboard events`: what was said, who has heard it, and what could not be heard.

use std::process::ExitCode;

use anyhow::ensure;
use serde_json::{Map, Value as Json, json};

use crate::{
    cli::{self, Decided, EventFilter, LetterFilter},
    client::Client,
    command::{
        plugin::{cell, text},
        watched::query,
    },
    data_folder::DataFolder,
    output::{Output, Tone},
};

const EVENTS: &str = "/api/admin/events";
const LETTERS: &str = "/api/admin/dead-letters";
const LISTENERS: &str = "/api/admin/listeners";

/// Lists or shows events, decides on those that were given up, pauses or resumes.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(
    folder: &DataFolder,
    what: &cli::Events,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let client = Client::reach(folder).await?;
    let done = ask(&client, what, output).await;
    client.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn ask(client: &Client, what: &cli::Events, output: &Output) -> anyhow::Result<()> {
    match what {
        cli::Events::List { filter, before, limit } => {
            let page = [("before", before.clone()), ("limit", Some(limit.to_string()))];
            let query = query(filter.given().into_iter().chain(page));
            let page = client.get(&format!("{EVENTS}?{query}")).await?;
            output.result(&page, || listed(&page, output));
        }
        cli::Events::Show { plugin, id } => {
            ensure!(is_word(plugin), "`{plugin}` is no plugin's id");
            ensure!(is_word(id), "`{id}` is no event's id");
            let event = client.get(&format!("{EVENTS}/{plugin}/{id}")).await?;
            output.result(&event, || shown(&event, output));
        }
        cli::Events::Dead { filter, limit } => {
            let query = query(filter.given().chain([("limit", Some(limit.to_string()))]));
            let letters = client.get(&format!("{LETTERS}?{query}")).await?;
            output.result(&letters, || dead(&letters, output));
        }
        cli::Events::Replay(which) => {
            let done = decide(client, which, "replay").await?;
            output.result(&done, || match number(&done, "letters") {
                0 => "There is no such dead letter.".to_owned(),
                1 => "One event is delivered again.".to_owned(),
                many => format!("{many} events are delivered again, each to whom it was given up with."),
            });
        }
        cli::Events::Discard(which) => {
            let done = decide(client, which, "discard").await?;
            output.result(&done, || match number(&done, "letters") {
                0 => "There is no such dead letter.".to_owned(),
                1 => "One dead letter was discarded.".to_owned(),
                many => format!("{many} dead letters were discarded."),
            });
        }
        cli::Events::Listeners { organization } => {
            let query = query([("organization", organization.clone())]);
            let listeners = client.get(&format!("{LISTENERS}?{query}")).await?;
            output.result(&listeners, || listening(&listeners, output));
        }
        cli::Events::Pause { id, organization } => {
            switch(client, id, organization.as_deref(), "pause").await?;
            output.result(&json!({ "paused": id, "organization": organization }), || {
                format!(
                    "{id} hears no events{} until `switchboard events resume`. They wait for it.",
                    within(organization.as_deref())
                )
            });
        }
        cli::Events::Resume { id, organization } => {
            switch(client, id, organization.as_deref(), "resume").await?;
            output.result(&json!({ "resumed": id, "organization": organization }), || {
                format!(
                    "{id} hears events{} again, those that waited first.",
                    within(organization.as_deref())
                )
            });
        }
    }
    Ok(())
}

impl EventFilter {
    fn given(&self) -> [(&'static str, Option<String>); 6] {
        let Self { pattern, subject, plugin, organization, since, until } = self;
        [
            ("organization", organization.clone()),
            ("type", pattern.clone()),
            ("subject", subject.clone()),
            ("plugin", plugin.clone()),
            ("since", since.clone()),
            ("until", until.clone()),
        ]
    }
}

impl LetterFilter {
    fn given(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let own = [("event", self.event.clone()), ("listener", self.listener.clone())];
        self.events.given().into_iter().chain(own)
    }
}

async fn decide(client: &Client, Decided { filter, all }: &Decided, what: &str) -> anyhow::Result<Json> {
    // The organization stands in the address, as it does everywhere.
    let organization = filter.events.organization.clone();
    let given = filter.given().filter(|(name, _)| *name != "organization");
    let mut which: Map<String, Json> =
        given.filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    which.insert("all".to_owned(), Json::Bool(*all));
    let query = query([("organization", organization)]);
    client.post(&format!("{LETTERS}/{what}?{query}"), &Json::Object(which)).await
}

async fn switch(client: &Client, id: &str, organization: Option<&str>, what: &str) -> anyhow::Result<()> {
    ensure!(is_word(id), "`{id}` is no plugin's id");
    let query = query([("organization", organization.map(str::to_owned))]);
    client.post(&format!("{LISTENERS}/{id}/{what}?{query}"), &Json::Null).await.map(drop)
}

/// Whether it can stand in an address as it is.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn within(organization: Option<&str>) -> String {
    organization.map_or_else(String::new, |organization| format!(" of {organization}"))
}

fn number(of: &Json, name: &str) -> u64 {
    of.get(name).and_then(Json::as_u64).unwrap_or_default()
}

fn array<'a>(of: &'a Json, name: &str) -> &'a [Json] {
    of.get(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn listed(page: &Json, output: &Output) -> String {
    let events = array(page, "events");
    let next = text(page, "next").map(|next| format!("Older ones: --before {next}"));
    if events.is_empty() {
        return next.unwrap_or_else(|| "No such event is kept.".to_owned());
    }
    let row = |event: &Json| {
        let mut row: Vec<String> =
            ["time", "type", "subject", "source", "organization", "id"].map(|name| cell(event, name)).into();
        row.push(match (number(event, "dead"), number(event, "waiting")) {
            (0, 0) => "-".to_owned(),
            (0, waiting) => format!("waits for {waiting}"),
            (dead, _) => format!("given up with {dead}"),
        });
        row
    };
    let headings = ["AT", "TYPE", "SUBJECT", "PLUGIN", "ORGANIZATION", "ID", "STANDS"];
    let table = output.table(&headings, &events.iter().map(row).collect::<Vec<_>>());
    [Some(table), next].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

fn shown(event: &Json, output: &Output) -> String {
    let nothing = Json::Null;
    let about = event.get("event").unwrap_or(&nothing);
    let names = ["type", "subject", "source", "id", "time", "organization", "actor", "trace"];
    let mut lines: Vec<String> =
        names.iter().map(|name| format!("{name:<12}  {}", cell(about, name))).collect();
    lines.push(format!("{:<12}  {:#}", "data", about.get("data").unwrap_or(&nothing)));
    let row = |heard: &Json| {
        let state = text(heard, "state").unwrap_or("-");
        let tone = match state {
            "dead" => Tone::Bad,
            "waiting" => Tone::Warning,
            _ => Tone::Good,
        };
        let attempts = number(heard, "attempts").to_string();
        let (at, error) = (cell(heard, "at"), cell(heard, "error"));
        // Last what is coloured: columns are as wide as their text.
        vec![cell(heard, "listener"), attempts, at, format!("{}  {error}", output.paint(tone, state))]
    };
    let rows: Vec<_> = array(event, "listeners").iter().map(row).collect();
    lines.push(String::new());
    lines.push(match rows.is_empty() {
        true => "No plugin listens to it.".to_owned(),
        false => output.table(&["LISTENER", "FAILED", "AT", "STANDS"], &rows),
    });
    lines.join("\n")
}

fn dead(letters: &Json, output: &Output) -> String {
    let listed = array(letters, "letters");
    if listed.is_empty() {
        return "No event was given up.".to_owned();
    }
    let row = |letter: &Json| {
        let nothing = Json::Null;
        let event = letter.get("event").unwrap_or(&nothing);
        let mut row = vec![cell(letter, "at"), cell(letter, "listener")];
        row.extend(["type", "subject", "source", "organization", "id"].map(|name| cell(event, name)));
        row.push(cell(letter, "error"));
        row
    };
    let headings = ["AT", "LISTENER", "TYPE", "SUBJECT", "PLUGIN", "ORGANIZATION", "EVENT", "FAILED WITH"];
    let mut lines = vec![output.table(&headings, &listed.iter().map(row).collect::<Vec<_>>())];
    let total = number(letters, "total");
    if total > listed.len() as u64 {
        lines.push(format!("These are {} of {total}.", listed.len()));
    }
    lines.join("\n\n")
}

fn listening(listeners: &Json, output: &Output) -> String {
    let listeners = listeners.as_array().map(Vec::as_slice).unwrap_or_default();
    if listeners.is_empty() {
        return "No plugin listens to events.".to_owned();
    }
    let row = |listener: &Json| {
        let paused = array(listener, "paused").iter().map(|pause| match text(pause, "organization") {
            Some(organization) => organization.to_owned(),
            None => "everywhere".to_owned(),
        });
        let paused: Vec<String> = paused.collect();
        let events = array(listener, "events").iter().map(|listens| cell(listens, "event"));
        vec![
            cell(listener, "plugin"),
            number(listener, "waiting").to_string(),
            cell(listener, "waiting_since"),
            number(listener, "dead").to_string(),
            if paused.is_empty() { "-".to_owned() } else { paused.join(", ") },
            events.collect::<Vec<_>>().join(", "),
        ]
    };
    let headings = ["PLUGIN", "WAITING", "SINCE", "DEAD", "PAUSED", "LISTENS TO"];
    output.table(&headings, &listeners.iter().map(row).collect::<Vec<_>>())
}
