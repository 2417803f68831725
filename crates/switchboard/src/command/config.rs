//! `switchboard plugin config`: how plugins are set, who changed it, and back.

use std::{io::Read, path::Path};

use anyhow::{Context, anyhow, ensure};
use serde_json::{Map, Value as Json, json};

use crate::{
    cli,
    client::Client,
    command::plugin::{address_of, cell, text},
    hidden_line::hidden_line,
    output::{Advise, Output},
};

/// Shows, changes, or moves.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(client: &Client, what: &cli::Config, output: &Output) -> anyhow::Result<()> {
    match what {
        cli::Config::Show { id, org } => show(client, id, org.as_deref(), output).await,
        cli::Config::Set(set) => change(client, set, output).await,
        cli::Config::Unset { id, names, org } => {
            let patch = names.iter().map(|name| (name.clone(), Json::Null)).collect();
            patched(client, id, org.as_deref(), patch, output).await
        }
        cli::Config::History { id, org, limit } => history(client, id, org.as_deref(), *limit, output).await,
        cli::Config::Undo { id, number, org } => undo(client, id, *number, org.as_deref(), output).await,
        cli::Config::Export { id, org } => export(client, id.as_deref(), org.as_deref(), output).await,
        cli::Config::Import { file, org, dry_run } => {
            import(client, file, org.as_deref(), *dry_run, output).await
        }
        cli::Config::Reload => {
            client.post("/api/admin/configuration/reload", &json!({})).await?;
            output.result(&json!({ "reloaded": true }), || {
                "What configurations refer to is read anew.".to_owned()
            });
            Ok(())
        }
    }
}

/// An address with the organization in its query, if there is one, and more.
fn at(address: &str, org: Option<&str>, more: &[(&str, String)]) -> String {
    let org = org.map(|org| ("organization", org.to_owned()));
    let pairs = org.iter().chain(more);
    let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if query.is_empty() { address.to_owned() } else { format!("{address}?{}", query.join("&")) }
}

fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn config_of(id: &str) -> anyhow::Result<String> {
    Ok(format!("{}/config", address_of(id)?))
}

async fn show(client: &Client, id: &str, org: Option<&str>, output: &Output) -> anyhow::Result<()> {
    let shown = client.get(&at(&config_of(id)?, org, &[])).await?;
    output.result(&shown, || in_lines(&shown, output));
    Ok(())
}

fn properties(shown: &Json) -> impl Iterator<Item = &Json> {
    shown.get("properties").and_then(Json::as_array).into_iter().flatten()
}

fn is(property: &Json, what: &str) -> bool {
    property.get(what) == Some(&Json::Bool(true))
}

fn in_lines(shown: &Json, output: &Output) -> String {
    let rows: Vec<Vec<String>> = properties(shown)
        .map(|property| {
            let some = |name: &str| property.get(name).filter(|value| !value.is_null());
            let value =
                match (some("reference").or(some("value")), is(property, "secret"), is(property, "set")) {
                    (Some(value), ..) => value.to_string(),
                    (None, true, true) => "•••".to_owned(),
                    (None, ..) => "-".to_owned(),
                };
            let about = text(property, "description").or(text(property, "title")).unwrap_or_default();
            let missing = is(property, "required") && !is(property, "set");
            let layer = text(property, "layer").unwrap_or(if missing { "MISSING" } else { "-" });
            let name = text(property, "name").unwrap_or("-");
            vec![name.to_owned(), value, layer.to_owned(), about.to_owned()]
        })
        .collect();
    if rows.is_empty() {
        return "It is not configured.".to_owned();
    }
    output.table(&["PROPERTY", "VALUE", "FROM", "ABOUT"], &rows)
}

async fn change(client: &Client, set: &cli::ConfigSet, output: &Output) -> anyhow::Result<()> {
    let address = at(&config_of(&set.id)?, set.org.as_deref(), &[]);
    let shown = client.get(&address).await?;
    let property = |name: &str| properties(&shown).find(|property| text(property, "name") == Some(name));
    let mut patch = Map::new();
    for assignment in &set.assignments {
        let (name, value) = assignment
            .split_once('=')
            .ok_or_else(|| anyhow!("`{assignment}` is no `name=value`"))
            .advise("write the name of a property, `=`, and its value")?;
        if property(name).is_some_and(|property| is(property, "secret")) {
            return Err(anyhow!("`{name}` is secret, and every process can read a command's arguments"))
                .advise(format!("say `--secret {name}`: it is read from standard input"));
        }
        patch.insert(name.to_owned(), typed(&shown, name, value));
    }
    for (key, references) in [("$env", &set.env), ("$file", &set.file)] {
        for assignment in references {
            let (name, value) = assignment
                .split_once('=')
                .ok_or_else(|| anyhow!("`{assignment}` is no `name=value`"))
                .advise("write the name of a property, `=`, and where its value is to be found")?;
            patch.insert(name.to_owned(), json!({ key: value }));
        }
    }
    for name in &set.secrets {
        patch.insert(name.clone(), typed(&shown, name, &secret(name)?));
    }
    ensure!(!patch.is_empty(), "nothing was said to be set");
    patched(client, &set.id, set.org.as_deref(), patch, output).await
}

/// What a text means: as it is where the schema wants text, as JSON elsewhere.
fn typed(shown: &Json, name: &str, value: &str) -> Json {
    let schema = shown.pointer("/schema/properties").and_then(|properties| properties.get(name));
    let kind = schema.and_then(|schema| schema.get("type"));
    if kind.is_some_and(|kind| kind == "string") {
        return value.into();
    }
    serde_json::from_str(value).unwrap_or_else(|_| value.into())
}

