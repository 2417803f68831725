//! Values, as PostgreSQL takes and gives them.

use std::error::Error as StdError;

use bytes::{BufMut, Bytes, BytesMut};
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use switchboard_sql::Value;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};

type Wrong = Box<dyn StdError + Sync + Send>;

/// A parameter. All but bytes go as text, which PostgreSQL reads as whatever it takes the parameter to be.
#[derive(Debug)]
pub(crate) struct Parameter<'a>(pub(crate) &'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Boolean(is) if *ty == Type::BOOL => out.put_slice(if *is { b"true" } else { b"false" }),
            Value::Boolean(is) => out.put_slice(if *is { b"1" } else { b"0" }),
            Value::Integer(number) => out.put_slice(number.to_string().as_bytes()),
            Value::Real(number) if *number == f64::INFINITY => out.put_slice(b"Infinity"),
            Value::Real(number) if *number == f64::NEG_INFINITY => out.put_slice(b"-Infinity"),
            Value::Real(number) => out.put_slice(number.to_string().as_bytes()),
            Value::Text(text) => out.put_slice(text.as_bytes()),
            Value::Bytes(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
            Value::Bytes(_) => return Err(format!("bytes are given where PostgreSQL expects {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        if *ty == Type::BYTEA { Format::Binary } else { Format::Text }
    }

    to_sql_checked!();
}

/// A cell of a row.
pub(crate) struct Cell(pub(crate) Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        let value = match *ty {
            Type::BOOL => Value::Boolean(bool::from_sql(ty, raw)?),
            Type::INT2 => Value::Integer(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Value::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Value::Integer(i64::from_sql(ty, raw)?),
            Type::OID => Value::Integer(u32::from_sql(ty, raw)?.into()),
            Type::FLOAT4 => Value::Real(f32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::BYTEA => Value::Bytes(Bytes::copy_from_slice(raw)),
            Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::UNKNOWN
            | Type::JSON
            | Type::XML => Value::Text(std::str::from_utf8(raw)?.to_owned()),
            // Behind one byte that says how it is written.
            Type::JSONB => Value::Text(std::str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned()),
            Type::NUMERIC => numeric(raw)?,
            Type::TIMESTAMPTZ | Type::TIMESTAMP => Value::Text(moment(i64::from_sql(&Type::INT8, raw)?)?),
            Type::DATE => Value::Text(date(i32::from_sql(&Type::INT4, raw)?)?),
            Type::UUID => Value::Text(uuid(raw)),
            Type::VOID => Value::Null,
            _ => {
                return Err(
                    format!("it is of the type {ty}, which is none of the store's. Cast it to text").into()
                );
            }
        };
        Ok(Self(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Wrong> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Microseconds since the first of January 2000, in RFC 3339.
fn moment(microseconds: i64) -> Result<String, Wrong> {
    const SINCE: i64 = 946_684_800_000_000;
    let at = microseconds.checked_add(SINCE).ok_or("it is at infinity")?;
    Ok(Timestamp::from_microsecond(at)?.to_string())
}

fn date(days: i32) -> Result<String, Wrong> {
    let first = Date::new(2000, 1, 1)?;
    Ok(first.checked_add(Span::new().try_days(days)?)?.to_string())
}

fn uuid(raw: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in raw.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A decimal number: a whole one is one, as a sum of whole numbers is in SQLite; any other keeps its digits as text.
fn numeric(raw: &[u8]) -> Result<Value, Wrong> {
    let word = |place: usize| match raw.get(2 * place..2 * place + 2) {
        Some([high, low]) => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err("a number ends too soon"),
    };
    let (count, sign, scale) = (usize::from(word(0)?), word(2)?, usize::from(word(3)?));
    #[allow(clippy::cast_possible_wrap)]
    let weight = word(1)? as i16;
    match sign {
        0x0000 | 0x4000 => {}
        0xC000 => return Ok(Value::Text("NaN".to_owned())),
        0xD000 => return Ok(Value::Text("Infinity".to_owned())),
        _ => return Ok(Value::Text("-Infinity".to_owned())),
    }
    let group = |place: i32| -> Result<u16, Wrong> {
        let index = i32::from(weight) - place;
        match usize::try_from(index) {
            Ok(index) if index < count => Ok(word(4 + index)?),
            _ => Ok(0),
        }
    };
    let mut text = String::new();
    for place in (0..=i32::from(weight).max(0)).rev() {
        text.push_str(&format!("{:04}", group(place)?));
    }
    let whole = text.trim_start_matches('0');
    let mut text =
        format!("{}{}", if sign == 0x4000 { "-" } else { "" }, if whole.is_empty() { "0" } else { whole });
    if scale == 0 {
        return Ok(text.parse().map_or(Value::Text(text), Value::Integer));
    }
    let mut fraction = String::new();
    let groups = i32::try_from(scale.div_ceil(4))?;
    for place in 1..=groups {
        fraction.push_str(&format!("{:04}", group(-place)?));
    }
    text.push('.');
    text.push_str(fraction.get(..scale).unwrap_or(&fraction));
    Ok(Value::Text(text))
}
