//! SQL functions of SQLite's own that take quadratic time, made anew in linear time.
//!
//! SQLite looks at the clock between the steps of its machine. One call is one step, and `instr` over two values of 16 MB
//! would keep a thread for an hour.

use std::borrow::Cow;

use memchr::memmem;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, ffi};

use crate::options::VALUE_BYTES;

pub(crate) fn replace_slow_ones(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("instr", 2, flags, |context| Ok(instr(context)))?;
    connection.create_scalar_function("replace", 3, flags, replace)
}

/// Where the second value first stands in the first, from 1; 0 when it does not. Counted in bytes when both are blobs, and
/// in characters otherwise.
fn instr(context: &Context<'_>) -> Option<i64> {
    let (whole, part) = (context.get_raw(0), context.get_raw(1));
    let in_bytes = matches!((whole, part), (ValueRef::Blob(_), ValueRef::Blob(_)));
    let (whole, part) = (bytes_of(whole)?, bytes_of(part)?);
    let Some(position) = memmem::find(&whole, &part) else { return Some(0) };
    let before = whole.get(..position).unwrap_or_default();
    let places = if in_bytes { before.len() } else { before.iter().filter(|byte| is_first(**byte)).count() };
    i64::try_from(places + 1).ok()
}

/// The first value with the third wherever the second stood.
fn replace(context: &Context<'_>) -> rusqlite::Result<Value> {
    let values = [context.get_raw(0), context.get_raw(1), context.get_raw(2)].map(bytes_of);
    let [Some(whole), Some(old), Some(new)] = values else { return Ok(Value::Null) };
    if old.is_empty() {
        return text(whole.into_owned());
    }
    let found: Vec<usize> = memmem::find_iter(&whole, &old).collect();
    let length = whole.len() - found.len() * old.len() + found.len() * new.len();
    if length > VALUE_BYTES as usize {
        return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), None));
    }
    let mut replaced = Vec::with_capacity(length);
    let mut rest = 0;
    for position in found {
        replaced.extend_from_slice(whole.get(rest..position).unwrap_or_default());
        replaced.extend_from_slice(&new);
        rest = position + old.len();
    }
    replaced.extend_from_slice(whole.get(rest..).unwrap_or_default());
    text(replaced)
}

/// The value's bytes, a number's being those of its text; none of null.
fn bytes_of(value: ValueRef<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into_bytes().into()),
        ValueRef::Real(number) => Some(format!("{number:?}").into_bytes().into()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.into()),
    }
}

fn text(bytes: Vec<u8>) -> rusqlite::Result<Value> {
    String::from_utf8(bytes).map(Value::Text).map_err(|error| Error::UserFunctionError(error.into()))
}

/// Whether a character of UTF-8 begins with the byte.
fn is_first(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::types::Value;

    use super::replace_slow_ones;

    /// What SQLite's own and ours say alike.
    fn both(expression: &str) -> Value {
        let own = Connection::open_in_memory().unwrap();
        let ours = Connection::open_in_memory().unwrap();
        replace_slow_ones(&ours).unwrap();
        let says = |connection: &Connection| -> Value {
            connection.query_row(&format!("select {expression}"), [], |row| row.get(0)).unwrap()
        };
        assert_eq!(says(&own), says(&ours), "{expression}");
        says(&ours)
    }

    #[test]
    fn instr_says_what_sqlites_own_does() {
        assert_eq!(both("instr('größer', 'ße')"), Value::Integer(4));
        for expression in [
            "instr('abc', '')",
            "instr('', 'a')",
            "instr('abc', 'd')",
            "instr(null, 'a')",
            "instr('a', null)",
            "instr(12345, 34)",
            "instr(1.5, '.')",
            "instr(x'00ff00', x'ff')",
            "instr(x'c3a4c3b6', 'ö')",
            "instr('aaab', 'aab')",
        ] {
            both(expression);
        }
    }

    #[test]
    fn replace_says_what_sqlites_own_does() {
        assert_eq!(both("replace('a-b-c', '-', '+')"), Value::Text("a+b+c".into()));
        for expression in [
            "replace('abc', '', 'x')",
            "replace('abc', 'abc', '')",
            "replace('aaaa', 'aa', 'a')",
            "replace(null, 'a', 'b')",
            "replace('a', 'a', null)",
            "replace(1.5, '.', ',')",
            "replace(100, 0, 1)",
        ] {
            both(expression);
        }
    }

    #[test]
    fn what_grows_beyond_the_largest_value_is_refused_and_not_made() {
        let ours = Connection::open_in_memory().unwrap();
        replace_slow_ones(&ours).unwrap();
        let sql = "select replace(hex(zeroblob(5000000)), '0', hex(zeroblob(5000000)))";
        let error = ours.query_row(sql, [], |_| Ok(())).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::TooBig));
    }
}
