//! A manifest while it is being checked: loosely typed, so that one fault does not hide another.

use serde_json::Value;

use crate::{
    faults::Found,
    path::Path,
    tree::{Node, Place},
};

/// The manifest at hand and what was found wrong with it so far.
pub(crate) struct Inspection<'a> {
    pub(crate) tree: &'a Node,
    value: &'a Value,
    found: &'a mut Found,
}

/// A value of a manifest and the way there.
#[derive(Clone)]
pub(crate) struct Part<'a> {
    pub(crate) value: &'a Value,
    pub(crate) path: Path,
}

/// A text of a manifest and the way there.
#[derive(Clone)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    pub(crate) path: Path,
}

impl<'a> Inspection<'a> {
    pub(crate) fn new(tree: &'a Node, value: &'a Value, found: &'a mut Found) -> Self {
        Self { tree, value, found }
    }

    /// The manifest itself.
    pub(crate) fn top(&self) -> Part<'a> {
        Part { value: self.value, path: Path::default() }
    }

    /// A fault of the value at a path, or of what lacks it.
    pub(crate) fn fault(
        &mut self,
        path: &Path,
        message: impl Into<String>,
        instead: impl Into<Option<String>>,
    ) {
        self.found.add(self.tree.place_of(path), path.clone(), message, instead.into());
    }

    /// A fault that is best pointed out elsewhere than where its path leads.
    pub(crate) fn fault_from(
        &mut self,
        place: Place,
        path: &Path,
        message: impl Into<String>,
        instead: impl Into<Option<String>>,
    ) {
        self.found.add(place, path.clone(), message, instead.into());
    }

    /// A fault of a field's name.
    pub(crate) fn key_fault(
        &mut self,
        path: &Path,
        message: impl Into<String>,
        instead: impl Into<Option<String>>,
    ) {
        self.found.add(self.tree.place_of_key(path), path.clone(), message, instead.into());
    }

    /// A fault that says better what an earlier one of the same value says in general.
    pub(crate) fn better_fault(
        &mut self,
        path: &Path,
        message: impl Into<String>,
        instead: impl Into<Option<String>>,
    ) {
        self.found.forget(path);
        self.fault(path, message, instead);
    }

    /// Whether something was found wrong with exactly the value at a path.
    pub(crate) fn is_faulty(&self, path: &Path) -> bool {
        self.found.has(path)
    }

    /// The line on which the value at a path stands.
    pub(crate) fn line_of(&self, path: &Path) -> usize {
        self.tree.place_of(path).line
    }
}

impl<'a> Part<'a> {
    /// A field that is there; `None` as well where this is no mapping.
    pub(crate) fn field(&self, name: &str) -> Option<Part<'a>> {
        Some(Part { value: self.value.get(name)?, path: self.path.field(name) })
    }

    /// A field that holds text.
    pub(crate) fn text(&self, name: &str) -> Option<Text<'a>> {
        self.field(name)?.as_text()
    }

    /// The values of the list that field names joined by dots lead to; none where there is no list.
    pub(crate) fn items(&self, fields: &str) -> Vec<Part<'a>> {
        let list = fields.split('.').try_fold(self.clone(), |part, name| part.field(name));
        let Some(Part { value: Value::Array(items), path }) = list else { return Vec::new() };
        items.iter().enumerate().map(|(index, value)| Part { value, path: path.item(index) }).collect()
    }

    /// The texts in such a list.
    pub(crate) fn texts(&self, fields: &str) -> Vec<Text<'a>> {
        self.items(fields).iter().filter_map(Part::as_text).collect()
    }

    /// The values of a mapping.
    pub(crate) fn members(&self) -> Vec<Part<'a>> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(name, value)| Part { value, path: self.path.field(name) }).collect()
    }

    pub(crate) fn as_text(&self) -> Option<Text<'a>> {
        Some(Text { text: self.value.as_str()?, path: self.path.clone() })
    }
}
