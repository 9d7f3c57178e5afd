//! `array.array`.

use super::collections::Global;
use super::parts::{Index, need, refuse};
use core::fmt;
use core::marker::PhantomData;
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// `array.array`, around any sequence of numbers; `CODE` is its type code, `'h'` for 16-bit ints and so on.
///
/// It is written as its code and a list of its items, which every Python takes in every protocol. Larger arrays are
/// better written as a [`PackedArray`]. It is read from both forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Array<V, const CODE: char>(pub V);

impl<V: Serialize, const CODE: char> Serialize for Array<V, CODE> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0array", 2)?;
        fields.serialize_field("code", &CODE)?;
        fields.serialize_field("values", &self.0)?;
        fields.end()
    }
}

impl<'de, V: Deserialize<'de>, const CODE: char> Deserialize<'de> for Array<V, CODE> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (code, values) = from.deserialize_struct("\0array", FIELDS, ArrayVisitor(PhantomData))?;
        if code == CODE { Ok(Array(values)) } else { Err(refuse("an array of this type code")) }
    }
}

/// `array.array` as the bytes of its items, little end first, where they stand.
///
/// Pickled by Python in protocols 3 to 5; its form is the one of [`array.__reduce_ex__`], so that Python converts it to
/// the machine's own order and width.
///
/// [`array.__reduce_ex__`]: https://github.com/python/cpython/blob/3.13/Modules/arraymodule.c
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PackedArray<'a> {
    code: char,
    format: u8,
    bytes: &'a [u8],
}

impl<'a> PackedArray<'a> {
    /// Items of a type code, packed little end first: `b` and `B` in 1 byte, `h` and `H` in 2, `i`, `I` and `f` in 4,
    /// `l`, `L`, `q`, `Q` and `d` in 8. None for another code and for bytes that are no whole number of items.
    pub fn new(code: char, bytes: &'a [u8]) -> Option<PackedArray<'a>> {
        let format = match code {
            'B' => 0,
            'b' => 1,
            'H' => 2,
            'h' => 4,
            'I' => 6,
            'i' => 8,
            'L' | 'Q' => 10,
            'l' | 'q' => 12,
            'f' => 14,
            'd' => 16,
            _ => return None,
        };
        Numbers::new(format, bytes).map(|_| PackedArray { code, format, bytes })
    }

    /// The type code.
    pub fn code(&self) -> char {
        self.code
    }

    /// The machine format of the bytes, as `array` numbers them: 4 for 16-bit ints, little end first, and so on.
    pub fn format(&self) -> u8 {
        self.format
    }

    /// The bytes of all items.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The items as ints; those of a float array are cut off, those beyond 63 bits wrap around.
    pub fn ints(&self) -> impl Iterator<Item = i64> + use<'a> {
        Numbers::new(self.format, self.bytes).into_iter().flatten().map(|number| match number {
            Number::Int(value) => value,
            Number::Unsigned(value) => value as i64,
            Number::Float(value) => value as i64,
        })
    }

    /// The items as floats.
    pub fn floats(&self) -> impl Iterator<Item = f64> + use<'a> {
        Numbers::new(self.format, self.bytes).into_iter().flatten().map(|number| match number {
            Number::Int(value) => value as f64,
            Number::Unsigned(value) => value as f64,
            Number::Float(value) => value,
        })
    }
}

const ARRAY: [&str; 1] = ["array array"];

/// The class itself, which is the first argument of `_array_reconstructor`.
struct ArrayClass;

impl Serialize for ArrayClass {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let [name] = ARRAY;
        to.serialize_unit_variant("\0global", 0, name)
    }
}

impl<'de> Deserialize<'de> for ArrayClass {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_enum("\0global", &ARRAY, Global(&ARRAY)).map(|_| ArrayClass)
    }
}

struct AsBytes<'b>(&'b [u8]);

impl Serialize for AsBytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl Serialize for PackedArray<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0array._array_reconstructor", 4)?;
        fields.serialize_field("type", &ArrayClass)?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("format", &self.format)?;
        fields.serialize_field("packed", &AsBytes(self.bytes))?;
        fields.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for PackedArray<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_struct("\0array", FIELDS, PackedVisitor)
    }
}

/// A number of an array.
enum Number {
    Int(i64),
    Unsigned(u64),
    Float(f64),
}

/// The numbers of packed bytes, whatever their machine format.
struct Numbers<'a> {
    chunks: core::slice::ChunksExact<'a, u8>,
    format: u8,
}

