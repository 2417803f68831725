//! `switchboard plugin`: what runs, what does not and why, and for whom.

use std::process::ExitCode;

use anyhow::ensure;
use serde_json::{Value as Json, json};

use crate::{
    cli,
    client::Client,
    command::{captures, commands, config, org, report, rollout, watched},
    data_folder::DataFolder,
    output::{Advise, Output, Tone},
};

const ADDRESS: &str = "/api/admin/plugins";

/// Lists, shows or switches.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(
    folder: &DataFolder,
    what: &cli::Served,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let client = Client::reach(folder).await?;
    let done = match what {
        cli::Served::List => list(&client, output).await.map(|()| ExitCode::SUCCESS),
        cli::Served::Show { id } => show(&client, id, output).await.map(|()| ExitCode::SUCCESS),
        cli::Served::Enable { id, whom, with_requirements } => {
            switch(&client, id, whom, true, *with_requirements, output).await
        }
        cli::Served::Disable { id, whom, with_dependents } => {
            switch(&client, id, whom, false, *with_dependents, output).await
        }
        cli::Served::Reload { id } => reload(&client, id, output).await.map(|()| ExitCode::SUCCESS),
        cli::Served::Watched(what) => watched::run(&client, what, output).await.map(|()| ExitCode::SUCCESS),
        cli::Served::Capture(what) => captures::run(&client, what, output).await.map(|()| ExitCode::SUCCESS),
        cli::Served::Command(what) => commands::run(&client, what, output).await.map(|()| ExitCode::SUCCESS),
        cli::Served::Access(what) => access(&client, what, output).await.map(|()| ExitCode::SUCCESS),
        cli::Served::Rollout(what) => rollout::run(&client, what, output).await,
        cli::Served::Config(what) => config::run(&client, what, output).await.map(|()| ExitCode::SUCCESS),
    };
    client.close().await;
    done
}

/// The plugins that the administration knows, and the folders in which none could be made out.
pub(crate) async fn all(client: &Client) -> anyhow::Result<Vec<Json>> {
    let listed = client.get(&format!("{ADDRESS}?limit=1000")).await?;
    Ok(listed.get("plugins").and_then(Json::as_array).cloned().unwrap_or_default())
}

/// The address of a plugin. An id that is none is answered here: it could lead anywhere in an address.
pub(in crate::command) fn address_of(id: &str) -> anyhow::Result<String> {
    let parsed = id.parse::<switchboard_manifest::PluginId>();
    let id = parsed.advise("`switchboard plugin list` shows the ids of those there are")?;
    Ok(format!("{ADDRESS}/{id}"))
}

async fn list(client: &Client, output: &Output) -> anyhow::Result<()> {
    let plugins = all(client).await?;
    output.result(&json!(plugins), || {
        let rows: Vec<Vec<String>> = plugins.iter().map(row).collect();
        let mut lines = vec![output.table(&["ID", "VERSION", "CATEGORY", "STATE", "ON IN"], &rows)];
        lines.extend(remarks(&plugins, output));
        lines.join("\n")
    });
    Ok(())
}

pub(super) fn text<'a>(of: &'a Json, name: &str) -> Option<&'a str> {
    of.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// A text of an answer as a table shows it.
pub(super) fn cell(of: &Json, name: &str) -> String {
    text(of, name).unwrap_or("-").to_owned()
}

fn row(plugin: &Json) -> Vec<String> {
    let cell = |name| cell(plugin, name);
    vec![cell("id"), cell("version"), cell("category"), cell("state"), on_in(plugin)]
}

fn on_in(plugin: &Json) -> String {
    if text(plugin, "state") != Some("loaded") {
        return "-".to_owned();
    }
    if plugin.get("global").and_then(Json::as_bool) == Some(true) {
        return "everywhere".to_owned();
    }
    let organizations = words(plugin.get("organizations"));
    if organizations.is_empty() { "no organization".to_owned() } else { organizations.join(", ") }
}

