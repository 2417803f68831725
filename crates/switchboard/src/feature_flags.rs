//! Feature flags of an older system, read as what is to be switched on and off here.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::output::Advise;

/// The most faults that are told.
const MOST_FAULTS: usize = 20;

/// What a file of flags means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    /// Flags that stand for nothing here.
    #[serde(default)]
    ignore: BTreeSet<String>,
    /// What the file calls what it says.
    #[serde(default)]
    fields: Fields,
    /// Our name in addresses for what the older system calls an organization.
    #[serde(default)]
    organizations: HashMap<String, String>,
    /// The plugins that each flag stands for.
    flags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    organization: String,
    flag: String,
    enabled: String,
}

impl Default for Fields {
    fn default() -> Self {
        let name = str::to_owned;
        Self { organization: name("organization"), flag: name("flag"), enabled: name("enabled") }
    }
}

/// A plugin to be switched in some organizations.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Switch {
    plugin: String,
    organizations: Vec<String>,
    enabled: bool,
}

type Record = Map<String, Json>;

/// Reads a file of flags by its mapping.
///
/// # Errors
/// When a file cannot be read; or with everything that is wrong with the records, by their numbers.
pub(crate) fn read(file: &Path, mapping: &Path) -> anyhow::Result<Vec<Switch>> {
    let text =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()));
    let meant: Mapping = toml::from_str(&text(mapping)?)
        .with_context(|| format!("{} is no mapping", mapping.display()))
        .advise("`switchboard import feature-flags --help` shows one")?;
    let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let records =
        records(kind, &text(file)?).with_context(|| format!("{} holds no records", file.display())).advise(
            "export it as .csv with a line of headings, as .json with an array of objects, or as .jsonl",
        )?;
    switches(&records, &meant).map_err(|faults| {
        let more = faults.len().saturating_sub(MOST_FAULTS);
        let mut told: Vec<String> = faults.into_iter().take(MOST_FAULTS).collect();
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        anyhow!("{} does not fit {}:\n  {}", file.display(), mapping.display(), told.join("\n  "))
    })
}

fn records(kind: &str, text: &str) -> anyhow::Result<Vec<Record>> {
    match kind {
        "csv" => {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let names = reader.headers()?.clone();
            let record = |row: Result<csv::StringRecord, csv::Error>| {
                let row = row?;
                let cells = names.iter().map(str::to_owned).zip(row.iter().map(Json::from));
                Ok(cells.collect::<Record>())
            };
            reader.records().map(record).collect()
        }
        "json" => Ok(serde_json::from_str(text)?),
        "jsonl" | "ndjson" => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
        }
        other => bail!("`.{other}` is read by nobody"),
    }
}

/// What the records say, each plugin and each way once, in a stable order; or everything that is wrong.
fn switches(records: &[Record], meant: &Mapping) -> Result<Vec<Switch>, Vec<String>> {
    let mut faults = Vec::new();
    let mut wanted: BTreeMap<(String, String), (bool, usize)> = BTreeMap::new();
    for (number, record) in records.iter().enumerate().map(|(index, record)| (index + 1, record)) {
        match said(record, meant) {
            Err(why) => faults.push(format!("record {number}: {why}")),
            Ok(None) => {}
            Ok(Some(Said { organization, plugins, enabled })) => {
                for plugin in plugins {
                    let key = (plugin.clone(), organization.clone());
                    let (before, by) = *wanted.entry(key).or_insert((enabled, number));
                    if before != enabled {
                        let on = |on: bool| if on { "on" } else { "off" };
                        faults.push(format!(
                            "record {number}: `{plugin}` is {} in `{organization}`, and {} by record {by}",
                            on(enabled),
                            on(before)
                        ));
                    }
                }
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut switches: BTreeMap<(String, bool), Vec<String>> = BTreeMap::new();
    for ((plugin, organization), (enabled, _)) in wanted {
        switches.entry((plugin, enabled)).or_default().push(organization);
    }
    let switches = switches.into_iter();
    Ok(switches.map(|((plugin, enabled), organizations)| Switch { plugin, organizations, enabled }).collect())
}

/// What one record says.
struct Said<'a> {
    organization: String,
    plugins: &'a [String],
    enabled: bool,
}

/// What a record says; nothing of a flag that is ignored.
fn said<'a>(record: &Record, meant: &'a Mapping) -> Result<Option<Said<'a>>, String> {
    let Fields { organization, flag, enabled } = &meant.fields;
    let flag = field(record, flag)?;
    if meant.ignore.contains(&flag) {
        return Ok(None);
    }
    let Some(plugins) = meant.flags.get(&flag) else {
        return Err(format!("flag `{flag}` stands neither in [flags] nor in `ignore`"));
    };
    let theirs = field(record, organization)?;
    let organization = meant.organizations.get(&theirs).cloned().unwrap_or(theirs);
    let text = field(record, enabled)?;
    let enabled = match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "on" => true,
        "false" | "f" | "0" | "no" | "off" | "" => false,
        _ => return Err(format!("`{enabled}` is `{text}`, which is neither true nor false")),
    };
    Ok(Some(Said { organization, plugins, enabled }))
}

