//! Source → Deserialize: the shells that are compiled for each type. They hold the visitor's calls and nothing else.

use super::instance;
use super::source::{Content, Fail, Key, Level, Newtype, Read, Source, What, Wide};
use crate::copyreg;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Visitor};

/// Text and bytes that cannot be borrowed are decoded on the stack, up to so many bytes.
const DECODED: usize = 128;

/// The value that a source stands at.
pub(crate) struct De<'w, 'a> {
    pub(crate) source: &'w mut dyn Source<'a>,
}

/// What the source gave, or that it knows why not.
#[inline(always)]
fn told<T>(answer: Option<T>) -> Read<T> {
    answer.ok_or(Fail::TOLD)
}

impl<'w, 'a> De<'w, 'a> {
    fn seq<V: Visitor<'a>>(self, len: usize, visitor: V) -> Read<V::Value> {
        let mut seq = Seq { source: self.source, level: Level::new() };
        told(seq.source.seq(len, &mut seq.level))?;
        seq.visit(visitor)
    }

    fn map<V: Visitor<'a>>(self, fields: &'static [&'static str], visitor: V) -> Read<V::Value> {
        let mut map = Map { source: self.source, level: Level::new(), fields };
        told(map.source.map(&mut map.level))?;
        map.visit(visitor)
    }

    fn structure<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        match told(self.source.structure())? {
            What::Instance => self.instance(name, fields, visitor),
            What::Map => self.map(fields, visitor),
            _ => self.seq(0, visitor),
        }
    }

    /// A struct, from an instance of its class.
    #[inline(never)]
    fn instance<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let mut found = None;
        told(self.source.fields(name, fields, &mut found))?;
        let mut map = Map { source: self.source, level: Level::new(), fields };
        if let Some(found) = &mut found {
            map.level.content = Content::Fields(found);
        }
        map.visit(visitor)
    }

    fn enumeration<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let mut level = Level::new();
        if let Some(variant) = told(self.source.variant(name, variants, &mut level))? {
            return visitor.visit_enum(StrDeserializer::new(variant));
        }
        match visitor.visit_enum(Variant { source: &mut *self.source, level: &mut level }) {
            Ok(value) => told(self.source.leave(&mut level)).map(|()| value),
            Err(fail) => Err(self.source.blame(&level, fail)),
        }
    }

    /// Text that cannot be read where it stands.
    #[inline(never)]
    fn decoded<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_str(told(self.source.decode(&mut [0; DECODED]))?)
    }

    /// Bytes that cannot be read where they stand.
    #[inline(never)]
    fn decoded_bytes<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        match told(self.source.decode_bytes(&mut [0; DECODED]))? {
            Some(bytes) => visitor.visit_bytes(bytes),
            // Byte by byte, for a visitor that takes them so.
            None => self.seq(0, visitor),
        }
    }

    fn wide<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        match told(self.source.wide())? {
            Wide::I64(value) => visitor.visit_i64(value),
            Wide::U64(value) => visitor.visit_u64(value),
            Wide::I128(value) => visitor.visit_i128(value),
            Wide::U128(value) => visitor.visit_u128(value),
        }
    }

    /// A newtype struct of one of this library's own types.
    fn own_newtype<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Read<V::Value> {
        told(self.source.learn(&instance::OPS))?;
        match told(self.source.newtype(name))? {
            Newtype::Value => visitor.visit_newtype_struct(self),
            Newtype::Any => de::Deserializer::deserialize_any(self, visitor),
            Newtype::Bits(bits) => visitor.visit_u128(bits),
        }
    }
}

macro_rules! forward {
    ($($method:ident)* => $read:ident $visit:ident) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
            visitor.$visit(told(self.source.$read())?)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
            match self.source.text() {
                Some(text) => visitor.visit_borrowed_str(text),
                None => self.decoded(visitor),
            }
        }
    )*};
}

impl<'a> de::Deserializer<'a> for De<'_, 'a> {
    type Error = Fail;