pub(super) fn words(of: Option<&Json>) -> Vec<String> {
    let items = of.and_then(Json::as_array).into_iter().flatten();
    items.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Why each does not run that does not, and what should be known of the others.
fn remarks(plugins: &[Json], output: &Output) -> Vec<String> {
    let mut lines = Vec::new();
    for plugin in plugins {
        let id = text(plugin, "id").unwrap_or("-");
        if let Some(reason) = text(plugin, "reason") {
            let tone = if text(plugin, "state") == Some("disabled") { Tone::Muted } else { Tone::Bad };
            lines.push(format!("{} does not run: {reason}", output.paint(tone, id)));
        }
        let warnings = words(plugin.get("warnings"));
        lines
            .extend(warnings.iter().map(|warning| format!("{}: {warning}", output.paint(Tone::Warning, id))));
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

async fn show(client: &Client, id: &str, output: &Output) -> anyhow::Result<()> {
    let address = address_of(id)?;
    let mut plugin = client.get(&address).await?;
    let configuration = client.get(&format!("{address}/config")).await?;
    if let Some(plugin) = plugin.as_object_mut() {
        plugin.insert("configuration".to_owned(), configuration);
    }
    output.result(&plugin, || in_full(&plugin, output));
    Ok(())
}

fn in_full(plugin: &Json, output: &Output) -> String {
    let nothing = Json::Null;
    let manifest = plugin.get("manifest").unwrap_or(&nothing);
    let title = format!("{} {}", cell(plugin, "name"), cell(plugin, "version"));
    let mut lines = vec![output.paint(Tone::Strong, &title)];
    lines.extend(text(plugin, "description").map(str::to_owned));
    lines.push(String::new());
    let mut fact = |name: &str, value: String| lines.push(format!("{name:<14}{value}"));
    fact("id", cell(plugin, "id"));
    fact("state", cell(plugin, "state"));
    if let Some(reason) = text(plugin, "reason") {
        fact("because", reason.to_owned());
    }
    fact("on in", on_in(plugin));
    fact("category", cell(plugin, "category"));
    fact("from", text(plugin, "folder").unwrap_or("part of this program").to_owned());
    for (name, list) in [("requires", "requires"), ("can use", "optional"), ("conflicts", "conflicts")] {
        let others = dependencies(manifest.get(list));
        if !others.is_empty() {
            fact(name, others.join(", "));
        }
    }
    for warning in words(plugin.get("warnings")) {
        fact("warning", warning);
    }
    let capabilities = pairs(manifest.get("capabilities"), "name", "reason");
    section(&mut lines, "It may use", capabilities);
    let permissions = manifest.get("permissions").and_then(|permissions| permissions.get("actions"));
    section(&mut lines, "Actions", pairs(permissions, "name", "description"));
    section(&mut lines, "Addresses", routes(plugin.get("routes")));
    section(&mut lines, "Contributes", contributions(manifest.get("provides")));
    let effective = plugin.get("configuration").and_then(|configuration| configuration.get("effective"));
    let set = effective.and_then(Json::as_object).into_iter().flatten();
    section(&mut lines, "Configuration", set.map(|(key, value)| (key.clone(), value.to_string())).collect());
    lines.join("\n")
}

/// A heading with what stands under it; nothing without.
fn section(lines: &mut Vec<String>, heading: &str, rows: Vec<(String, String)>) {
    if rows.is_empty() {
        return;
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    lines.push(String::new());
    lines.push(heading.to_owned());
    lines.extend(rows.iter().map(|(name, about)| format!("  {name:<width$}  {about}").trim_end().to_owned()));
}

fn pairs(of: Option<&Json>, name: &str, about: &str) -> Vec<(String, String)> {
    let items = of.and_then(Json::as_array).into_iter().flatten();
    let pair = |item: &Json| {
        (text(item, name).unwrap_or("-").to_owned(), text(item, about).unwrap_or("").to_owned())
    };
    items.map(pair).collect()
}

fn dependencies(of: Option<&Json>) -> Vec<String> {
    let items = of.and_then(Json::as_array).into_iter().flatten();
    let one = |item: &Json| match (item.as_str(), text(item, "plugin_id"), text(item, "version")) {
        (Some(id), _, _) | (None, Some(id), None) => Some(id.to_owned()),
        (None, Some(id), Some(version)) => Some(format!("{id} {version}")),
        (None, None, _) => None,
    };
    items.filter_map(one).collect()
}

fn routes(of: Option<&Json>) -> Vec<(String, String)> {
    let items = of.and_then(Json::as_array).into_iter().flatten();
    let one = |route: &Json| {
        let key =
            format!("{:<6} {}", text(route, "method").unwrap_or("-"), text(route, "address").unwrap_or("-"));
        (key, text(route, "summary").unwrap_or("").to_owned())
    };
    items.map(one).collect()
}

/// What it provides besides addresses, by kind.
fn contributions(provides: Option<&Json>) -> Vec<(String, String)> {
    let kinds = provides.and_then(Json::as_object).into_iter().flatten();
    let kinds = kinds.filter(|(kind, _)| *kind != "api_routes");
    let named = |item: &Json| {
        ["name", "type", "event", "point", "path", "prefix", "title"]
            .iter()
            .find_map(|key| text(item, key))
            .map(str::to_owned)
    };
    let one = |(kind, items): (&String, &Json)| {
        let names: Vec<String> = items.as_array().into_iter().flatten().filter_map(named).collect();
        (kind.replace('_', " "), names.join(", "))
    };
    kinds.map(one).collect()
}

async fn switch(
    client: &Client,
    id: &str,
    whom: &cli::Whom,
    on: bool,
    together: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    if whom.all_orgs || !whom.orgs.is_empty() {
        address_of(id)?;
        let organizations = if whom.all_orgs { Json::Null } else { json!(whom.orgs) };
        let bulk = json!({
            "switches": [{ "plugin": id, "organizations": organizations, "enabled": on }],
            "together": together, "dry_run": whom.dry_run,
        });
        let report = client.post(report::ADDRESS, &bulk).await?;
        return Ok(report::tell(&report, &report, whom.dry_run, output));
    }
    ensure!(
        !whom.dry_run && !together,
        "without --org or --all-orgs it is loaded or unloaded, and nothing else"
    );
    let verb = if on { "enable" } else { "disable" };
    let plugin = client.post(&format!("{}/{verb}", address_of(id)?), &json!({})).await?;
    output.result(&plugin, || match on {
        true => format!("{id} is on. It serves in: {}.", on_in(&plugin)),
        false => format!("{id} is off for the whole installation. Its data stays."),
    });
    Ok(ExitCode::SUCCESS)
}

async fn reload(client: &Client, id: &str, output: &Output) -> anyhow::Result<()> {
    let seen = client.post(&format!("{}/reload", address_of(id)?), &json!({})).await?;
    let version = text(&seen, "version").unwrap_or("-").to_owned();
    output.result(&seen, || match text(&seen, "outcome") {
        Some("installed") => format!("{id} {version} is loaded."),
        Some("replaced") => format!("{id} {version} has taken the place of what served before."),
        _ => format!("{id} serves no more: its folder is gone. Its data stays."),
    });
    Ok(())
}

async fn access(client: &Client, what: &cli::Access, output: &Output) -> anyhow::Result<()> {
    match what {
        cli::Access::List { id } => {
            let granted = client.get(&format!("{}/access", address_of(id)?)).await?;
            output.result(&granted, || {
                let row = |it: &Json| {
                    vec![cell(it, "organization"), cell(it, "granted_by"), cell(it, "granted_at")]
                };
                let rows: Vec<Vec<String>> = granted.as_array().into_iter().flatten().map(row).collect();
                match rows.is_empty() {
                    true => format!("{id} is granted to no organization."),
                    false => output.table(&["ORGANIZATION", "GRANTED BY", "SINCE"], &rows),
                }
            });
        }
        cli::Access::Grant { id, org } => {
            client.put(&access_of(id, org)?, &json!({})).await?;
            output.result(&json!({ "plugin": id, "organization": org, "granted": true }), || {
                format!("{org} may have {id}: it sees it from now on, and can switch it on.")
            });
        }
        cli::Access::Revoke { id, org, disable } => {
            client.delete(&format!("{}?disable={disable}", access_of(id, org)?)).await?;
            output.result(&json!({ "plugin": id, "organization": org, "granted": false }), || {
                format!("{org} does not see {id} any more. Its data stays.")
            });
        }
    }
    Ok(())
}

fn access_of(id: &str, org: &str) -> anyhow::Result<String> {
    Ok(format!("{}/access/{}", address_of(id)?, org::segment(org)))
}
