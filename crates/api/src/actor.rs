//! Who is behind a call.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Who is behind a call, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor it is.
    pub kind: ActorKind,
    /// Its name among its kind: a person's e-mail address, a token's name, a plugin's id.
    pub name: Arc<str>,
    /// The account that it is, or on whose behalf a token acts; none where nobody's is behind it.
    pub account: Option<AccountId>,
    /// What it may do at most.
    pub actions: Actions,
    /// What bounds it besides its actions.
    pub standing: Standing,
    /// The global administrator who acts as this person, if one does.
    pub impersonator: Option<Arc<str>>,
}

/// The number of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<AccountId> for switchboard_sql::Value {
    fn from(id: AccountId) -> Self {
        Self::Integer(id.0)
    }
}

/// What bounds an actor besides its actions, in the organization of the call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    /// Nothing: the host itself, a global administrator, a token that an operator made.
    Free,
    /// The roles that the account holds there.
    Member(Roles),
    /// It is known who it is, and they belong to no organization that is called for.
    Stranger,
    /// It is not known who it is.
    #[default]
    Anyone,
}

/// The names of the roles that somebody holds in an organization, sorted, joined by spaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Roles(Arc<str>);

impl Roles {
    /// These roles.
    ///
    /// ```
    /// use switchboard_api::Roles;
    /// let roles = Roles::new(["viewer", "clips.editor"]);
    /// assert_eq!(roles.as_str(), "clips.editor viewer");
    /// assert!(roles.contains("viewer") && !roles.contains("view"));
    /// ```
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self(names.join(" ").into())
    }

    /// Their names, sorted, joined by spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Each name.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|name| !name.is_empty())
    }

    /// Whether the role is among them.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|other| other == name)
    }
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
    /// Somebody who has not said who they are.
    Anyone,
}

impl ActorKind {
    /// The kind as logs and the audit log name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::Plugin => "plugin",
            Self::System => "system",
            Self::Anyone => "anyone",
        }
    }
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
        Self::free(ActorKind::System, "system", Actions::all())
    }

    /// Somebody who is bound by nothing but these actions.
    pub fn free(kind: ActorKind, name: impl Into<Arc<str>>, actions: Actions) -> Self {
        Self { kind, name: name.into(), account: None, actions, standing: Standing::Free, impersonator: None }
    }

    /// Somebody who has not said who they are.
    pub fn anyone() -> Self {
        let (kind, name) = (ActorKind::Anyone, "anyone".into());
        let (actions, standing) = (Actions::default(), Standing::Anyone);
        Self { kind, name, account: None, actions, standing, impersonator: None }
    }
}
