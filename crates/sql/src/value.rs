//! One cell, or one parameter.

use bytes::Bytes;

/// A value that an SQL statement takes or gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// SQL's `null`.
    #[default]
    Null,
    /// True or false. SQLite keeps it as 1 or 0, and gives it back as [`Value::Integer`].
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Bytes),
}

impl Value {
    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The kind, as messages name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Real(_) => "real",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

macro_rules! from {
    ($($from:ty => $make:expr),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                #[allow(clippy::redundant_closure_call)]
                ($make)(value)
            }
        }
    )+};
}

from! {
    bool => Self::Boolean,
    i64 => Self::Integer,
    i32 => |n| Self::Integer(i64::from(n)),
    u32 => |n| Self::Integer(i64::from(n)),
    u8 => |n| Self::Integer(i64::from(n)),
    f64 => Self::Real,
    f32 => |n| Self::Real(f64::from(n)),
    String => Self::Text,
    &str => |text: &str| Self::Text(text.to_owned()),
    &String => |text: &String| Self::Text(text.clone()),
    Bytes => Self::Bytes,
    Vec<u8> => |bytes: Vec<u8>| Self::Bytes(bytes.into()),
    () => |()| Self::Null,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
