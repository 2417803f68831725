//! JSON Schemas within a manifest, and the defaults that must fit one.

use jsonschema::{draft202012, error::ValidationErrorKind};
use serde_json::Value;

use crate::{
    inspection::{Inspection, Part},
    path::Path,
    quote::quoted,
    wording::Wording,
};

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    for (list, field) in [
        ("provides.events", "schema"),
        ("provides.filter_points", "schema"),
        ("provides.tasks", "parameters"),
    ] {
        for schema in top.items(list).iter().filter_map(|entry| entry.field(field)) {
            is_schema(manifest, &schema);
        }
    }
    let schema = top.field("config_schema").filter(|schema| !schema.value.is_null());
    let defaults = top.field("config_defaults");
    match (schema, defaults) {
        (Some(schema), defaults) => {
            let sound = is_schema(manifest, &schema);
            describes_a_mapping(manifest, &schema);
            if let Some(defaults) = defaults.filter(|_| sound) {
                defaults_fit(manifest, schema.value, &defaults);
            }
        }
        (None, Some(defaults)) if defaults.value.as_object().is_some_and(|defaults| !defaults.is_empty()) => {
            let message =
                "there are defaults of a configuration, and no `config_schema` to say what they are";
            manifest.key_fault(
                &defaults.path,
                message,
                "a JSON Schema of them as `config_schema`".to_owned(),
            );
        }
        (None, _) => {}
    }
}

/// Whether a value is a JSON Schema by which something can be checked; what is wrong with it is noted.
pub(super) fn is_schema(manifest: &mut Inspection<'_>, schema: &Part<'_>) -> bool {
    if !schema.value.is_object() {
        return false;
    }
    let rules = draft202012::meta::validator();
    let errors: Vec<_> = rules.iter_errors(schema.value).collect();
    for error in &errors {
        Wording { tree: manifest.tree, base: &schema.path, schema: &Value::Null }.note(error, manifest);
    }
    if !errors.is_empty() {
        return false;
    }
    match draft202012::new(schema.value) {
        Ok(_) => true,
        Err(error) => {
            if !references_lead_somewhere(manifest, schema) {
                return false;
            }
            let path = schema.path.join(&Path::from(error.instance_path()));
            let (message, instead) = match (error.kind(), error.instance().as_ref()) {
                (ValidationErrorKind::Format { format }, Value::String(text)) if format == "regex" => (
                    format!("{} is not a regular expression", quoted(text)),
                    "a regular expression, such as `^[a-z]+$`; a `\\` before each sign that stands for itself",
                ),
                _ => (
                    format!("this is not a JSON Schema that values can be checked by: {error}"),
                    "a JSON Schema (2020-12) that stands alone",
                ),
            };
            manifest.fault(&path, message, instead.to_owned());
            false
        }
    }
}

/// Whether every `$ref` of a schema leads to a place within it; each that does not is noted.
fn references_lead_somewhere(manifest: &mut Inspection<'_>, schema: &Part<'_>) -> bool {
    // Values, not rules: what is called `$ref` in them refers to nothing.
    const DATA: [&str; 4] = ["const", "enum", "default", "examples"];
    let mut sound = true;
    let mut open = vec![schema.clone()];
    while let Some(part) = open.pop() {
        if let Some(target) = part.text("$ref") {
            let message = match target.text.strip_prefix('#') {
                None => Some(format!("{} is outside of this file", quoted(target.text))),
                Some(within) if within.starts_with('/') && schema.value.pointer(within).is_none() => {
                    Some(format!("{} leads to nothing in this schema", quoted(target.text)))
                }
                Some(_) => None,
            };
            if let Some(message) = message {
                sound = false;
                let instead =
                    "the rules themselves, or `#/$defs/…` with the rules under `$defs` of this schema";
                manifest.fault(&target.path, message, instead.to_owned());
            }
        }
        open.extend(part.members().into_iter().filter(|member| {
            let name = member.path.last_field().unwrap_or_default();
            !DATA.contains(&name)
        }));
        let items = part.value.as_array().into_iter().flatten().enumerate();
        open.extend(items.map(|(index, value)| Part { value, path: part.path.item(index) }));
    }
    sound
}

fn describes_a_mapping(manifest: &mut Inspection<'_>, schema: &Part<'_>) {
    if schema.value.is_object()
        && schema.value.get("type").is_none_or(|kind| kind.is_string() && kind != "object")
    {
        let path = schema.path.field("type");
        if !manifest.is_faulty(&path) {
            let message = "a configuration is a mapping, and this schema does not say so";
            manifest.fault(&path, message, "`type: object`".to_owned());
        }
    }
}

/// A field that is required and has no default is one that an administrator has to set: no fault.
fn defaults_fit(manifest: &mut Inspection<'_>, schema: &Value, defaults: &Part<'_>) {
    let Ok(rules) = draft202012::new(schema) else { return };
    for error in rules.iter_errors(defaults.value) {
        if !matches!(error.kind(), ValidationErrorKind::Required { .. }) {
            Wording { tree: manifest.tree, base: &defaults.path, schema }.note(&error, manifest);
        }
    }
}
