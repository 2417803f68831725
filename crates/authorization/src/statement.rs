//! What a role says: allow or deny these actions.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One sentence of a role: it allows or denies actions, to everything or to these things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The actions it is about.
    pub actions: Vec<ActionPattern>,
    /// The things it is about; everything when empty. One that names things counts where a plugin asks about one thing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourcePattern>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// What it names may be done, unless another statement denies it.
    Allow,
    /// What it names may not be done, whatever other statements say.
    Deny,
}

/// An action such as `clip:delete`, all of a kind such as `clip:*`, or every one: `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActionPattern(String);

/// A thing such as `clip:7`, or all of a kind: `clip:*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourcePattern(String);

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: write {instead}")]
pub struct NotAPattern {
    text: String,
    what: &'static str,
    instead: &'static str,
}

impl NotAPattern {
    pub(crate) fn new(text: &str, what: &'static str, instead: &'static str) -> Self {
        Self { text: text.to_owned(), what, instead }
    }
}

impl Statement {
    /// One that allows these actions to everything.
    pub fn allow(actions: impl IntoIterator<Item = ActionPattern>) -> Self {
        Self { effect: Effect::Allow, actions: actions.into_iter().collect(), resources: Vec::new() }
    }

    /// One that denies these actions to everything.
    pub fn deny(actions: impl IntoIterator<Item = ActionPattern>) -> Self {
        Self { effect: Effect::Deny, ..Self::allow(actions) }
    }
}

impl ActionPattern {
    /// Every action.
    pub fn every() -> Self {
        Self("*".to_owned())
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ResourcePattern {
    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActionPattern {
    type Err = NotAPattern;

    /// ```
    /// use switchboard_authorization::ActionPattern;
    /// assert!(["*", "clip:*", "clip:delete"].iter().all(|text| text.parse::<ActionPattern>().is_ok()));
    /// assert!(["", "clip", "clip:", "*:read", "Clip:read"].iter().all(|text| text.parse::<ActionPattern>().is_err()));
    /// ```
    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let is_verb = |verb: &str| verb == "*" || is_word(verb);
        let fits =
            text == "*" || text.split_once(':').is_some_and(|(kind, verb)| is_word(kind) && is_verb(verb));
        let (what, instead) = ("action", "`clip:delete`, `clip:*` or `*`");
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAPattern::new(text, what, instead)) }
    }
}

impl FromStr for ResourcePattern {
    type Err = NotAPattern;

    /// ```
    /// use switchboard_authorization::ResourcePattern;
    /// assert!(["clip:7", "clip:*", "clip:a-b.c"].iter().all(|text| text.parse::<ResourcePattern>().is_ok()));
    /// assert!(["", "*", "clip", "clip:", "clip:a b"].iter().all(|text| text.parse::<ResourcePattern>().is_err()));
    /// ```
    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let is_name = |name: &str| {
            (1..=200).contains(&name.len())
                && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-/".contains(&c))
        };
        let fits =
            text.split_once(':').is_some_and(|(kind, name)| is_word(kind) && (name == "*" || is_name(name)));
        let (what, instead) = ("thing", "`clip:7`, or `clip:*` for all of a kind");
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAPattern::new(text, what, instead)) }
    }
}

/// Lower-case letters, digits and `_`, a letter first.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}

macro_rules! as_text {
    ($($pattern:ty),*) => {$(
        impl TryFrom<String> for $pattern {
            type Error = NotAPattern;

            fn try_from(text: String) -> Result<Self, NotAPattern> {
                text.parse()
            }
        }

        impl From<$pattern> for String {
            fn from(pattern: $pattern) -> Self {
                pattern.0
            }
        }

        impl fmt::Display for $pattern {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

as_text!(ActionPattern, ResourcePattern);

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        let actions: Vec<&str> = self.actions.iter().map(ActionPattern::as_str).collect();
        write!(f, "{verb} {}", actions.join(", "))?;
        if !self.resources.is_empty() {
            let resources: Vec<&str> = self.resources.iter().map(ResourcePattern::as_str).collect();
            write!(f, " on {}", resources.join(", "))?;
        }
        Ok(())
    }
}
