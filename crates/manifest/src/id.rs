//! The name of a plugin.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// The pattern that every plugin id matches.
pub const PATTERN: &str = "^[a-z][a-z0-9_]*$";

/// The name of a plugin in addresses, permissions and data: `^[a-z][a-z0-9_]*$`, at most 64 characters.
///
/// Cheap to clone.
///
/// ```
/// use switchboard_manifest::PluginId;
/// assert!("clips".parse::<PluginId>().is_ok());
/// assert!("Clips".parse::<PluginId>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PluginId(Arc<str>);

/// A text that is no plugin id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a plugin id: write 1 to 64 lower-case letters, digits and `_`, with a letter first")]
pub struct NotAPluginId(pub String);

impl PluginId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PluginId {
    type Err = NotAPluginId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letter_first = text.starts_with(|c: char| c.is_ascii_lowercase());
        let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if letter_first && rest && text.len() <= 64 {
            Ok(Self(text.into()))
        } else {
            Err(NotAPluginId(text.to_owned()))
        }
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for PluginId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for PluginId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for PluginId {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl<'de> Deserialize<'de> for PluginId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PluginId {
    fn schema_name() -> Cow<'static, str> {
        "PluginId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "maxLength": 64,
            "description": "A plugin's id: lower-case letters, digits and `_`, a letter first."
        })
    }
}
