//! What was found in place of what was expected.

use std::fmt;

use serde_json::Value as Json;

/// One place at which something else was found than was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The place, such as `answer.entries[1].name`.
    pub place: String,
    /// What was expected there.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Difference {
    /// A difference between two things as people read them.
    pub fn new(place: impl Into<String>, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self { place: place.into(), expected: expected.to_string(), found: found.to_string() }
    }
}

/// Where what was found is not what was expected, from `place` on.
///
/// An object may have fields of which nothing was expected, and one that was expected to be null may lack; lists are as long as they
/// are expected to be.
///
/// ```
/// use serde_json::json;
/// use switchboard_authoring::differences;
///
/// let found = json!({"id": 7, "tags": ["a", "b"]});
/// assert!(differences("answer", &json!({"tags": ["a", "b"], "deleted": null}), &found).is_empty());
/// let different = differences("answer", &json!({"tags": ["a", "c"]}), &found);
/// assert_eq!(different[0].place, "answer.tags[1]");
/// assert_eq!((&*different[0].expected, &*different[0].found), ("\"c\"", "\"b\""));
/// ```
pub fn differences(place: &str, expected: &Json, found: &Json) -> Vec<Difference> {
    match (expected, found) {
        (Json::Object(expected), Json::Object(found)) => {
            let each = expected.iter().flat_map(|(name, expected)| {
                let place = format!("{place}.{name}");
                match found.get(name) {
                    Some(found) => differences(&place, expected, found),
                    None if expected.is_null() => Vec::new(),
                    None => vec![Difference::new(place, expected, "nothing")],
                }
            });
            each.collect()
        }
        (Json::Array(expected), Json::Array(found)) => {
            let mut all: Vec<_> = expected
                .iter()
                .zip(found)
                .enumerate()
                .flat_map(|(at, (expected, found))| differences(&format!("{place}[{at}]"), expected, found))
                .collect();
            let shared = expected.len().min(found.len());
            let lacking = expected.iter().enumerate().skip(shared);
            all.extend(
                lacking.map(|(at, expected)| Difference::new(format!("{place}[{at}]"), expected, "nothing")),
            );
            let besides = found.iter().enumerate().skip(shared);
            all.extend(
                besides.map(|(at, found)| Difference::new(format!("{place}[{at}]"), "nothing", found)),
            );
            all
        }
        // Whether a number has a point is nobody's concern.
        (Json::Number(expected), Json::Number(found)) if expected.as_f64() == found.as_f64() => Vec::new(),
        (expected, found) if expected == found => Vec::new(),
        (expected, found) => vec![Difference::new(place, expected, found)],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::differences;

    fn told(expected: &Json, found: &Json) -> Vec<String> {
        let each = differences("it", expected, found);
        each.iter().map(|it| format!("{}: {} for {}", it.place, it.found, it.expected)).collect()
    }

    #[test]
    fn lists_are_as_long_as_is_expected() {
        assert_eq!(told(&json!([1, 2]), &json!([1])), ["it[1]: nothing for 2"]);
        assert_eq!(told(&json!([1]), &json!([1, 2])), ["it[1]: 2 for nothing"]);
        assert_eq!(told(&json!([]), &json!({})), ["it: {} for []"]);
    }

    #[test]
    fn what_is_not_asked_about_may_be_anything() {
        let found = json!([{"id": 1, "name": "Ada", "at": "now"}, 64.0]);
        assert!(told(&json!([{"name": "Ada"}, 64]), &found).is_empty());
        assert_eq!(told(&json!([{"gone": true}, 64]), &found), ["it[0].gone: nothing for true"]);
    }
}
