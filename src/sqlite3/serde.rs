//! Rows into structs and tuples of the user's.
//!
//! Contract: a struct's fields are columns by name, whatever their case; a tuple's are columns in their order. Texts and blobs are
//! borrowed from the row, or copied by types that own them. NULL is `None`, or `()`.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cursor::Row;
use super::error::{Error, ErrorKind, Result};
use super::value::Value;
use serde::de::value::{BorrowedBytesDeserializer, BorrowedStrDeserializer};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

impl<'r> Row<'r> {
    /// The row as a struct, by the names of its columns, as a tuple, by their order, or as the value of its first column.
    ///
    /// ```
    /// # use larder::sqlite3::{Result, Row};
    /// #[derive(serde::Deserialize)]
    /// struct Reading<'r> {
    ///     sensor: &'r str,
    ///     celsius: Option<f64>,
    /// }
    /// fn show(row: Row<'_>) -> Result<()> {
    ///     let reading: Reading<'_> = row.to()?;
    ///     let (sensor, celsius): (&str, Option<f64>) = row.to()?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if a column is of another class than its field, or missing.
    pub fn to<T: Deserialize<'r>>(&self) -> Result<T> {
        T::deserialize(Columns { row: *self, at: 0 })
    }
}

impl de::Error for Error {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        ErrorKind::Type.at(0)
    }
}

/// The columns of a row from one on.
struct Columns<'r> {
    row: Row<'r>,
    at: usize,
}

/// One value.
struct Field<'r>(Value<'r>);

impl<'r> Deserializer<'r> for Columns<'r> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        Field(self.row.value(0)).deserialize_any(visitor)
    }
    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        Field(self.row.value(0)).deserialize_option(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'r>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(self)
    }
    fn deserialize_tuple<V: Visitor<'r>>(self, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(self)
    }
    fn deserialize_tuple_struct<V: Visitor<'r>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(self)
    }
    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_map(self)
    }
    fn deserialize_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_map(Named { row: self.row, fields, value: 0 })
    }

    forward_to_deserialize_any! {
        <W: Visitor<'r>>
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct enum identifier ignored_any
    }
}

impl<'r> de::SeqAccess<'r> for Columns<'r> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'r>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.at >= self.row.len() {
            return Ok(None);
        }
        self.at += 1;
        seed.deserialize(Field(self.row.value(self.at - 1))).map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.row.len().saturating_sub(self.at))
    }
}

impl<'r> de::MapAccess<'r> for Columns<'r> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.at >= self.row.len() {
            return Ok(None);
        }
        self.at += 1;
        let name = self.row.name(self.at - 1).unwrap_or_default();
        seed.deserialize(Field(Value::Text(name))).map(Some)
    }
    fn next_value_seed<S: DeserializeSeed<'r>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(Field(self.row.value(self.at.saturating_sub(1))))
    }
}

/// The fields of a struct that are columns.
struct Named<'r> {
    row: Row<'r>,
    fields: &'static [&'static str],
    /// The column whose name was given last.
    value: usize,
}

impl<'r> de::MapAccess<'r> for Named<'r> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        while let Some((name, rest)) = self.fields.split_first() {
            self.fields = rest;
            if let Some(column) = self.row.find(name) {
                self.value = column;
                let name: de::value::StrDeserializer<'_, Error> = (*name).into_deserializer();
                return seed.deserialize(name).map(Some);
            }
        }
        Ok(None)
    }
    fn next_value_seed<S: DeserializeSeed<'r>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(Field(self.row.value(self.value)))
    }
}

impl<'r> Deserializer<'r> for Field<'r> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Integer(i) => visitor.visit_i64(i),
            Value::Real(r) => visitor.visit_f64(r),
            Value::Text(text) => match core::str::from_utf8(text) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(text),
            },
            Value::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }
    fn deserialize_bool<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Integer(i) => visitor.visit_bool(i != 0),
            _ => Err(ErrorKind::Type.at(0)),
        }
    }
    fn deserialize_bytes<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Text(bytes) | Value::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
            _ => Err(ErrorKind::Type.at(0)),
        }
    }
    fn deserialize_byte_buf<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }
    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        // A list of bytes.
        match self.0 {
            Value::Text(bytes) | Value::Blob(bytes) => {
                visitor.visit_seq(de::value::SeqDeserializer::<_, Error>::new(bytes.iter().copied()))
            }
            _ => Err(ErrorKind::Type.at(0)),
        }
    }
    fn deserialize_tuple<V: Visitor<'r>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }
    fn deserialize_newtype_struct<V: Visitor<'r>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'r>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        // A variant by its name.
        match self.0 {
            Value::Text(text) => {
                let text = core::str::from_utf8(text).map_err(|_| ErrorKind::Type.at(0))?;
                let text: de::value::BorrowedStrDeserializer<'r, Error> = BorrowedStrDeserializer::new(text);
                text.deserialize_enum(name, variants, visitor)
            }
            Value::Blob(bytes) => {
                let bytes: BorrowedBytesDeserializer<'r, Error> = BorrowedBytesDeserializer::new(bytes);
                bytes.deserialize_any(visitor)
            }
            _ => Err(ErrorKind::Type.at(0)),
        }
    }

    forward_to_deserialize_any! {
        <W: Visitor<'r>>
        i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string unit unit_struct map struct tuple_struct identifier ignored_any
    }
}
