//! A place inside a manifest, as its author would name it.

use std::fmt;

/// The way from the top of a file to one of its values: `provides.api_routes[2].path`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    Field(String),
    Item(usize),
}

impl Path {
    /// The path of fields joined by dots, none of which holds a dot itself.
    pub(crate) fn of(fields: &str) -> Self {
        Self(fields.split('.').map(|field| Step::Field(field.to_owned())).collect())
    }

    pub(crate) fn field(&self, name: &str) -> Self {
        self.then(Step::Field(name.to_owned()))
    }

    pub(crate) fn item(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    /// This path continued by another.
    pub(crate) fn join(&self, rest: &Path) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }

    /// The path without its last step, and that step; `None` at the top.
    pub(crate) fn split_last(&self) -> Option<(Self, Step)> {
        let (last, init) = self.0.split_last()?;
        Some((Self(init.to_vec()), last.clone()))
    }

    /// The paths of the values that hold this one, the nearest first.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.split_last(), |(parent, _)| parent.split_last()).map(|(parent, _)| parent)
    }

    /// The field that this path leads to, or the one that holds the list it leads into.
    pub(crate) fn last_field(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            Step::Item(_) => None,
        })
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl From<&jsonschema::paths::Location> for Path {
    fn from(location: &jsonschema::paths::Location) -> Self {
        use jsonschema::paths::LocationSegment;
        let step = |segment| match segment {
            LocationSegment::Property(name) => Step::Field(name.into_owned()),
            LocationSegment::Index(index) => Step::Item(index),
        };
        location.iter().map(step).collect()
    }
}

impl From<&serde_path_to_error::Path> for Path {
    fn from(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment;
        let step = |segment: &Segment| match segment {
            Segment::Seq { index } => Some(Step::Item(*index)),
            Segment::Map { key } => Some(Step::Field(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        path.iter().filter_map(step).collect()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Field(name) if is_plain(name) => {
                    f.write_str(if position == 0 { "" } else { "." })?;
                    f.write_str(name)?;
                }
                Step::Field(name) => write!(f, "[{:?}]", name.chars().take(60).collect::<String>())?,
            }
        }
        Ok(())
    }
}

fn is_plain(name: &str) -> bool {
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    !name.is_empty() && name.len() <= 60 && name.chars().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_its_author_would_write_it() {
        let path = Path::of("provides.api_routes").item(2).field("path");
        assert_eq!(path.to_string(), "provides.api_routes[2].path");
        assert_eq!(Path::of("permissions.roles").field("a b").to_string(), "permissions.roles[\"a b\"]");
        assert_eq!(Path::default().to_string(), "");
    }
}
