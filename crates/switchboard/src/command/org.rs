//! `switchboard org`: the organizations of the installation.

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use crate::{
    cli,
    client::Client,
    command::{account, plugin::cell, report::count},
    data_folder::DataFolder,
    output::{Output, Tone},
};

const ADDRESS: &str = "/api/admin/organizations";

/// How many are asked for at once.
const PAGE: usize = 500;

/// Makes, lists, shows, removes or brings back.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(folder: &DataFolder, what: &cli::Org, output: &Output) -> anyhow::Result<ExitCode> {
    let client = match what {
        cli::Org::Create { .. } => Client::reach_or_make(folder).await?,
        _ => Client::reach(folder).await?,
    };
    let done = match what {
        cli::Org::List { text, removed } => {
            list(&client, text.as_deref().unwrap_or_default(), *removed, output).await
        }
        cli::Org::Create { slug, name, owner } => {
            create(&client, slug, name.as_deref(), owner.as_deref(), output).await
        }
        cli::Org::Show { slug } => show(&client, slug, output).await,
        cli::Org::Remove { slug } => remove(&client, slug, output).await,
        cli::Org::Restore { slug } => restore(&client, slug, output).await,
    };
    client.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

/// A name as a part of an address: whatever it is, it leads nowhere else.
pub(super) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

async fn list(client: &Client, wanted: &str, removed: bool, output: &Output) -> anyhow::Result<()> {
    let organizations =
        pages(client, &format!("{ADDRESS}?removed={removed}&q={}", segment(wanted)), "organizations").await?;
    output.result(&json!(organizations), || {
        let when = if removed { "removed_at" } else { "created_at" };
        let row = |it: &Json| vec![cell(it, "slug"), cell(it, "name"), cell(it, when)];
        let rows: Vec<Vec<String>> = organizations.iter().map(row).collect();
        let heading = if removed { "REMOVED" } else { "MADE" };
        match rows.is_empty() {
            true => "There is none.".to_owned(),
            false => output.table(&["IN ADDRESSES", "NAME", heading], &rows),
        }
    });
    Ok(())
}

/// All of a list that comes in pages.
async fn pages(client: &Client, address: &str, name: &str) -> anyhow::Result<Vec<Json>> {
    let mut all = Vec::new();
    loop {
        let and = if address.contains('?') { '&' } else { '?' };
        let page = client.get(&format!("{address}{and}skip={}&limit={PAGE}", all.len())).await?;
        let items = page.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
        let is_last = items.len() < PAGE;
        all.extend(items);
        if is_last {
            return Ok(all);
        }
    }
}

async fn create(
    client: &Client,
    slug: &str,
    name: Option<&str>,
    owner: Option<&str>,
    output: &Output,
) -> anyhow::Result<()> {
    let owner = match owner {
        Some(email) => Some(account::number(&account::find(client, email).await?)?),
        None => None,
    };
    let new = json!({ "slug": slug, "name": name.unwrap_or(slug), "owner": owner });
    let made = client.post(ADDRESS, &new).await?;
    output.result(&made, || format!("{slug} is there. `switchboard org show {slug}` shows it."));
    Ok(())
}

async fn show(client: &Client, slug: &str, output: &Output) -> anyhow::Result<()> {
    let mut organization = client.get(&format!("{ADDRESS}/{}", segment(slug))).await?;
    let own = format!("/api/org/{}/organization", segment(slug));
    let members = pages(client, &format!("{own}/members"), "members").await?;
    let plugins = client.get(&format!("{own}/plugins")).await?;
    if let Some(organization) = organization.as_object_mut() {
        organization.insert("members".to_owned(), json!(members));
        organization.insert("plugins".to_owned(), plugins);
    }
    output.result(&organization, || in_full(&organization, output));
    Ok(())
}

fn in_full(organization: &Json, output: &Output) -> String {
    let mut lines = vec![
        output.paint(Tone::Strong, &cell(organization, "name")),
        String::new(),
        format!("{:<14}{}", "in addresses", cell(organization, "slug")),
        format!("{:<14}{}", "number", count(organization, "id")),
        format!("{:<14}{}", "made", cell(organization, "created_at")),
        String::new(),
    ];
    let of = |name: &str| organization.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
    let members: Vec<Vec<String>> = of("members")
        .iter()
        .map(|it| {
            let roles = it.get("roles").and_then(Json::as_array).into_iter().flatten();
            let roles: Vec<&str> = roles.filter_map(Json::as_str).collect();
            vec![cell(it, "email"), cell(it, "name"), roles.join(", ")]
        })
        .collect();
    lines.push(match members.is_empty() {
        true => "Nobody belongs to it yet.".to_owned(),
        false => output.table(&["MEMBER", "NAME", "ROLES"], &members),
    });
    lines.push(String::new());
    let plugins: Vec<Vec<String>> = of("plugins")
        .iter()
        .map(|it| {
            let is = |name: &str| it.get(name).and_then(Json::as_bool) == Some(true);
            let state = match (is("global"), is("enabled")) {
                (true, _) => output.paint(Tone::Muted, "always on"),
                (false, true) => output.paint(Tone::Good, "on"),
                (false, false) => output.paint(Tone::Muted, "off"),
            };
            vec![cell(it, "id"), state, cell(it, "name")]
        })
        .collect();
    lines.push(output.table(&["PLUGIN", "IS", "NAME"], &plugins));
    lines.join("\n")
}

async fn remove(client: &Client, slug: &str, output: &Output) -> anyhow::Result<()> {
    client.delete(&format!("{ADDRESS}/{}", segment(slug))).await?;
    output.result(&json!({ "slug": slug, "removed": true }), || {
        format!(
            "{slug} is gone. For 30 days `switchboard org restore {slug}` brings it back, but for its tokens."
        )
    });
    Ok(())
}

async fn restore(client: &Client, slug: &str, output: &Output) -> anyhow::Result<()> {
    let restored = client.post(&format!("{ADDRESS}/{}/restore", segment(slug)), &json!({})).await?;
    output.result(&restored, || {
        format!("{slug} is back, with its people and plugins. Its tokens were revoked: make new ones.")
    });
    Ok(())
}
