//! Patterns of events, and filter points that are taken part in.

use crate::{
    inspection::Inspection,
    name::{as_name, as_names, is_name},
    pattern,
    quote::quoted,
};

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    for event in top.items("provides.listeners").iter().filter_map(|listener| listener.text("event")) {
        if let Some(why) = pattern::fault(event.text) {
            let message = format!("{} is not a pattern of events: {why}", quoted(event.text));
            let guess = repaired(event.text).filter(|guess| pattern::fault(guess).is_none());
            let instead = guess
                .map_or_else(|| format!("a pattern such as `{}`", pattern::EXAMPLE), |guess| quoted(&guess));
            manifest.fault(&event.path, message, instead);
        }
    }
    for event in top.items("provides.listeners").iter().filter_map(|listener| listener.text("event")) {
        if !manifest.is_faulty(&event.path) && !event.text.contains('.') && event.text != "**" {
            let message =
                format!("{} hears nothing: the types of events have two words or more", quoted(event.text));
            let instead = if event.text == "*" { "**".to_owned() } else { format!("{}.**", event.text) };
            manifest.fault(&event.path, message, quoted(&instead));
        }
    }
    for name in top.items("provides.filters").iter().filter_map(|filter| filter.text("name")) {
        if !is_dotted(name.text) {
            let message =
                format!("{} is not the name of a filter point: words joined by dots", quoted(name.text));
            let guess = as_names(name.text).filter(|names| names.len() > 1).map(|names| names.join("."));
            manifest.fault(&name.path, message, quoted(guess.as_deref().unwrap_or("clip.captured")));
        }
    }
}

/// What a pattern would be with its words joined by dots and each `*` a whole word: `Clip/cre*` to `clip.*`.
fn repaired(written: &str) -> Option<String> {
    let word = |word: &str| if word.contains('*') { Some("*".to_owned()) } else { as_name(word) };
    let words: Vec<String> =
        written.split(['.', ':', '/', ' ']).filter(|it| !it.is_empty()).map(word).collect::<Option<_>>()?;
    (words.len() > 1).then(|| words.join("."))
}

fn is_dotted(name: &str) -> bool {
    name.contains('.') && name.split('.').all(is_name)
}
