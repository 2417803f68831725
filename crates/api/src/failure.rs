//! How a call can fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How a call can fail: a closed set that every caller knows how to show, each with a sentence for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Failure {
    /// What was sent breaks a rule.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// Each fault by field; empty when it cannot be said by field.
        faults: Vec<Fault>,
    },
    /// The thing does not exist, or not for this caller.
    #[error("{message}")]
    NotFound {
        /// Which thing.
        message: String,
    },
    /// The caller may not do it.
    #[error("{message}")]
    Forbidden {
        /// What may not be done, and what would allow it.
        message: String,
    },
    /// It does not fit what is there.
    #[error("{message}")]
    Conflict {
        /// What stands in the way.
        message: String,
    },
    /// More bytes than are accepted.
    #[error("{message}")]
    TooLarge {
        /// What is too large, and the limit.
        message: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Too many calls.
    #[error("{message}")]
    RateLimited {
        /// Which limit.
        message: String,
        /// When to try again.
        after: Duration,
    },
    /// Not now.
    #[error("{message}")]
    Unavailable {
        /// What is not there, and why.
        message: String,
        /// When to try again, if that is known.
        after: Option<Duration>,
    },
    /// It took longer than it may.
    #[error("{message}")]
    TimedOut {
        /// What took too long, and the limit.
        message: String,
    },
    /// The plugin's fault: it trapped, panicked or answered nonsense.
    #[error("{message}")]
    Broken {
        /// What happened. For operators and authors; a caller from outside is told only that it failed.
        message: String,
    },
}

/// One rule broken, at one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// A stable word for the rule, such as `missing` or `greater_than`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The way to the place, such as `["body", "tags", 2]`.
    pub loc: Vec<Json>,
    /// What is wrong, for people.
    pub msg: String,
    /// What was sent there.
    pub input: Json,
}

impl Failure {
    /// [`Failure::Invalid`] without fields.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), faults: Vec::new() }
    }

    /// [`Failure::Invalid`] with its faults; the message counts them.
    pub fn faults(faults: Vec<Fault>) -> Self {
        let message = match faults.as_slice() {
            [only] => format!("{}: {}", only.place(), only.msg),
            many => format!("{} fields break a rule", many.len()),
        };
        Self::Invalid { message, faults }
    }

    /// [`Failure::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound { message: message.into() }
    }

    /// [`Failure::Forbidden`].
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden { message: message.into() }
    }

    /// [`Failure::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into() }
    }

    /// [`Failure::TooLarge`].
    pub fn too_large(message: impl Into<String>, limit: u64) -> Self {
        Self::TooLarge { message: message.into(), limit }
    }

    /// [`Failure::Unavailable`], with no time to try again.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into(), after: None }
    }

    /// [`Failure::TimedOut`].
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self::TimedOut { message: message.into() }
    }

    /// [`Failure::Broken`].
    pub fn broken(message: impl Into<String>) -> Self {
        Self::Broken { message: message.into() }
    }

    /// A stable word for the kind, such as `not_found`: for logs, metrics and problem types.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::NotFound { .. } => "not_found",
            Self::Forbidden { .. } => "forbidden",
            Self::Conflict { .. } => "conflict",
            Self::TooLarge { .. } => "too_large",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::TimedOut { .. } => "timed_out",
            Self::Broken { .. } => "broken",
        }
    }
}

impl Fault {
    /// A fault at a place.
    ///
    /// ```
    /// use switchboard_api::Fault;
    /// let fault = Fault::new("missing", ["body", "title"], "Field required", serde_json::Value::Null);
    /// assert_eq!(fault.place(), "body.title");
    /// ```
    pub fn new<P: Into<Json>>(
        kind: impl Into<String>,
        loc: impl IntoIterator<Item = P>,
        msg: impl Into<String>,
        input: Json,
    ) -> Self {
        Self { kind: kind.into(), loc: loc.into_iter().map(Into::into).collect(), msg: msg.into(), input }
    }

    /// The place as people write it: `body.tags.2`.
    pub fn place(&self) -> String {
        let words: Vec<String> = self
            .loc
            .iter()
            .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
            .collect();
        words.join(".")
    }
}
