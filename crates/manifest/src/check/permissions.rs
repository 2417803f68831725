//! Permissions that are asked for and must be declared.

use std::collections::BTreeSet;

use crate::{
    inspection::{Inspection, Text},
    name::is_name,
    nearest::nearest,
    quote::{listed, quoted},
};

/// The lists whose entries may ask for a permission.
const ASKING: [&str; 5] =
    ["provides.api_routes", "provides.pages", "provides.commands", "provides.menu_items", "provides.tasks"];

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    let actions = top.items("permissions.actions");
    let actions: BTreeSet<&str> =
        actions.iter().filter_map(|action| Some(action.text("name")?.text)).collect();
    for list in ASKING {
        for permission in top.items(list).iter().filter_map(|entry| entry.text("permission")) {
            declared(manifest, &permission, &actions);
        }
    }
    let roles = top.field("permissions").and_then(|permissions| permissions.field("roles"));
    for role in roles.iter().flat_map(|roles| roles.members()) {
        for granted in role.value.as_array().into_iter().flatten().enumerate() {
            let (index, value) = granted;
            let Some(text) = value.as_str() else { continue };
            let granted = Text { text, path: role.path.item(index) };
            match text.strip_suffix('*') {
                Some("") => {}
                Some(kind) => kind_is_declared(manifest, &granted, kind, &actions),
                None => declared(manifest, &granted, &actions),
            }
        }
    }
}

fn declared(manifest: &mut Inspection<'_>, wanted: &Text<'_>, actions: &BTreeSet<&str>) {
    if actions.contains(wanted.text) {
        return;
    }
    let message = format!("the action {} is not declared under `permissions.actions`", quoted(wanted.text));
    let sound: BTreeSet<&str> = actions.iter().copied().filter(|action| is_action(action)).collect();
    let instead = match nearest(wanted.text, sound.iter().copied()) {
        Some(meant) => quoted(meant),
        None if is_action(wanted.text) => {
            format!("`- name: {}` under `permissions.actions` as well", wanted.text)
        }
        None if sound.is_empty() => {
            "an action such as `clip:delete`, and the same under `permissions.actions`".to_owned()
        }
        None => listed(&sound.iter().take(12).collect::<Vec<_>>(), "or"),
    };
    manifest.fault(&wanted.path, message, instead);
}

fn is_action(text: &str) -> bool {
    text.split_once(':').is_some_and(|(kind, verb)| is_name(kind) && is_name(verb))
}

fn kind_is_declared(manifest: &mut Inspection<'_>, wanted: &Text<'_>, kind: &str, actions: &BTreeSet<&str>) {
    if kind.ends_with(':') && actions.iter().any(|action| action.starts_with(kind)) {
        return;
    }
    let kinds: BTreeSet<String> =
        actions.iter().filter_map(|action| Some(format!("{}:*", action.split_once(':')?.0))).collect();
    let message = if kind.ends_with(':') {
        format!("no action under `permissions.actions` is of the kind {}", quoted(wanted.text))
    } else {
        format!("{} is not an action: `*` stands for all after the `:`", quoted(wanted.text))
    };
    let instead = nearest(wanted.text, kinds.iter()).map(quoted).or_else(|| Some(quoted(kinds.first()?)));
    manifest.fault(&wanted.path, message, instead);
}
