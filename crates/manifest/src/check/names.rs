//! Names that must differ, and begin as they should.

use std::collections::{HashMap, HashSet};

use crate::{
    inspection::{Inspection, Part, Text},
    name::is_name,
    quote::quoted,
};

/// What one list must not have twice: the list, the field that names an entry, and what an entry is.
const UNIQUE: [(&str, &str, &str); 13] = [
    ("capabilities", "name", "capability"),
    ("permissions.actions", "name", "action"),
    ("provides.models", "name", "model"),
    ("provides.services", "name", "service"),
    ("provides.commands", "name", "command"),
    ("provides.events", "type", "event"),
    ("provides.listeners", "event", "listener to"),
    ("provides.filter_points", "name", "filter point"),
    ("provides.filters", "name", "part in the filter point"),
    ("provides.tasks", "name", "task"),
    ("provides.widgets", "name", "widget"),
    ("provides.menu_items", "label", "menu item"),
    ("provides.shared_blobs", "prefix", "prefix of shared blobs"),
];

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    for (list, field, noun) in UNIQUE {
        differ(manifest, &top.items(list), field, noun);
    }
    for list in lists_of_names(&top) {
        none_comes_twice(manifest, &list);
    }
    services_begin_with_the_id(manifest);
}

/// The entries of a list are told apart by a field.
pub(super) fn differ(manifest: &mut Inspection<'_>, entries: &[Part<'_>], field: &str, noun: &str) {
    let mut first: HashMap<&str, Text<'_>> = HashMap::new();
    for name in entries.iter().filter_map(|entry| entry.text(field)) {
        match first.get(name.text) {
            Some(other) => {
                let line = manifest.line_of(&other.path);
                let message =
                    format!("the {noun} {} is declared twice, first on line {line}", quoted(name.text));
                manifest.fault(&name.path, message, "another name, or one entry for both".to_owned());
            }
            None => {
                first.insert(name.text, name);
            }
        }
    }
}

/// The lists that hold names alone.
fn lists_of_names<'a>(top: &Part<'a>) -> Vec<Part<'a>> {
    let fields = ["hosts", "read_from", "secrets"];
    let requests = top.items("capabilities");
    let asked = requests.iter().flat_map(|request| fields.into_iter().filter_map(|name| request.field(name)));
    let roles = top.field("permissions").and_then(|permissions| permissions.field("roles"));
    asked.chain(roles.iter().flat_map(Part::members)).collect()
}

fn none_comes_twice(manifest: &mut Inspection<'_>, list: &Part<'_>) {
    let mut seen = HashSet::new();
    for (index, name) in list.value.as_array().into_iter().flatten().enumerate() {
        if let Some(text) = name.as_str()
            && !seen.insert(text)
        {
            let message = format!("{} stands in this list twice", quoted(text));
            manifest.fault(&list.path.item(index), message, "it once".to_owned());
        }
    }
}

fn services_begin_with_the_id(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    let Some(id) = top.text("id").filter(|id| is_name(id.text)) else { return };
    for name in top.items("provides.services").iter().filter_map(|service| service.text("name")) {
        let begins = name.text.strip_prefix(id.text).is_some_and(|rest| rest.starts_with('.'));
        let last = name.text.rsplit('.').next().filter(|last| is_name(last));
        if let Some(last) = last.filter(|_| !begins) {
            let message = format!("the service {} does not begin with the plugin's id", quoted(name.text));
            manifest.better_fault(&name.path, message, quoted(&format!("{}.{last}", id.text)));
        }
    }
}
