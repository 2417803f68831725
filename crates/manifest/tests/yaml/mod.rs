//! YAML to JSON and back by another way than the one under test.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "shared by tests that each use a part")]

use saphyr::{LoadableYamlNode, Mapping, Scalar, Yaml, YamlEmitter};
use serde_json::{Number, Value};

/// The one document of a text.
pub(crate) fn to_json(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap();
    let [document] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    value(document)
}

/// A value as a YAML document.
pub(crate) fn from_json(value: &Value) -> String {
    let mut text = String::new();
    YamlEmitter::new(&mut text).dump(&node(value)).unwrap();
    text
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::from(value.into_inner()),
        Yaml::Value(Scalar::String(text)) => Value::String(text.clone().into_owned()),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(members) => {
            members.iter().map(|(key, member)| (key.as_str().unwrap().to_owned(), value(member))).collect()
        }
        other => panic!("{other:?} is not expected in a manifest"),
    }
}

fn node(value: &Value) -> Yaml<'_> {
    Yaml::Value(match value {
        Value::Null => Scalar::Null,
        Value::Bool(value) => Scalar::Boolean(*value),
        Value::Number(number) => scalar(number),
        Value::String(text) => Scalar::String(text.as_str().into()),
        Value::Array(items) => return Yaml::Sequence(items.iter().map(node).collect()),
        Value::Object(members) => {
            let text = |key: &str| Yaml::Value(Scalar::String(key.to_owned().into()));
            let member = |(key, value): (&String, _)| (text(key), node(value));
            return Yaml::Mapping(members.iter().map(member).collect::<Mapping<'_>>());
        }
    })
}

fn scalar(number: &Number) -> Scalar<'_> {
    match number.as_i64() {
        Some(whole) => Scalar::Integer(whole),
        None => Scalar::FloatingPoint(number.as_f64().unwrap().into()),
    }
}
