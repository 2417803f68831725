//! Plugins that are required, used or shunned.

use std::collections::HashMap;

use crate::{
    inspection::{Inspection, Part, Text},
    quote::quoted,
};

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    let itself = top.text("id").map(|id| id.text);
    let mut first: HashMap<&str, (&str, usize)> = HashMap::new();
    for list in ["requires", "optional", "conflicts"] {
        for entry in top.items(list) {
            let Some(id) = id_of(&entry) else { continue };
            let name = quoted(id.text);
            if itself == Some(id.text) {
                let message = format!("{name} stands in its own `{list}`");
                manifest.fault(&id.path, message, "other plugins only".to_owned());
                continue;
            }
            match first.get(id.text) {
                None => {
                    first.insert(id.text, (list, manifest.line_of(&id.path)));
                }
                Some((before, line)) if *before == list => {
                    let message = format!("{name} stands in `{list}` twice, first on line {line}");
                    manifest.fault(&id.path, message, "it once".to_owned());
                }
                Some((before, line)) => {
                    let message = format!("{name} stands in `{list}` and, on line {line}, in `{before}`");
                    manifest.fault(&id.path, message, "it in one of the two".to_owned());
                }
            }
        }
    }
}

/// The plugin that an entry names: the entry itself, or its `plugin_id`.
pub(super) fn id_of<'a>(entry: &Part<'a>) -> Option<Text<'a>> {
    entry.as_text().or_else(|| entry.text("plugin_id"))
}
