//! What nobody is to see.

use std::fmt;

/// A secret, as a plugin is given one. It has no form but what [`expose`](Self::expose) gives: what is printed of it is
/// [`HIDDEN`](Self::HIDDEN), and it cannot be written as JSON.
///
/// ```
/// use switchboard_api::Secret;
/// let key = Secret::new("hunter2");
/// assert_eq!(format!("{key:?}"), "•••");
/// assert_eq!(key.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// What is shown in place of a secret.
    pub const HIDDEN: &str = "•••";

    /// A secret of this text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for where it is needed and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HIDDEN)
    }
}
