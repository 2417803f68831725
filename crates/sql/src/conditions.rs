//! The conditions of a statement that reads by a filter.

use crate::Value;

/// The conditions of a statement, joined by `and`, with the values that stand in them.
///
/// ```
/// # use switchboard_sql::Conditions;
/// let mut wanted = Conditions::default();
/// wanted.add("id <", 7.into());
/// wanted.hold("read_at is null");
/// let (wanted, values) = wanted.into_parts();
/// assert_eq!((wanted.as_str(), values), ("id < $1 and read_at is null", vec![7.into()]));
/// ```
#[derive(Debug, Default)]
pub struct Conditions {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition that ends in a value: `id <`, and what it is compared with.
    pub fn add(&mut self, condition: &str, value: Value) {
        let place = self.value(value);
        self.conditions.push(format!("{condition} {place}"));
    }

    /// Adds that something is like a pattern.
    pub fn like(&mut self, what: &str, pattern: &str) {
        let place = self.value(pattern.into());
        self.conditions.push(format!("{what} like {place} escape '\\'"));
    }

    /// Adds a condition without a value.
    pub fn hold(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// Adds a value for a place elsewhere in the statement, and gives its name there: `$3`.
    pub fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// What stands behind `where`, and the values in it.
    pub fn into_parts(self) -> (String, Vec<Value>) {
        let all = if self.conditions.is_empty() { "1 = 1".to_owned() } else { self.conditions.join(" and ") };
        (all, self.values)
    }
}
