//! A sum over the rows of a table that is the same on both engines, whatever the order in which they are read.

use sha2::{Digest as _, Sha256};
use switchboard_sql::Value;

/// What a column of PostgreSQL makes of the values that it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Whole,
    Single,
    Double,
    Text,
    Bytes,
    /// A type, as a cast names it, that only PostgreSQL reads. Values of it are told as its text.
    Other(String),
}

impl Kind {
    /// What a column cannot keep of a value that SQLite takes anywhere, if anything.
    pub(crate) fn misfit(&self, value: &Value) -> Option<&'static str> {
        match (self, value) {
            (_, Value::Null) => None,
            (Self::Boolean, value) if truth(value).is_none() => {
                Some("a value that is neither true nor false")
            }
            (Self::Whole, value) if whole(value).is_none() => Some("a value that is no whole number"),
            (Self::Single | Self::Double, value) if real(value).is_none() => {
                Some("a value that is no number")
            }
            (Self::Text | Self::Other(_), Value::Bytes(_)) => Some("bytes, and no text"),
            (Self::Text | Self::Other(_), value) if text_of(value).contains('\0') => {
                Some("a text with the character NUL, which PostgreSQL does not keep")
            }
            _ => None,
        }
    }
}

/// How many rows a table has, and the sum of their digests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) rows: u64,
    sum: u128,
}

impl Digest {
    pub(crate) fn add<'a>(&mut self, row: impl IntoIterator<Item = (&'a Kind, &'a Value)>) {
        let mut hash = Sha256::new();
        for (kind, value) in row {
            add_value(&mut hash, kind, value);
        }
        let first = hash.finalize().iter().take(16).fold(0, |sum: u128, byte| (sum << 8) | u128::from(*byte));
        self.rows += 1;
        // Added, and not put together by `xor`, so that two equal rows do not cancel each other.
        self.sum = self.sum.wrapping_add(first);
    }
}

/// A value as the column keeps it. What it could not keep is told as it is, so that it differs from whatever is there.
fn add_value(hash: &mut Sha256, kind: &Kind, value: &Value) {
    match (kind, value) {
        (_, Value::Null) => hash.update([0]),
        (Kind::Boolean, value) => match truth(value) {
            Some(is) => hash.update([1, u8::from(is)]),
            None => add_bytes(hash, 9, text_of(value).as_bytes()),
        },
        (Kind::Whole, value) => match whole(value) {
            Some(number) => add_bytes(hash, 2, &number.to_be_bytes()),
            None => add_bytes(hash, 9, text_of(value).as_bytes()),
        },
        (Kind::Single, value) => match real(value) {
            #[allow(clippy::cast_possible_truncation)]
            Some(number) => add_bytes(hash, 3, &(number as f32).to_be_bytes()),
            None => add_bytes(hash, 9, text_of(value).as_bytes()),
        },
        (Kind::Double, value) => match real(value) {
            Some(number) => add_bytes(hash, 4, &number.to_be_bytes()),
            None => add_bytes(hash, 9, text_of(value).as_bytes()),
        },
        (Kind::Bytes, Value::Bytes(bytes)) => add_bytes(hash, 5, bytes),
        (Kind::Bytes, value) => add_bytes(hash, 5, text_of(value).as_bytes()),
        (Kind::Text | Kind::Other(_), Value::Bytes(bytes)) => add_bytes(hash, 9, bytes),
        (Kind::Text | Kind::Other(_), value) => add_bytes(hash, 6, text_of(value).as_bytes()),
    }
}

fn add_bytes(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update(bytes.len().to_be_bytes());
    hash.update(bytes);
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(is) => Some(*is),
        Value::Integer(number) => Some(*number != 0),
        Value::Text(text) => match text.as_str() {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Boolean(is) => Some(i64::from(*is)),
        Value::Integer(number) => Some(*number),
        Value::Bytes(_) | Value::Null => None,
        value => text_of(value).trim().parse().ok(),
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Real(number) => Some(*number),
        #[allow(clippy::cast_precision_loss)]
        Value::Integer(number) => Some(*number as f64),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A value in words, as it is given to PostgreSQL.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) => String::new(),
        Value::Boolean(is) => is.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use switchboard_sql::Value;

    use super::{Digest, Kind};

    fn of(rows: &[(Kind, Value)]) -> Digest {
        let mut digest = Digest::default();
        for (kind, value) in rows {
            digest.add([(kind, value)]);
        }
        digest
    }

    #[test]
    fn what_is_the_same_in_a_column_has_the_same_digest() {
        for (kind, here, there) in [
            (Kind::Boolean, Value::Integer(1), Value::Boolean(true)),
            (Kind::Double, Value::Integer(2), Value::Real(2.0)),
            (Kind::Whole, Value::Real(2.0), Value::Integer(2)),
            (Kind::Bytes, Value::Text("a".to_owned()), Value::Bytes("a".into())),
            (Kind::Single, Value::Real(0.1), Value::Real(f64::from(0.1_f32))),
        ] {
            assert_eq!(of(&[(kind.clone(), here)]), of(&[(kind.clone(), there)]), "{kind:?}");
        }
    }

    #[test]
    fn order_does_not_count_and_every_value_does() {
        let text = |text: &str| (Kind::Text, Value::Text(text.to_owned()));
        assert_eq!(of(&[text("a"), text("b")]), of(&[text("b"), text("a")]));
        assert_ne!(of(&[text("a"), text("a")]), of(&[text("b"), text("b")]));
        assert_ne!(of(&[text("")]), of(&[(Kind::Text, Value::Null)]));
        let mut pair = Digest::default();
        pair.add([(&Kind::Text, &Value::from("a")), (&Kind::Text, &Value::from("bc"))]);
        let mut other = Digest::default();
        other.add([(&Kind::Text, &Value::from("ab")), (&Kind::Text, &Value::from("c"))]);
        assert_ne!(pair, other);
    }
}