    forward! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    deserialize_u8 deserialize_u16 deserialize_u32 => int visit_i64 }
    forward! { deserialize_u64 => uint visit_u64 }
    forward! { deserialize_f32 deserialize_f64 => float visit_f64 }
    forward! { deserialize_bool => bool visit_bool }
    texts! { deserialize_str deserialize_string deserialize_char deserialize_identifier }

    fn deserialize_i128<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.wide(visitor)
    }

    fn deserialize_u128<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.wide(visitor)
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        match told(self.source.what())? {
            What::None => self.deserialize_unit(visitor),
            What::Bool => self.deserialize_bool(visitor),
            What::Int => self.wide(visitor),
            What::Float => self.deserialize_f64(visitor),
            What::Text => self.deserialize_str(visitor),
            What::Bytes => self.deserialize_bytes(visitor),
            What::Map => self.map(&[], visitor),
            What::Seq | What::Instance => self.seq(0, visitor),
        }
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        match self.source.bytes() {
            Some(bytes) => visitor.visit_borrowed_bytes(bytes),
            None => self.decoded_bytes(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        if self.source.none() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_unit_struct("", visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Read<V::Value> {
        told(self.source.unit(name))?;
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Read<V::Value> {
        if copyreg::is_own(name) {
            return self.own_newtype(name, visitor);
        }
        told(self.source.newtype(name))?;
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.seq(0, visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.seq(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(self, name: &'static str, len: usize, visitor: V) -> Read<V::Value> {
        let mut seq = Seq { source: self.source, level: Level::new() };
        told(seq.source.places(name, len, &mut seq.level))?;
        seq.visit(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.map(&[], visitor)
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        if copyreg::is_own(name) {
            told(self.source.learn(&instance::OPS))?;
            return self.instance(name, fields, visitor);
        }
        self.structure(name, fields, visitor)
    }

    #[inline(always)]
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        if copyreg::is_own(name) {
            told(self.source.learn(&instance::OPS))?;
        }
        self.enumeration(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        told(self.source.skip())?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The items of a sequence.
struct Seq<'s, 'w, 'a> {
    source: &'s mut dyn Source<'a>,
    level: Level<'w, 'a>,
}

impl<'a> Seq<'_, '_, 'a> {
    /// Gives the items to a visitor, and leaves the sequence.
    #[inline]
    fn visit<V: Visitor<'a>>(&mut self, visitor: V) -> Read<V::Value> {
        match visitor.visit_seq(&mut *self) {
            Ok(value) => told(self.source.leave(&mut self.level)).map(|()| value),
            Err(fail) => Err(self.source.blame(&self.level, fail)),
        }
    }
}

impl<'a> de::SeqAccess<'a> for &mut Seq<'_, '_, 'a> {
    type Error = Fail;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if !told(self.source.more(&mut self.level))? {
            return Ok(None);
        }
        seed.deserialize(De { source: self.source }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.source.left(&self.level)
    }
}

/// The pairs of a map.
struct Map<'s, 'w, 'a> {
    source: &'s mut dyn Source<'a>,
    level: Level<'w, 'a>,
    fields: &'static [&'static str],
}

impl<'a> Map<'_, '_, 'a> {
    /// Gives the pairs to a visitor, and leaves the map.
    #[inline]
    fn visit<V: Visitor<'a>>(&mut self, visitor: V) -> Read<V::Value> {
        match visitor.visit_map(&mut *self) {
            Ok(value) => told(self.source.leave(&mut self.level)).map(|()| value),
            Err(fail) => Err(self.source.blame(&self.level, fail)),
        }
    }
}

impl<'a> de::MapAccess<'a> for &mut Map<'_, '_, 'a> {
    type Error = Fail;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        match told(self.source.key(&mut self.level, self.fields))? {
            Key::End => Ok(None),
            Key::Name(name) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            Key::Value => seed.deserialize(De { source: self.source }).map(Some),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Read<V::Value> {
        self.source.value(&mut self.level);
        seed.deserialize(De { source: self.source })
    }

    fn size_hint(&self) -> Option<usize> {
        self.source.left(&self.level).map(|words| words / 2)
    }
}

/// A variant with content: a pair of name and content.
struct Variant<'s, 'l, 'w, 'a> {
    source: &'s mut dyn Source<'a>,
    level: &'l mut Level<'w, 'a>,
}

impl<'s, 'a> de::EnumAccess<'a> for Variant<'s, '_, '_, 'a> {
    type Error = Fail;
    type Variant = De<'s, 'a>;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Read<(V::Value, De<'s, 'a>)> {
        let name = seed.deserialize(De { source: self.source })?;
        self.source.value(self.level);
        Ok((name, De { source: self.source }))
    }
}

impl<'a> de::VariantAccess<'a> for De<'_, 'a> {
    type Error = Fail;

    fn unit_variant(self) -> Read<()> {
        told(self.source.unit(""))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'a>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.seq(len, visitor)
    }

    fn struct_variant<V: Visitor<'a>>(self, fields: &'static [&'static str], visitor: V) -> Read<V::Value> {
        match told(self.source.structure())? {
            What::Map => self.map(fields, visitor),
            _ => self.seq(0, visitor),
        }
    }
}