impl<'a> Numbers<'a> {
    /// None for a machine format that there is not, for text (18 and up) and for bytes that are no whole number of items.
    fn new(format: u8, bytes: &'a [u8]) -> Option<Numbers<'a>> {
        let width = match format {
            0 | 1 => 1,
            2..=5 => 2,
            6..=9 | 14 | 15 => 4,
            10..=13 | 16 | 17 => 8,
            _ => return None,
        };
        let chunks = bytes.chunks_exact(width);
        chunks.remainder().is_empty().then_some(Numbers { chunks, format })
    }
}

impl Iterator for Numbers<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        let chunk = self.chunks.next()?;
        // Formats come in pairs, little end first, big end first; but for those of one byte.
        let big = self.format > 1 && self.format & 1 == 1;
        let mut bits: u64 = 0;
        for i in 0..chunk.len() {
            let at = if big { i } else { chunk.len().wrapping_sub(i).wrapping_sub(1) };
            bits = bits << 8 | u64::from(chunk.get(at).copied().unwrap_or_default());
        }
        Some(match self.format & !1 {
            0 if self.format == 1 => Number::Int(i64::from(bits as i8)),
            4 => Number::Int(i64::from(bits as i16)),
            8 => Number::Int(i64::from(bits as i32)),
            14 => Number::Float(f64::from(f32::from_bits(bits as u32))),
            16 => Number::Float(f64::from_bits(bits)),
            12 => Number::Int(bits as i64),
            _ => Number::Unsigned(bits),
        })
    }
}

impl<'de, E: de::Error> IntoDeserializer<'de, E> for Number {
    type Deserializer = NumberDe<E>;

    fn into_deserializer(self) -> NumberDe<E> {
        NumberDe(self, PhantomData)
    }
}

struct NumberDe<E>(Number, PhantomData<E>);

impl<'de, E: de::Error> Deserializer<'de> for NumberDe<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            Number::Int(value) => visitor.visit_i64(value),
            Number::Unsigned(value) => visitor.visit_u64(value),
            Number::Float(value) => visitor.visit_f64(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

const FIELDS: &[&str] = &["code", "values", "type", "format", "packed"];

/// Reads code and items.
struct ArrayVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for ArrayVisitor<V> {
    type Value = (char, V);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(char, V), M::Error> {
        let (mut code, mut values, mut format) = (None, None, None);
        while let Some(at) = map.next_key_seed(Index(FIELDS))? {
            match at {
                0 => code = Some(map.next_value()?),
                1 => values = Some(map.next_value()?),
                2 => {
                    let ArrayClass = map.next_value()?;
                }
                3 => format = Some(map.next_value()?),
                _ => {
                    let bytes: &'de [u8] = map.next_value()?;
                    let numbers = Numbers::new(need(format, "format")?, bytes);
                    let numbers = numbers.ok_or_else(|| refuse("numbers of a machine format"))?;
                    values = Some(V::deserialize(de::value::SeqDeserializer::new(numbers))?);
                }
            }
        }
        Ok((need(code, "code")?, need(values, "values")?))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(char, V), S::Error> {
        Ok((need(seq.next_element()?, "code")?, need(seq.next_element()?, "values")?))
    }
}

/// Reads code, format and bytes.
struct PackedVisitor;

impl<'de> Visitor<'de> for PackedVisitor {
    type Value = PackedArray<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a packed array")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<PackedArray<'de>, M::Error> {
        let (mut code, mut format, mut bytes) = (None, None, None);
        while let Some(at) = map.next_key_seed(Index(FIELDS))? {
            match at {
                0 => code = Some(map.next_value()?),
                2 => {
                    let ArrayClass = map.next_value()?;
                }
                3 => format = Some(map.next_value()?),
                4 => bytes = Some(map.next_value()?),
                _ => return Err(de::Error::unknown_field("values", FIELDS)),
            }
        }
        packed(need(code, "code")?, need(format, "format")?, need(bytes, "packed")?)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<PackedArray<'de>, S::Error> {
        let _: ArrayClass = need(seq.next_element()?, "type")?;
        let (code, format) = (need(seq.next_element()?, "code")?, need(seq.next_element()?, "format")?);
        packed(code, format, need(seq.next_element()?, "packed")?)
    }
}

fn packed<E: de::Error>(code: char, format: u8, bytes: &[u8]) -> Result<PackedArray<'_>, E> {
    match (PackedArray::new(code, &[]), Numbers::new(format, bytes)) {
        (Some(_), Some(_)) => Ok(PackedArray { code, format, bytes }),
        _ => Err(refuse("numbers of a machine format")),
    }
}