fn field(record: &Record, name: &str) -> Result<String, String> {
    match record.get(name) {
        Some(Json::String(text)) => Ok(text.trim().to_owned()),
        Some(value @ (Json::Number(_) | Json::Bool(_))) => Ok(value.to_string()),
        Some(Json::Null) => Ok(String::new()),
        Some(_) => Err(format!("`{name}` is neither text, nor a number, nor true or false")),
        None => {
            let names: Vec<String> = record.keys().map(|name| format!("`{name}`")).collect();
            Err(format!("it has no `{name}`, but {}: name the right one in [fields]", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mapping, Switch, records, switches};

    const MAPPING: &str = r#"
        ignore = ["banner"]
        [fields]
        organization = "organization_id"
        flag = "key"
        [organizations]
        7 = "acme"
        [flags]
        highlights = ["clips", "highlight_detector"]
        library = ["clips"]
    "#;

    fn read(kind: &str, text: &str) -> Result<Vec<Switch>, Vec<String>> {
        let mapping: Mapping = toml::from_str(MAPPING).unwrap();
        switches(&records(kind, text).unwrap(), &mapping)
    }

    fn switch(plugin: &str, organizations: &[&str], enabled: bool) -> Switch {
        let organizations = organizations.iter().map(|slug| (*slug).to_owned()).collect();
        Switch { plugin: plugin.to_owned(), organizations, enabled }
    }

    #[test]
    fn the_same_flags_are_read_from_each_kind_of_file() {
        let expected = [
            switch("clips", &["umbrella"], false),
            switch("clips", &["acme"], true),
            switch("highlight_detector", &["acme"], true),
        ];
        let csv =
            "key,organization_id,enabled\nhighlights,7,t\nlibrary,umbrella,0\nbanner,9,1\nlibrary,7,yes\n";
        assert_eq!(read("csv", csv).unwrap(), expected);
        let json = r#"[{"key": "highlights", "organization_id": 7, "enabled": true, "notes": null},
                       {"key": "library", "organization_id": "umbrella", "enabled": false},
                       {"key": "library", "organization_id": 7, "enabled": 1}]"#;
        assert_eq!(read("json", json).unwrap(), expected);
        let lines = json.trim_start_matches('[').trim_end_matches(']').replace("},", "}");
        assert_eq!(read("jsonl", &lines).unwrap(), expected);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let csv = "key,organization_id,enabled\nhighlights,7,1\nlibrary,acme,0\nraces,7,1\nlibrary,8,maybe\n";
        assert_eq!(
            read("csv", csv).unwrap_err(),
            [
                "record 2: `clips` is off in `acme`, and on by record 1",
                "record 3: flag `races` stands neither in [flags] nor in `ignore`",
                "record 4: `enabled` is `maybe`, which is neither true nor false",
            ]
        );
        assert_eq!(
            read("json", r#"[{"flag": "library", "enabled": true}]"#).unwrap_err(),
            ["record 1: it has no `key`, but `flag`, `enabled`: name the right one in [fields]"]
        );
        assert!(records("json", "{}").is_err() && records("xml", "<a/>").is_err());
    }
}
