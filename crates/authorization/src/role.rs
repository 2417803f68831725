//! Roles: bundles of statements under a name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::statement::{ActionPattern, NotAPattern, Statement};

/// Who may do everything in an organization, and alone may remove it or make owners.
pub const OWNER: &str = "owner";
/// Who may do everything but what is the owners' alone.
pub const ADMIN: &str = "admin";
/// Who takes part: what plugins bundle under the role `member`, and whatever a viewer may.
pub const MEMBER: &str = "member";
/// Who looks on: what plugins bundle under the role `viewer`.
pub const VIEWER: &str = "viewer";

/// The roles that every organization has, from the one that may most.
pub const BUILT_IN: [&str; 4] = [OWNER, ADMIN, MEMBER, VIEWER];

/// What an owner alone may do.
pub const OWNERS_ALONE: [&str; 2] = ["organization:remove", "owner:manage"];

/// A bundle of statements under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// Where its statements come from, for whoever asks why: `the server`, `plugin clips`, `organization acme`.
    #[serde(skip)]
    pub source: String,
    /// What it says.
    pub statements: Vec<Statement>,
}

/// A role's name: lower-case letters, digits, `_` and `-`, a letter first, 64 at most; a plugin's role carries the plugin's
/// id in front: `clips.editor`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

impl RoleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every organization has it.
    pub fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.0.as_str())
    }
}

impl FromStr for RoleName {
    type Err = NotAPattern;

    /// ```
    /// use switchboard_authorization::RoleName;
    /// assert!(["owner", "clips.editor", "race-staff"].iter().all(|text| text.parse::<RoleName>().is_ok()));
    /// assert!(["", "Owner", "a b", ".x", "a.b.c"].iter().all(|text| text.parse::<RoleName>().is_err()));
    /// ```
    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c))
        };
        let fits = text.len() <= 64
            && match text.split_once('.') {
                Some((plugin, name)) => is_word(plugin) && is_word(name),
                None => is_word(text),
            };
        if fits {
            return Ok(Self(text.to_owned()));
        }
        let instead = "lower-case letters, digits, `_` and `-`, a letter first, 64 at most";
        Err(NotAPattern::new(text, "name of a role", instead))
    }
}

impl TryFrom<String> for RoleName {
    type Error = NotAPattern;

    fn try_from(text: String) -> Result<Self, NotAPattern> {
        text.parse()
    }
}

impl From<RoleName> for String {
    fn from(name: RoleName) -> Self {
        name.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the roles of every organization may by themselves: owners everything, admins everything but what is the owners'
/// alone. What members and viewers may is what plugins bundle under these names.
pub fn built_in_roles() -> Vec<Role> {
    let role = |name: &str| Role {
        name: RoleName(name.to_owned()),
        source: "the server".to_owned(),
        statements: vec![Statement::allow([ActionPattern::every()])],
    };
    vec![role(OWNER), role(ADMIN)]
}
