//! Patterns of event types: `tournament.match.*`.

#[cfg(not(target_family = "wasm"))]
use std::{fmt, str::FromStr};

use crate::model::Listener;
#[cfg(not(target_family = "wasm"))]
use crate::name::is_name;

/// What a listener's pattern looks like.
#[cfg(not(target_family = "wasm"))]
pub(crate) const EXAMPLE: &str = "clip.created";

impl Listener {
    /// Whether this listener hears events of a type.
    ///
    /// `*` stands for exactly one word and a last `**` for one word or more, so that `**` alone hears all.
    ///
    /// ```
    /// # use switchboard_manifest::Listener;
    /// let listener: Listener = serde_json::from_str(r#"{"event": "tournament.match.*"}"#)?;
    /// assert!(listener.hears("tournament.match.finished"));
    /// assert!(!listener.hears("tournament.match.round.finished"));
    /// assert!(!listener.hears("tournament.match"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn hears(&self, event_type: &str) -> bool {
        is_of(&self.event, event_type)
    }
}

/// A pattern of event types, as listeners have one, for whoever looks for events.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPattern(String);

/// A text is no pattern of event types.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pattern of event types, such as `clip.created` or `clip.*`: {1}")]
pub struct NotAnEventPattern(String, String);

#[cfg(not(target_family = "wasm"))]
impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(not(target_family = "wasm"))]
impl FromStr for EventPattern {
    type Err = NotAnEventPattern;

    fn from_str(text: &str) -> Result<Self, NotAnEventPattern> {
        match fault(text) {
            Some(why) => Err(NotAnEventPattern(text.to_owned(), why)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
impl EventPattern {
    /// Whether an event type is of this pattern.
    ///
    /// ```
    /// # use switchboard_manifest::EventPattern;
    /// let pattern: EventPattern = "clip.*".parse()?;
    /// assert!(pattern.matches("clip.created") && !pattern.matches("clip.share.created"));
    /// # Ok::<(), switchboard_manifest::NotAnEventPattern>(())
    /// ```
    pub fn matches(&self, event_type: &str) -> bool {
        is_of(&self.0, event_type)
    }

    /// What every event type of this pattern begins with.
    ///
    /// ```
    /// # use switchboard_manifest::EventPattern;
    /// assert_eq!("clip.*".parse::<EventPattern>()?.beginning(), "clip.");
    /// # Ok::<(), switchboard_manifest::NotAnEventPattern>(())
    /// ```
    pub fn beginning(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }
}

fn is_of(pattern: &str, event_type: &str) -> bool {
    let mut words = event_type.split('.');
    for wanted in pattern.split('.') {
        match (wanted, words.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(word)) if wanted == word => {}
            _ => return false,
        }
    }
    words.next().is_none()
}

/// Why a text is no pattern of event types.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn fault(pattern: &str) -> Option<String> {
    let words: Vec<&str> = pattern.split('.').collect();
    let last = words.len() - 1;
    words.iter().enumerate().find_map(|(index, word)| match *word {
        "" => Some("a word is missing between the dots".to_owned()),
        "**" if index < last => Some("`**` stands for the rest and so can only come last".to_owned()),
        "*" | "**" => None,
        _ if word.contains('*') => Some("`*` stands for a whole word and cannot be a part of one".to_owned()),
        _ if is_name(word) => None,
        _ => Some("words are lower-case letters, digits and `_`, a letter first".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hears(pattern: &str, event_type: &str) -> bool {
        pattern.parse::<EventPattern>().unwrap().matches(event_type)
    }

    #[test]
    fn a_star_is_one_word_and_two_are_the_rest() {
        assert!(hears("clip.created", "clip.created"));
        assert!(!hears("clip.created", "clip.created.twice"));
        assert!(!hears("clip.created", "clip"));
        assert!(hears("*.created", "clip.created"));
        assert!(!hears("*", "clip.created"));
        assert!(hears("clip.**", "clip.created.twice"));
        assert!(!hears("clip.**", "clip"));
        assert!(!hears("clip.**", "clips.created"));
        assert!(hears("**", "clip.created"));
    }

    #[test]
    fn malformed_patterns_say_why() {
        for good in ["clip.created", "clip.*", "*.created", "**", "clip.**", "a1.b_2"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in
            ["", "clip.", "clip..created", "clip.**.x", "clip.cre*", "Clip.created", "clip created", "***"]
        {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
