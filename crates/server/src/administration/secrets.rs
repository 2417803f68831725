//! Secret properties of a configuration: they go in, never out.
//!
//! A property is secret when its schema says `secret: true`, wherever that stands: behind a reference, in a branch of
//! `anyOf`, below other objects and lists.

use switchboard_kernel::Config;
use switchboard_sdk::serde_json::Value;

/// How many references and branches deep a schema is followed: one that leads to itself ends here.
const DEEPEST: usize = 16;

/// The configuration without what is secret.
pub(super) fn removed(schema: Option<&Config>, mut config: Config) -> Config {
    if let Some(root) = schema {
        remove(&Place::top(root), &mut config);
    }
    config
}

/// A secret that is not sent stays what it was; `null` removes it.
///
/// What is in a list has no name by which to find it again: there, secrets are sent with the list.
pub(super) fn keep(schema: Option<&Config>, before: &Config, now: &mut Config) {
    if let Some(root) = schema {
        keep_in(&Place::top(root), before, now);
    }
}

/// A value's place: every schema that speaks of it.
struct Place<'a> {
    root: &'a Config,
    schemas: Vec<&'a Config>,
}

impl<'a> Place<'a> {
    fn top(root: &'a Config) -> Self {
        let mut place = Self { root, schemas: Vec::new() };
        place.add(root, DEEPEST);
        place
    }

    /// Where the values of these schemas stand.
    fn of(root: &'a Config, schemas: impl Iterator<Item = &'a Value>) -> Self {
        let mut place = Self { root, schemas: Vec::new() };
        for schema in schemas.filter_map(Value::as_object) {
            place.add(schema, DEEPEST);
        }
        place
    }

    fn add(&mut self, schema: &'a Config, depth: usize) {
        self.schemas.push(schema);
        let Some(depth) = depth.checked_sub(1) else { return };
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
        let referred = reference.and_then(|pointer| self.at(pointer));
        let branches =
            ["allOf", "anyOf", "oneOf"].iter().filter_map(|word| schema.get(*word)?.as_array()).flatten();
        let choices = ["if", "then", "else"].iter().filter_map(|word| schema.get(*word));
        for schema in referred.into_iter().chain(branches.chain(choices).filter_map(Value::as_object)) {
            self.add(schema, depth);
        }
    }

    /// The part of the whole schema that a JSON Pointer leads to.
    fn at(&self, pointer: &str) -> Option<&'a Config> {
        let mut words = pointer.split('/');
        if words.next() != Some("") {
            return None;
        }
        let unescaped = |word: &str| word.replace("~1", "/").replace("~0", "~");
        let mut words = words.map(unescaped);
        let Some(first) = words.next() else { return Some(self.root) };
        let found = words.try_fold(self.root.get(&first)?, |value, word| value.get(&word))?;
        found.as_object()
    }

    fn is_secret(&self) -> bool {
        self.schemas.iter().any(|schema| schema.get("secret") == Some(&Value::Bool(true)))
    }

    /// The place of a property: what is said of it by name, or of all that have no name.
    fn property(&self, name: &str) -> Place<'a> {
        let said = self.schemas.iter().flat_map(|schema| {
            let named = schema.get("properties").and_then(|properties| properties.get(name));
            let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
            let others = schema.get("additionalProperties");
            // Whether a pattern fits is not asked: rather one secret too many than one too few.
            named.into_iter().chain(patterns.map(|(_, schema)| schema)).chain(others)
        });
        Place::of(self.root, said)
    }

    /// The place of what stands in a list.
    fn item(&self) -> Place<'a> {
        let said = self.schemas.iter().flat_map(|schema| {
            let first = schema.get("prefixItems").and_then(Value::as_array).into_iter().flatten();
            schema.get("items").into_iter().chain(first)
        });
        Place::of(self.root, said)
    }

    /// The names of secret properties.
    fn secrets(&self) -> impl Iterator<Item = &'a String> {
        let named = self.schemas.iter().filter_map(|schema| schema.get("properties")?.as_object()).flatten();
        named.map(|(name, _)| name).filter(|name| self.property(name).is_secret())
    }
}

