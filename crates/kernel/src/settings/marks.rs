//! What stands in a stored configuration in place of a value: a sealed secret, or where the value is to be found.

use std::fmt;

use serde_json::{Value as Json, json};

use super::{Config, place::step};

const SEALED: &str = "$sealed";
const ENV: &str = "$env";
const FILE: &str = "$file";

/// Where a value is to be found that stands outside of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// In a variable of the server's environment.
    Env(String),
    /// In a file on the server.
    File(String),
}

impl Reference {
    /// The reference that a value is: an object with `$env` or `$file` and a text, and nothing else.
    pub(crate) fn of(value: &Json) -> Option<Self> {
        let (name, text) = only(value)?;
        match name {
            ENV => Some(Self::Env(text.to_owned())),
            FILE => Some(Self::File(text.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the file `{path}`"),
        }
    }
}

/// What stands in place of a secret.
pub(crate) fn sealed(text: &str) -> Json {
    json!({ SEALED: text })
}

/// The sealed text, where a value is one.
pub(crate) fn sealed_text(value: &Json) -> Option<&str> {
    only(value).filter(|(name, _)| *name == SEALED).map(|(_, text)| text)
}

/// Whether a value is a sealed secret.
pub(crate) fn is_sealed(value: &Json) -> bool {
    sealed_text(value).is_some()
}

/// Whether a value is anything that stands in place of another.
pub(crate) fn is_mark(value: &Json) -> bool {
    is_sealed(value) || Reference::of(value).is_some()
}

/// Whether a value, or one in it, is to be found outside of the database.
pub(crate) fn has_reference(value: &Json) -> bool {
    Reference::of(value).is_some()
        || match value {
            Json::Object(config) => config.values().any(has_reference),
            Json::Array(items) => items.iter().any(has_reference),
            _ => false,
        }
}

fn only(value: &Json) -> Option<(&str, &str)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, value) = object.iter().next()?;
    Some((name.as_str(), value.as_str()?))
}

/// Does something with every value that stands in place of another, with its JSON Pointer.
pub(crate) fn for_each<E>(
    config: &mut Config,
    act: &mut impl FnMut(&str, &mut Json) -> Result<(), E>,
) -> Result<(), E> {
    config.iter_mut().try_for_each(|(name, value)| within(&step("", name), value, act))
}

fn within<E>(
    pointer: &str,
    value: &mut Json,
    act: &mut impl FnMut(&str, &mut Json) -> Result<(), E>,
) -> Result<(), E> {
    if is_mark(value) {
        return act(pointer, value);
    }
    match value {
        Json::Object(config) => {
            config.iter_mut().try_for_each(|(name, value)| within(&step(pointer, name), value, act))
        }
        Json::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, item)| within(&step(pointer, index), item, act)),
        _ => Ok(()),
    }
}