/// A secret from standard input: one line of it. At a terminal it is asked for, and what is typed is not shown.
fn secret(name: &str) -> anyhow::Result<String> {
    let secret = hidden_line(name)?;
    if secret.is_empty() {
        return Err(anyhow!("standard input holds no line for `{name}`")).advise(format!(
            "pipe the secret in, or remove it with `switchboard plugin config unset … {name}`"
        ));
    }
    Ok(secret)
}

async fn patched(
    client: &Client,
    id: &str,
    org: Option<&str>,
    patch: Map<String, Json>,
    output: &Output,
) -> anyhow::Result<()> {
    let shown = client.patch(&at(&config_of(id)?, org, &[]), &Json::Object(patch)).await?;
    output.result(&shown, || in_lines(&shown, output));
    Ok(())
}

async fn history(
    client: &Client,
    id: &str,
    org: Option<&str>,
    limit: u32,
    output: &Output,
) -> anyhow::Result<()> {
    let address = at(&format!("{}/history", config_of(id)?), org, &[("limit", limit.to_string())]);
    let history = client.get(&address).await?;
    output.result(&history, || {
        let entries = history.get("entries").and_then(Json::as_array).into_iter().flatten();
        let rows: Vec<Vec<String>> = entries
            .map(|entry| {
                let cell = |name| cell(entry, name);
                let number = entry.get("number").map_or_else(|| "-".to_owned(), Json::to_string);
                let changed = entry.get("changed").and_then(Json::as_array).into_iter().flatten();
                let changed: Vec<&str> = changed.filter_map(Json::as_str).collect();
                let undoes = entry.get("undoes").and_then(Json::as_i64);
                let what = undoes.map_or_else(String::new, |number| format!(" (back to before {number})"));
                vec![number, cell("at"), cell("actor"), cell("address"), changed.join(", ") + &what]
            })
            .collect();
        if rows.is_empty() {
            return "Nothing was changed yet.".to_owned();
        }
        output.table(&["CHANGE", "WHEN", "WHO", "FROM", "WHAT"], &rows)
    });
    Ok(())
}

async fn undo(
    client: &Client,
    id: &str,
    number: Option<i64>,
    org: Option<&str>,
    output: &Output,
) -> anyhow::Result<()> {
    let history = format!("{}/history", config_of(id)?);
    let number = match number {
        Some(number) => number,
        None => {
            let latest = client.get(&at(&history, org, &[("limit", "1".to_owned())])).await?;
            let latest = latest.pointer("/entries/0/number").and_then(Json::as_i64);
            latest.ok_or_else(|| anyhow!("nothing was changed that could be taken back"))?
        }
    };
    let shown = client.post(&at(&format!("{history}/{number}/undo"), org, &[]), &json!({})).await?;
    output.result(&shown, || in_lines(&shown, output));
    output.note(&format!("It is what it was before change {number}."));
    Ok(())
}

async fn export(client: &Client, id: Option<&str>, org: Option<&str>, output: &Output) -> anyhow::Result<()> {
    let address = match id {
        Some(id) => format!("{}/export", config_of(id)?),
        None => "/api/admin/configuration/export".to_owned(),
    };
    let exported = client.get(&at(&address, org, &[])).await?;
    output.result(&exported, || format!("{exported:#}"));
    let missing = exported.get("plugins").and_then(Json::as_object).into_iter().flatten();
    for (id, plugin) in missing {
        let secrets = plugin.get("secrets").and_then(Json::as_array).into_iter().flatten();
        let secrets: Vec<&str> = secrets.filter_map(Json::as_str).collect();
        if !secrets.is_empty() {
            output.note(&format!("Without the secrets of {id}: {}.", secrets.join(", ")));
        }
    }
    Ok(())
}

async fn import(
    client: &Client,
    file: &Path,
    org: Option<&str>,
    dry_run: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let shown = file.display();
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
    }
    let exported: Json = serde_json::from_str(&text)
        .with_context(|| format!("{shown} is no JSON"))
        .advise("name a file with what `switchboard plugin config export` printed")?;
    let address = at("/api/admin/configuration/import", org, &[("dry_run", dry_run.to_string())]);
    let imported = client.post(&address, &exported).await?;
    output.result(&imported, || imported_lines(&imported));
    Ok(())
}

fn imported_lines(imported: &Json) -> String {
    let mut lines = Vec::new();
    let list = |of: &Json, name: &str| of.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
    for plugin in list(imported, "plugins") {
        lines.push(text(&plugin, "plugin").unwrap_or("-").to_owned());
        let value = |of: &Json, name: &str| match of.get(name) {
            None | Some(Json::Null) => "nothing".to_owned(),
            Some(value) => value.to_string(),
        };
        for change in list(&plugin, "changes") {
            let name = text(&change, "name").unwrap_or("-").to_owned();
            lines.push(format!("  {name}: {} -> {}", value(&change, "before"), value(&change, "after")));
        }
        for secret in list(&plugin, "missing_secrets") {
            lines.push(format!("  {}: a secret that is still to be set", secret.as_str().unwrap_or("-")));
        }
        for fault in list(&plugin, "faults") {
            let say = |name| text(&fault, name).unwrap_or("-").to_owned();
            lines.push(format!("  {}: {}", say("place"), say("message")));
        }
    }
    lines.push(
        if is(imported, "done") { "Done." } else { "Nothing was changed: it was only tried." }.to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn what_stands_in_a_query_is_escaped() {
        assert_eq!(at("/a", None, &[]), "/a");
        assert_eq!(
            at("/a", Some("b&c=d"), &[("limit", "1".to_owned())]),
            "/a?organization=b%26c%3Dd&limit=1"
        );
    }
}
