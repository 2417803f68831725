//! What a query gives.

use std::sync::Arc;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor, value::SeqDeserializer,
};

use crate::Value;

/// The rows that a query gave, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    columns: Arc<[String]>,
    cells: Vec<Value>,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    cells: Vec<Value>,
}

/// A row that does not have the shape asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotThatShape(String);

impl Rows {
    /// Rows of these columns; the cells of the first row, then of the second, and so on.
    ///
    /// A last row that is not whole is cut off.
    pub fn new(columns: impl Into<Arc<[String]>>, mut cells: Vec<Value>) -> Self {
        let columns = columns.into();
        let whole = cells.len().checked_rem(columns.len()).map_or(0, |rest| cells.len() - rest);
        cells.truncate(whole);
        Self { columns, cells }
    }

    /// The columns' names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The columns' names, and the cells of the first row, then of the second, and so on.
    pub fn into_parts(self) -> (Arc<[String]>, Vec<Value>) {
        (self.columns, self.cells)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.columns.len()).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Every row as a `T`: a struct by the columns' names, a tuple by their order, or the one column's value.
    ///
    /// # Errors
    /// [`NotThatShape`] when a column is missing, or holds a value that does not fit.
    pub fn to<T: DeserializeOwned>(self) -> Result<Vec<T>, NotThatShape> {
        let mut rows = Vec::with_capacity(self.len());
        let mut cells = self.cells.into_iter();
        for _ in 0..rows.capacity() {
            rows.push(read(&self.columns, &mut cells)?);
        }
        Ok(rows)
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { columns: self.columns, cells: self.cells.into_iter() }
    }
}

/// The rows, one after the other.
#[derive(Debug)]
pub struct IntoIter {
    columns: Arc<[String]>,
    cells: std::vec::IntoIter<Value>,
}

impl Iterator for IntoIter {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let cells: Vec<Value> = self.cells.by_ref().take(self.columns.len()).collect();
        (!cells.is_empty()).then(|| Row { columns: Arc::clone(&self.columns), cells })
    }
}

impl Row {
    /// The value in the column of that name.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.cells.get(self.columns.iter().position(|name| name == column)?)
    }

    /// The values in the columns' order.
    pub fn values(&self) -> &[Value] {
        &self.cells
    }

    /// The row as a `T`: a struct by the columns' names, a tuple by their order, or the one column's value.
    ///
    /// # Errors
    /// [`NotThatShape`] when a column is missing, or holds a value that does not fit.
    ///
    /// ```
    /// # use switchboard_sql::{Rows, Value};
    /// let rows = Rows::new(["id".into(), "title".into()], vec![Value::Integer(7), Value::Text("Seven".into())]);
    /// #[derive(serde::Deserialize)]
    /// struct Clip { id: i64, title: String }
    /// let clip: Clip = rows.into_iter().next().unwrap().to()?;
    /// assert_eq!((clip.id, clip.title.as_str()), (7, "Seven"));
    /// # Ok::<_, switchboard_sql::NotThatShape>(())
    /// ```
    pub fn to<T: DeserializeOwned>(self) -> Result<T, NotThatShape> {
        read(&self.columns, &mut self.cells.into_iter())
    }
}

fn read<T: DeserializeOwned>(
    columns: &[String],
    cells: &mut std::vec::IntoIter<Value>,
) -> Result<T, NotThatShape> {
    T::deserialize(RowReader { columns, cells })
}

impl serde::de::Error for NotThatShape {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("the query gave no column `{field}`"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self(format!("the query gave two columns `{field}`: name one of them otherwise, with `as`"))
    }
}

/// Reads one row off the cells. Every path takes exactly as many cells as there are columns, unless it fails.
struct RowReader<'a> {
    columns: &'a [String],
    cells: &'a mut std::vec::IntoIter<Value>,
}

impl<'a> RowReader<'a> {
    /// Whether the row is one column that holds bytes: then a sequence is the bytes, not the columns.
    fn is_bytes(&self) -> bool {
        self.columns.len() == 1 && matches!(self.cells.as_slice().first(), Some(Value::Bytes(_)))
    }

    fn only(self) -> Result<ValueReader, NotThatShape> {
        match (self.columns.len(), self.cells.next()) {
            (1, Some(cell)) => Ok(ValueReader(cell)),
            (n, _) => Err(NotThatShape(format!("one column was expected, the query gave {n}"))),
        }
    }
}

