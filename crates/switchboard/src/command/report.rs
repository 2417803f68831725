//! What became of plugins in many organizations, as people read it.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::Value as Json;

use crate::{
    command::plugin::text,
    output::{FAILED, FOUND_WANTING, Output, Tone},
};

/// Where plugins are switched in many organizations.
pub(super) const ADDRESS: &str = "/api/admin/enablement";

/// The most organizations that are named in one line.
const MOST_NAMES: usize = 12;

/// Prints a report, in JSON the whole answer that it came with. The exit code tells whether something was refused.
pub(super) fn tell(answer: &Json, report: &Json, is_dry_run: bool, output: &Output) -> ExitCode {
    output.result(answer, || lines(report, is_dry_run, output).join("\n"));
    match count(report, "refused") {
        0 => ExitCode::SUCCESS,
        _ if is_dry_run => FOUND_WANTING.into(),
        _ => FAILED.into(),
    }
}

fn lines(report: &Json, is_dry_run: bool, output: &Output) -> Vec<String> {
    let named = |outcome: &str| {
        let lines = report.get("lines").and_then(Json::as_array).into_iter().flatten();
        let mut by_plugin: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines.filter(|line| text(line, "outcome") == Some(outcome)) {
            let key = match (text(line, "plugin"), text(line, "reason")) {
                (Some(plugin), Some(reason)) => format!("{plugin}: {reason}"),
                (plugin, _) => plugin.unwrap_or("-").to_owned(),
            };
            by_plugin.entry(key).or_default().push(text(line, "organization").unwrap_or("-").to_owned());
        }
        by_plugin
    };
    let would = if is_dry_run { "would be " } else { "" };
    let mut told = Vec::new();
    for (outcome, tone, word) in [
        ("switched", Tone::Good, format!("{would}switched")),
        ("unchanged", Tone::Muted, "so already".to_owned()),
        ("declined", Tone::Muted, "left off, as the organization had switched it off".to_owned()),
        ("refused", Tone::Bad, format!("{would}refused")),
    ] {
        for (plugin, mut organizations) in named(outcome) {
            organizations.sort();
            let word = output.paint(tone, &word);
            told.push(format!(
                "{word}: {plugin}\n  in {}: {}",
                organizations.len(),
                shortened(&organizations)
            ));
        }
    }
    if told.is_empty() {
        told.push("There is no organization to switch anything in.".to_owned());
    }
    told
}

fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MOST_NAMES) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more (--json names them all)"),
    }
}

pub(super) fn count(report: &Json, name: &str) -> u64 {
    report.get(name).and_then(Json::as_u64).unwrap_or(0)
}
