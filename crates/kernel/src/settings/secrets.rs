//! Secret properties of a configuration: they go in, never out.
//!
//! A property is secret when its schema says `secret: true`, wherever that stands: behind a reference, in a branch of
//! `anyOf`, below other objects and lists.

use serde_json::Value as Json;
use switchboard_api::{Failure, Fault};
use switchboard_vault::REDACTED;

use super::{
    Config,
    marks::{self, Reference},
    place::{Place, step},
};

/// Whether that is the name of a secret property, such as `mail.password`.
pub(crate) fn is_secret(schema: Option<&Config>, name: &str) -> bool {
    let place = |root| name.split('.').fold(Place::top(root), |place, word| place.property(word));
    schema.is_some_and(|root| place(root).is_secret())
}

/// The configuration without what is secret. What stands for a secret elsewhere, a reference, is none.
pub(crate) fn removed(schema: Option<&Config>, mut config: Config) -> Config {
    if let Some(root) = schema {
        remove(&Place::top(root), &mut config);
    }
    // A plugin whose newer schema no longer calls it secret does not make it less so.
    config.retain(|_, value| !marks::is_sealed(value));
    config.values_mut().for_each(remove_sealed);
    config
}

/// The configuration with [`REDACTED`] in place of what is secret.
pub(crate) fn redacted(schema: Option<&Config>, config: &Config) -> Config {
    let mut config = config.clone();
    for_each(schema, &mut config, &mut |_, value| {
        if !value.is_null() {
            *value = REDACTED.into();
        }
        Ok::<_, std::convert::Infallible>(())
    })
    .unwrap_or_else(|never| match never {});
    config.values_mut().for_each(redact_sealed);
    config
}

/// A secret that is not sent stays what it was; `null` removes it.
///
/// What is in a list has no name by which to find it again: there, secrets are sent with the list.
pub(crate) fn keep(schema: Option<&Config>, before: &Config, now: &mut Config) {
    if let Some(root) = schema {
        keep_in(&Place::top(root), before, now);
    }
}

/// Does something with every secret value that is not a reference, sealed or not, with its JSON Pointer.
pub(crate) fn for_each<E>(
    schema: Option<&Config>,
    config: &mut Config,
    act: &mut impl FnMut(&str, &mut Json) -> Result<(), E>,
) -> Result<(), E> {
    let Some(root) = schema else { return Ok(()) };
    let place = Place::top(root);
    for (name, value) in config.iter_mut() {
        within(&place.property(name), &step("", name), value, act)?;
    }
    Ok(())
}

