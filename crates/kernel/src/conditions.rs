//! The conditions of a statement that reads by a filter.

use switchboard_api::Value;

/// The conditions of a statement, joined by `and`, with the values that stand in them.
#[derive(Default)]
pub(crate) struct Conditions {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition that ends in a value: `id <`, and what it is compared with.
    pub(crate) fn add(&mut self, condition: &str, value: Value) {
        self.values.push(value);
        self.conditions.push(format!("{condition} ${}", self.values.len()));
    }

    /// Adds that something is like a pattern.
    pub(crate) fn like(&mut self, what: &str, pattern: &str) {
        self.values.push(pattern.into());
        self.conditions.push(format!("{what} like ${} escape '\\'", self.values.len()));
    }

    /// Adds a condition without a value.
    pub(crate) fn hold(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// What stands behind `where`, and the values in it.
    pub(crate) fn into_parts(self) -> (String, Vec<Value>) {
        let all = if self.conditions.is_empty() { "1 = 1".to_owned() } else { self.conditions.join(" and ") };
        (all, self.values)
    }
}
