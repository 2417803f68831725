//! Who is behind a call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Who is behind a call, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor it is.
    pub kind: ActorKind,
    /// Its name among its kind: a token's name, a plugin's id.
    pub name: Arc<str>,
    /// What it may do.
    pub actions: Actions,
}

/// The kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// A program that shows an API token.
    Token,
    /// A plugin that acts on its own account.
    Plugin,
    /// The host itself.
    System,
}

/// A set of actions, such as `clip:delete`; `clip:*` stands for all of a kind and `*` for every one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actions(Arc<[String]>);

impl Actions {
    /// Every action.
    pub fn all() -> Self {
        Self(Arc::new(["*".to_owned()]))
    }

    /// These actions.
    pub fn new(actions: impl IntoIterator<Item = String>) -> Self {
        Self(actions.into_iter().collect())
    }

    /// Whether the action is among them.
    ///
    /// ```
    /// use switchboard_api::Actions;
    /// let actions = Actions::new(["clip:*".to_owned(), "event:read".to_owned()]);
    /// assert!(actions.allow("clip:delete") && actions.allow("event:read"));
    /// assert!(!actions.allow("event:replay") && !actions.allow("clips:read"));
    /// ```
    pub fn allow(&self, action: &str) -> bool {
        self.0.iter().any(|granted| match granted.strip_suffix('*') {
            Some("") => true,
            Some(kind) => kind.ends_with(':') && action.starts_with(kind),
            None => granted == action,
        })
    }

    /// The actions and patterns as they were granted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Actor {
    /// The host itself, which may do everything.
    pub fn system() -> Self {
        Self { kind: ActorKind::System, name: "system".into(), actions: Actions::all() }
    }
}