fn within<E>(
    place: &Place<'_>,
    pointer: &str,
    value: &mut Json,
    act: &mut impl FnMut(&str, &mut Json) -> Result<(), E>,
) -> Result<(), E> {
    if place.is_secret() {
        return if Reference::of(value).is_some() { Ok(()) } else { act(pointer, value) };
    }
    match value {
        Json::Object(config) => {
            for (name, value) in config.iter_mut() {
                within(&place.property(name), &step(pointer, name), value, act)?;
            }
        }
        Json::Array(items) => {
            let place = place.item();
            for (index, item) in items.iter_mut().enumerate() {
                within(&place, &step(pointer, index), item, act)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// What is secret in an opened configuration, as it might be quoted in a sentence.
pub(crate) struct Words(Vec<String>);

impl Words {
    /// The secrets of a configuration that was opened.
    pub(crate) fn of(schema: Option<&Config>, opened: &Config) -> Self {
        let mut words = Vec::new();
        let mut opened = opened.clone();
        for_each(schema, &mut opened, &mut |_, value| {
            collect(value, &mut words);
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap_or_else(|never| match never {});
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Self(words)
    }

    /// Whether nothing is secret.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with [`REDACTED`] in place of every secret that it quotes.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, word| text.replace(word.as_str(), REDACTED))
    }

    fn redact_all(&self, value: &mut Json) {
        match value {
            Json::String(text) => *text = self.redact(text),
            Json::Array(items) => items.iter_mut().for_each(|item| self.redact_all(item)),
            Json::Object(config) => config.values_mut().for_each(|value| self.redact_all(value)),
            _ => {}
        }
    }

    /// The same failure without a secret in its sentences.
    pub(crate) fn redact_failure(&self, mut failure: Failure) -> Failure {
        use Failure as F;
        match &mut failure {
            F::Invalid { message, faults } => {
                *message = self.redact(message);
                for fault in faults {
                    fault.msg = self.redact(&fault.msg);
                    self.redact_all(&mut fault.input);
                }
            }
            F::NotFound { message }
            | F::Forbidden { message }
            | F::Conflict { message }
            | F::TooLarge { message, .. }
            | F::RateLimited { message, .. }
            | F::Unavailable { message, .. }
            | F::TimedOut { message }
            | F::Broken { message } => *message = self.redact(message),
        }
        failure
    }
}

fn collect(value: &Json, words: &mut Vec<String>) {
    match value {
        Json::Null | Json::Bool(_) => {}
        Json::String(text) if text.is_empty() => {}
        Json::String(text) => {
            words.push(text.clone());
            // As it stands in JSON, where that is another text.
            let quoted = Json::from(text.as_str()).to_string();
            words.push(quoted.trim_matches('"').to_owned());
        }
        Json::Number(number) => words.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Json::Object(config) => config.values().for_each(|value| collect(value, words)),
    }
}

/// The faults of an opened configuration, without a secret in them. The place of each begins with `config`.
pub(crate) fn redact_faults(schema: Option<&Config>, opened: &Config, faults: &mut [Fault]) {
    let words = Words::of(schema, opened);
    for fault in faults {
        fault.msg = words.redact(&fault.msg);
        let shown = schema.map(|root| shown_input(root, fault));
        if let Some(input) = shown {
            fault.input = input;
        }
        words.redact_all(&mut fault.input);
    }
}

fn shown_input(root: &Config, fault: &Fault) -> Json {
    let mut place = Place::top(root);
    for word in fault.loc.iter().skip(1) {
        place = match word.as_str() {
            Some(name) => {
                // What nobody knows may be a secret under a name that was mistyped.
                if fault.kind == "extra_forbidden" {
                    return REDACTED.into();
                }
                place.property(name)
            }
            None => place.item(),
        };
        if place.is_secret() {
            return REDACTED.into();
        }
    }
    let mut input = fault.input.clone();
    within(&place, "", &mut input, &mut |_, value| {
        *value = REDACTED.into();
        Ok::<_, std::convert::Infallible>(())
    })
    .unwrap_or_else(|never| match never {});
    input
}

fn remove(place: &Place<'_>, config: &mut Config) {
    config.retain(|name, value| {
        let place = place.property(name);
        if place.is_secret() {
            return Reference::of(value).is_some();
        }
        remove_within(&place, value);
        true
    });
}

fn remove_within(place: &Place<'_>, value: &mut Json) {
    match value {
        Json::Object(config) => remove(place, config),
        Json::Array(items) => {
            let place = place.item();
            if place.is_secret() {
                items.retain(|item| Reference::of(item).is_some());
            }
            items.iter_mut().for_each(|item| remove_within(&place, item));
        }
        _ => {}
    }
}

fn remove_sealed(value: &mut Json) {
    match value {
        Json::Object(config) => {
            config.retain(|_, value| !marks::is_sealed(value));
            config.values_mut().for_each(remove_sealed);
        }
        Json::Array(items) => {
            items.retain(|item| !marks::is_sealed(item));
            items.iter_mut().for_each(remove_sealed);
        }
        _ => {}
    }
}

fn redact_sealed(value: &mut Json) {
    match value {
        value if marks::is_sealed(value) => *value = REDACTED.into(),
        Json::Object(config) => config.values_mut().for_each(redact_sealed),
        Json::Array(items) => items.iter_mut().for_each(redact_sealed),
        _ => {}
    }
}

fn keep_in(place: &Place<'_>, before: &Config, now: &mut Config) {
    for name in place.names().into_iter().filter(|name| place.property(name).is_secret()) {
        match (now.get(name), before.get(name)) {
            (Some(Json::Null), _) => drop(now.remove(name)),
            (None, Some(secret)) => drop(now.insert(name.clone(), secret.clone())),
            _ => {}
        }
    }
    for (name, value) in now.iter_mut() {
        let place = place.property(name);
        if let (false, Some(Json::Object(before)), Json::Object(now)) =
            (place.is_secret(), before.get(name), value)
        {
            keep_in(&place, before, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{Config, Words, keep, redacted, removed};

    fn object(value: Json) -> Config {
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

    fn everywhere() -> Config {
        object(json!({
            "url": "u", "token": "t", "mail": {"from": "f", "password": "p"}, "perhaps": {"password": "p"},
            "doors": [{"password": "p"}], "keys": ["k"], "tree": {"key": "k", "left": {"right": {"key": "k"}}},
            "loop": {},
        }))
    }

    #[test]
    fn a_secret_never_comes_out_however_deep_it_lies() {
        let shown = json!({
            "url": "u", "mail": {"from": "f"}, "perhaps": {}, "doors": [{}], "keys": [],
            "tree": {"left": {"right": {}}}, "loop": {},
        });
        assert_eq!(json!(removed(Some(&schema()), everywhere())), shown);
        let shown = json!({
            "url": "u", "token": "•••", "mail": {"from": "f", "password": "•••"}, "perhaps": {"password": "•••"},
            "doors": [{"password": "•••"}], "keys": ["•••"],
            "tree": {"key": "•••", "left": {"right": {"key": "•••"}}}, "loop": {},
        });
        assert_eq!(json!(redacted(Some(&schema()), &everywhere())), shown);
    }

    #[test]
    fn what_is_sealed_never_comes_out_though_no_schema_calls_it_secret() {
        let sealed = json!({"$sealed": "swb1:k:AAAA"});
        let config = object(json!({"url": sealed, "more": {"a": sealed, "b": 1, "c": [sealed, 2]}}));
        let shown = json!({"more": {"b": 1, "c": [2]}});
        assert_eq!(json!(removed(Some(&schema()), config.clone())), shown);
        assert_eq!(json!(removed(None, config.clone())), shown);
        let shown = json!({"url": "•••", "more": {"a": "•••", "b": 1, "c": ["•••", 2]}});
        assert_eq!(json!(redacted(None, &config)), shown);
    }

    #[test]
    fn a_reference_in_place_of_a_secret_is_shown() {
        let config = object(json!({"token": {"$env": "A"}, "keys": [{"$file": "b"}, "k"]}));
        let shown = json!({"token": {"$env": "A"}, "keys": [{"$file": "b"}]});
        assert_eq!(json!(removed(Some(&schema()), config.clone())), shown);
        let shown = json!({"token": {"$env": "A"}, "keys": [{"$file": "b"}, "•••"]});
        assert_eq!(json!(redacted(Some(&schema()), &config)), shown);
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

    #[test]
    fn a_sentence_that_quotes_a_secret_is_said_without_it() {
        let config = object(json!({"token": "hush\"hush", "mail": {"password": "hush"}, "url": "plain"}));
        let words = Words::of(Some(&schema()), &config);
        assert_eq!(
            words.redact(r#"hush"hush or "hush\"hush" or hush at plain"#),
            r#"••• or "•••" or ••• at plain"#
        );
    }
}
