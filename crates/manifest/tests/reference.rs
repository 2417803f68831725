//! The reference of manifests in `docs` has every field of the model, and no other.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use switchboard_manifest::schema;

/// Where the fields of a table stand whose rows do not say so themselves, by its heading; below `### x` it is `provides.x[]`.
const PLACES: [(&str, &[&str]); 4] = [
    ("## The plugin itself", &[""]),
    ("## Configuration", &[""]),
    ("## Other plugins", &["requires[].", "optional[].", "conflicts[]."]),
    ("## Capabilities", &["capabilities[]."]),
];

#[test]
fn the_reference_has_every_field_of_the_schema_and_no_other() {
    let root = schema();
    let mut declared = BTreeSet::new();
    collect(&root, &root, "", &mut declared);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manifest.md");
    let described = described(&fs::read_to_string(page).unwrap());
    let missing: Vec<_> = declared.difference(&described).collect();
    assert!(missing.is_empty(), "docs/manifest.md has no row for {missing:?}");
    let gone: Vec<_> = described.difference(&declared).collect();
    assert!(gone.is_empty(), "docs/manifest.md has rows for {gone:?}, which the schema does not know");
}

/// The paths of all fields below a schema that hold no further ones: `limits.call_ms`, `provides.tasks[].name`.
fn collect(root: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let mut fields = Vec::new();
    let mut items = None;
    for form in forms(root, schema) {
        fields.extend(form.get("properties").and_then(Value::as_object).into_iter().flatten());
        items = items.or(form.get("items"));
    }
    if let Some(items) = items {
        let holds_fields =
            forms(root, items).into_iter().any(|form| form.get("properties").is_some_and(Value::is_object));
        if holds_fields {
            return collect(root, items, &format!("{path}[]"), found);
        }
    }
    if fields.is_empty() {
        found.insert(path.to_owned());
    }
    for (name, field) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(root, field, &path, found);
    }
}

/// What a schema may be: itself, what it refers to, and what it gives the choice of.
fn forms<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut forms = vec![schema];
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        forms.extend(self::forms(root, root.pointer(name.trim_start_matches('#')).unwrap()));
    }
    for choice in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        forms.extend(self::forms(root, choice));
    }
    forms
}

/// The paths of the fields that have a row in one of the page's tables.
fn described(page: &str) -> BTreeSet<String> {
    let mut described = BTreeSet::new();
    let (mut places, mut is_of_fields) = (Vec::new(), false);
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            places =
                heading.split('`').skip(1).step_by(2).map(|list| format!("provides.{list}[].")).collect();
        } else if line.starts_with("## ") {
            let of_heading = PLACES.iter().filter(|(heading, _)| *heading == line);
            places = of_heading.flat_map(|(_, places)| *places).map(|place| (*place).to_owned()).collect();
        }
        let Some(cell) = line.strip_prefix("| ").and_then(|row| row.split(" |").next()) else {
            is_of_fields = line.starts_with("|--") && is_of_fields;
            continue;
        };
        is_of_fields |= cell == "field";
        let Some(field) = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')) else { continue };
        if !is_of_fields {
            continue;
        }
        if !field.contains('.') {
            described.extend(places.iter().map(|place| format!("{place}{field}")));
        } else if places.iter().any(|place| place.starts_with("provides.")) {
            described.insert(format!("provides.{field}"));
        } else {
            described.insert(field.to_owned());
        }
    }
    described
}