fn remove(place: &Place<'_>, config: &mut Config) {
    config.retain(|name, value| {
        let place = place.property(name);
        if !place.is_secret() {
            remove_within(&place, value);
            return true;
        }
        false
    });
}

fn remove_within(place: &Place<'_>, value: &mut Value) {
    match value {
        Value::Object(config) => remove(place, config),
        Value::Array(items) => {
            let place = place.item();
            if place.is_secret() {
                items.clear();
            }
            items.iter_mut().for_each(|item| remove_within(&place, item));
        }
        _ => {}
    }
}

fn keep_in(place: &Place<'_>, before: &Config, now: &mut Config) {
    for name in place.secrets() {
        match (now.get(name), before.get(name)) {
            (Some(Value::Null), _) => drop(now.remove(name)),
            (None, Some(secret)) => drop(now.insert(name.clone(), secret.clone())),
            _ => {}
        }
    }
    for (name, value) in now.iter_mut() {
        let place = place.property(name);
        if let (false, Some(Value::Object(before)), Value::Object(now)) =
            (place.is_secret(), before.get(name), value)
        {
            keep_in(&place, before, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use switchboard_sdk::serde_json::{Value, json};

    use super::{Config, keep, removed};

    fn object(value: Value) -> Config {
        value.as_object().cloned().unwrap()
    }

    fn schema() -> Config {
        object(json!({
            "properties": {
                "url": {"type": "string"},
                "token": {"type": "string", "secret": true},
                "mail": {"$ref": "#/$defs/Mail"},
                "perhaps": {"anyOf": [{"$ref": "#/$defs/Mail"}, {"type": "null"}]},
                "doors": {"type": "array", "items": {"$ref": "#/$defs/Mail"}},
                "keys": {"type": "array", "items": {"$ref": "#/$defs/Key"}},
                "tree": {"$ref": "#/$defs/Tree"},
                "loop": {"$ref": "#/$defs/Loop"},
            },
            "$defs": {
                "Mail": {"properties": {"from": {}, "password": {"secret": true}}},
                "Key": {"type": "string", "secret": true},
                "Tree": {
                    "properties": {"key": {"$ref": "#/$defs/Key"}},
                    "additionalProperties": {"$ref": "#/$defs/Tree"},
                },
                "Loop": {"$ref": "#/$defs/Loop"},
            },
        }))
    }

    #[test]
    fn a_secret_never_comes_out_however_deep_it_lies() {
        let config = object(json!({
            "url": "u", "token": "t", "mail": {"from": "f", "password": "p"}, "perhaps": {"password": "p"},
            "doors": [{"password": "p"}], "keys": ["k"], "tree": {"key": "k", "left": {"right": {"key": "k"}}},
            "loop": {},
        }));
        let shown = json!({
            "url": "u", "mail": {"from": "f"}, "perhaps": {}, "doors": [{}], "keys": [],
            "tree": {"left": {"right": {}}}, "loop": {},
        });
        assert_eq!(json!(removed(Some(&schema()), config)), shown);
    }

    #[test]
    fn what_was_read_can_be_sent_back_without_losing_secrets() {
        let before = object(json!({
            "url": "u", "token": "t", "mail": {"from": "f", "password": "p"}, "perhaps": {"password": "q"},
        }));
        let mut now = removed(Some(&schema()), before.clone());
        now.insert("url".to_owned(), "v".into());
        keep(Some(&schema()), &before, &mut now);
        let expected = json!({
            "url": "v", "token": "t", "mail": {"from": "f", "password": "p"}, "perhaps": {"password": "q"},
        });
        assert_eq!(json!(now), expected);
    }

    #[test]
    fn null_removes_a_secret_and_another_value_replaces_it() {
        let before = object(json!({"token": "t", "mail": {"password": "p"}}));
        let mut now = object(json!({"token": null, "mail": {"password": "q"}}));
        keep(Some(&schema()), &before, &mut now);
        assert_eq!(json!(now), json!({"mail": {"password": "q"}}));
    }
}