macro_rules! only_column {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
            self.only()?.$method(visitor)
        }
    )+};
}

impl<'de> Deserializer<'de> for RowReader<'_> {
    type Error = NotThatShape;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
        visitor.visit_map(Cells { columns: self.columns.iter(), cells: self.cells, current: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotThatShape> {
        // The usual case: the columns are the fields, one by one, so that none has to be looked for by its name.
        if self.columns.iter().eq(fields) {
            return visitor.visit_seq(Cells {
                columns: self.columns.iter(),
                cells: self.cells,
                current: None,
            });
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
        if self.is_bytes() {
            return self.only()?.deserialize_seq(visitor);
        }
        visitor.visit_seq(Cells { columns: self.columns.iter(), cells: self.cells, current: None })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, n: usize, visitor: V) -> Result<V::Value, NotThatShape> {
        if n > 1 && self.is_bytes() {
            self.only()?.deserialize_tuple(n, visitor)
        } else if n == self.columns.len() {
            visitor.visit_seq(Cells { columns: self.columns.iter(), cells: self.cells, current: None })
        } else {
            let given = self.columns.len();
            Err(NotThatShape(format!("{n} columns were expected, the query gave {given}")))
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotThatShape> {
        self.only()?.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        n: usize,
        visitor: V,
    ) -> Result<V::Value, NotThatShape> {
        self.deserialize_tuple(n, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotThatShape> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    only_column! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotThatShape> {
        self.deserialize_unit(visitor)
    }
}

struct Cells<'a> {
    columns: std::slice::Iter<'a, String>,
    cells: &'a mut std::vec::IntoIter<Value>,
    current: Option<&'a str>,
}

impl<'de> MapAccess<'de> for Cells<'_> {
    type Error = NotThatShape;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotThatShape> {
        let Some(column) = self.columns.next() else { return Ok(None) };
        self.current = Some(column);
        seed.deserialize(column.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NotThatShape> {
        let cell = self.cells.next().unwrap_or_default();
        seed.deserialize(ValueReader(cell)).map_err(|NotThatShape(why)| match self.current {
            Some(column) => NotThatShape(format!("column `{column}`: {why}")),
            None => NotThatShape(why),
        })
    }
}

impl<'de> SeqAccess<'de> for Cells<'_> {
    type Error = NotThatShape;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, NotThatShape> {
        self.current = self.columns.next().map(String::as_str);
        if self.current.is_none() {
            return Ok(None);
        }
        self.next_value_seed(seed).map(Some)
    }
}

struct ValueReader(Value);

impl<'de> Deserializer<'de> for ValueReader {
    type Error = NotThatShape;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Integer(value) => visitor.visit_i64(value),
            Value::Real(value) => visitor.visit_f64(value),
            Value::Text(value) => visitor.visit_string(value),
            Value::Bytes(value) => visitor.visit_byte_buf(value.into()),
        }
    }

    // SQLite has no booleans of its own.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
        match self.0 {
            Value::Integer(0) => visitor.visit_bool(false),
            Value::Integer(1) => visitor.visit_bool(true),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotThatShape> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotThatShape> {
        visitor.visit_enum(self)
    }

    // `Vec<u8>` and `[u8; 32]` ask for a sequence of numbers.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotThatShape> {
        match self.0 {
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, n: usize, visitor: V) -> Result<V::Value, NotThatShape> {
        match &self.0 {
            Value::Bytes(bytes) if bytes.len() != n => {
                Err(NotThatShape(format!("{n} bytes were expected, there are {}", bytes.len())))
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple_struct map struct identifier ignored_any
    }
}

/// A column that holds the name of an enum's variant.
impl<'de> EnumAccess<'de> for ValueReader {
    type Error = NotThatShape;
    type Variant = NameOnly;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, NameOnly), NotThatShape> {
        seed.deserialize(self).map(|variant| (variant, NameOnly))
    }
}

struct NameOnly;

impl<'de> VariantAccess<'de> for NameOnly {
    type Error = NotThatShape;

    fn unit_variant(self) -> Result<(), NotThatShape> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, NotThatShape> {
        Err(NotThatShape::custom("a column can hold the name of a variant, not its content"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, NotThatShape> {
        Err(NotThatShape::custom("a column can hold the name of a variant, not its content"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NotThatShape> {
        Err(NotThatShape::custom("a column can hold the name of a variant, not its content"))
    }
}
