//! What commands take: arguments that a line of words can say.

use crate::{
    inspection::{Inspection, Part},
    quote::{listed, quoted},
};

use super::{names, schemas};

/// What a word can be.
const TYPES: [&str; 4] = ["string", "integer", "number", "boolean"];

pub(super) fn check(manifest: &mut Inspection<'_>) {
    for command in manifest.top().items("provides.commands") {
        let arguments = command.items("arguments");
        names::differ(manifest, &arguments, "name", "argument");
        required_come_first(manifest, &arguments);
        for schema in arguments.iter().filter_map(|argument| argument.field("schema")) {
            if schemas::is_schema(manifest, &schema) {
                a_word_says_it(manifest, &schema);
            }
        }
    }
}

fn required_come_first(manifest: &mut Inspection<'_>, arguments: &[Part<'_>]) {
    let is_required =
        |argument: &Part<'_>| argument.field("required").is_some_and(|required| required.value == true);
    let mut behind = arguments.iter().skip_while(|argument| is_required(argument));
    let Some(optional) = behind.next().and_then(|argument| argument.text("name")) else { return };
    for required in behind.filter(|argument| is_required(argument)) {
        let message = format!(
            "an argument that must be given stands behind {}, which need not be: what is written is read in this order",
            quoted(optional.text)
        );
        let instead = format!("it before {}", quoted(optional.text));
        manifest.fault(&required.path, message, instead);
    }
}

fn a_word_says_it(manifest: &mut Inspection<'_>, schema: &Part<'_>) {
    if schema.text("type").is_some_and(|kind| TYPES.contains(&kind.text)) {
        return;
    }
    let message = "an argument is a text, a number or true or false, and this schema does not say which";
    let instead = format!("`type`: {}", listed(&TYPES, "or"));
    manifest.fault(&schema.path, message, instead);
}
