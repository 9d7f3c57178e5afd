//! Instances of Python's classes as serde reads them, and what older protocols spell as calls. Whatever is plain data
//! goes past here.

use super::de::{CONTENT, De, Map, Peek, Seq};
use crate::copyreg::{self, Class, Field, Fields, Flat, Instance, Key, Plain, plain};
use crate::object::arena::*;
use crate::object::view::Words;
use crate::object::{Atom, Chars, ErrorKind, Items, Kind, Object, Result, Spelling, Text};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// Pairs that do not stand in the words of a dict.
#[allow(clippy::large_enum_variant)] // it lives on the stack of one function, and is never moved
pub(super) enum Odd<'a> {
    /// The fields of an instance.
    Fields(Fields<'a>),
    /// Pairs that were set in an instance.
    Pairs(Flat<'a>),
}

/// What a newtype struct is read from.
pub(super) enum Newtype<'w, 'a, C> {
    /// This value.
    Value(De<'w, 'a, C>),
    /// Whatever stands here.
    Any,
    /// A complex.
    Bits(u128),
}

/// A sequence that does not stand in the words of a list.
#[allow(clippy::large_enum_variant)] // it lives on the stack of one function
enum Sequence<'a> {
    Items(Items<'a>, Option<Items<'a>>),
    Bytes(Text<'a>),
}

impl<'w, 'a, C: Peek> De<'w, 'a, C> {
    fn object(&self) -> Result<Object<'a>> {
        Ok(Object { tree: self.walk.tree, word: self.inner()? })
    }

    /// The row by which this object is the Rust type of this name.
    fn class(&self, rust: &str, object: Object<'a>) -> Result<&'a Class> {
        let registry = &self.walk.registry;
        let class = match Instance::of(object) {
            #[cfg(feature = "classes")]
            Some(instance) if copyreg::is_own(rust) => {
                let fits = |row: &&Class| row.rust == rust && row.is_named_by(registry, instance.callable);
                copyreg::classes::ROWS.iter().find(fits)
            }
            #[cfg(feature = "classes")]
            None if object.kind() == Kind::Slice => copyreg::classes::row(rust).filter(|row| row.name == "slice"),
            Some(instance) => registry.class_of(rust, instance.callable),
            None => return self.fail(ErrorKind::UnexpectedType),
        };
        match class {
            Some(class) => Ok(class),
            None => self.fail(ErrorKind::NotRegistered),
        }
    }

    #[inline(never)]
    fn fields(&self, rust: &str, names: &'static [&'static str]) -> Result<Fields<'a>> {
        let object = self.object()?;
        Fields::new(object, self.class(rust, object)?, names)
    }

    /// A struct, from an instance of its class.
    #[inline(never)]
    pub(super) fn instance<V: Visitor<'a>>(
        &self,
        rust: &str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.visit_odd(&mut Odd::Fields(self.fields(rust, names)?), names, visitor)
    }

    fn visit_odd<V: Visitor<'a>>(
        &self,
        odd: &mut Odd<'a>,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let de = De { depth: self.deeper()?, ..*self };
        let words = Words::slice(&[]);
        visitor.visit_map(Map { de, words, key: Slot::EMPTY, value: Slot::EMPTY, fields, next: 0, odd: Some(odd) })
    }

    /// A tuple struct, from an instance of its class.
    #[inline(never)]
    pub(super) fn places(&self, rust: &str) -> Result<Seq<'w, 'a, C>> {
        let places = self.fields(rust, &[])?.into_places()?;
        Ok(Seq { de: De { depth: self.deeper()?, ..*self }, words: places.words, then: None })
    }

    /// Whether this is the global or the instance without fields that a unit struct of this name stands for.
    #[inline(never)]
    pub(super) fn is_singleton(&self, rust: &str) -> Result<bool> {
        let object = self.object()?;
        match object.kind() {
            Kind::Global | Kind::Ext => match self.walk.registry.class_of(rust, object) {
                Some(_) => Ok(true),
                None => self.fail(ErrorKind::NotRegistered),
            },
            _ if object.word.tag() == OBJECT => {
                let end = self.fields(rust, &[])?.next()?.is_none();
                if end { Ok(true) } else { self.fail(ErrorKind::WrongLength) }
            }
            _ => Ok(false),
        }
    }

    /// A newtype struct.
    pub(super) fn visit_newtype<V: Visitor<'a>>(self, rust: &'static str, visitor: V) -> Result<V::Value> {
        match self.newtype(rust)? {
            Newtype::Value(de) => visitor.visit_newtype_struct(de).map_err(|error| de.place(error)),
            Newtype::Any => de::Deserializer::deserialize_any(self, visitor),
            Newtype::Bits(bits) => visitor.visit_u128(bits),
        }
    }

    /// What a newtype struct of this name is read from.
    #[inline(never)]
    pub(super) fn newtype(&self, rust: &str) -> Result<Newtype<'w, 'a, C>> {
        let plain_value = Ok(Newtype::Value(*self));
        if self.walk.registry.is_empty() && !copyreg::is_own(rust) {
            return plain_value;
        }
        let object = self.object()?;
        let fits = match (rust, object.kind()) {
            ("\0any", _) => return Ok(Newtype::Any),
            ("\0complex", _) => {
                return match object.atom() {
                    Some(Atom::Complex(re, im)) => {
                        Ok(Newtype::Bits(u128::from(re.to_bits()) << 64 | u128::from(im.to_bits())))
                    }
                    _ => plain_value,
                };
            }
            ("\0set", kind) => kind == Kind::Set || matches!(plain(object), Some(Plain::Set(_))),
            ("\0frozenset", kind) => kind == Kind::FrozenSet || matches!(plain(object), Some(Plain::FrozenSet(_))),
            ("\0bytearray", kind) => kind == Kind::ByteArray || matches!(plain(object), Some(Plain::ByteArray(_))),
            // A newtype around an instance of another class has no row of its own.
            _ if object.word.tag() != OBJECT || self.walk.registry.class(rust).is_none() => return plain_value,
            _ => return self.only_field(rust),
        };
        if fits { plain_value } else { self.fail(ErrorKind::UnexpectedType) }
    }

    /// The one field of an instance.
    fn only_field(&self, rust: &str) -> Result<Newtype<'w, 'a, C>> {
        let depth = self.deeper()?;
        let mut fields = self.fields(rust, &[""])?;
        match (fields.next()?, fields.next()?) {
            (Some((_, value)), None) => Ok(Newtype::Value(De { depth, word: self.put(value), ..*self })),
            _ => self.fail(ErrorKind::WrongLength),
        }
    }

    /// A word for a field's value.
    fn put(&self, field: Field<'a>) -> Slot {
        match field {
            Field::One(object) => object.word,
            content => {
                self.walk.content.set(Some(content));
                Slot::new(CONTENT, 0)
            }
        }
    }

    /// The variant that one of these globals is.
    #[inline(never)]
    pub(super) fn global(&self, variants: &'static [&'static str]) -> Result<&'static str> {
        let object = self.object()?;
        let named = |variant: &&&'static str| match variant.split_once(' ') {
            Some((module, name)) => Class::singleton(module, name).is_named_by(&self.walk.registry, object),
            None => false,
        };
        match variants.iter().find(named) {
            Some(variant) => Ok(variant),
            None if matches!(object.kind(), Kind::Global | Kind::Ext) => self.fail(ErrorKind::NotRegistered),
            None => self.fail(ErrorKind::UnexpectedType),
        }
    }

    /// The variant that a member of a Python enum is.
    #[inline(never)]
    pub(super) fn member(&self, rust: &str, variants: &'static [&'static str]) -> Result<&'static str> {
        let object = self.object()?;
        let Some(instance) = Instance::of(object) else { return self.fail(ErrorKind::UnexpectedType) };
        // Some versions of Python pickle `getattr(Color, 'RED')` instead of `Color(1)`.
        let variant = match copyreg::attribute(object) {
            Some((class, name)) if self.walk.registry.class_of(rust, class).is_some() => {
                variants.iter().find(|variant| name.is(variant)).copied()
            }
            _ => {
                let class = self.class(rust, object)?;
                let mut args = instance.args;
                match (args.next(), args.next()) {
                    (Some(value), None) => class.member(value),
                    _ => return self.fail(ErrorKind::WrongLength),
                }
            }
        };
        match variant {
            Some(variant) => Ok(variant),
            None => self.fail(ErrorKind::UnknownVariant),
        }
    }

    /// A sequence that is no list, tuple or set.
    fn sequence(&self) -> Result<Sequence<'a>> {
        if C::CLASSES && self.word.tag() == CONTENT {
            return match self.walk.content.take() {
                Some(Field::Items(chain)) => Ok(match chain.0 {
                    Some(first) => Sequence::Items(first, Some(chain.1)),
                    None => Sequence::Items(chain.1, None),
                }),
                _ => self.fail(ErrorKind::UnexpectedType),
            };
        }
        let object = self.object()?;
        match (plain(object), object.atom()) {
            (Some(Plain::Set(list) | Plain::FrozenSet(list)), _) => Ok(Sequence::Items(list.items(), None)),
            (Some(Plain::Bytes(text) | Plain::ByteArray(text)), _) => Ok(Sequence::Bytes(text)),
            (None, Some(Atom::Bytes(bytes) | Atom::ByteArray(bytes))) => {
                Ok(Sequence::Bytes(Text::new(bytes, Spelling::Latin1)))
            }
            (None, Some(Atom::ByteString(text))) => Ok(Sequence::Bytes(text)),
            _ if object.word.tag() == OBJECT => self.fail(ErrorKind::NotRegistered),
            _ => self.fail(ErrorKind::UnexpectedType),
        }
    }

    #[inline(never)]
    pub(super) fn odd_seq<V: Visitor<'a>>(&self, visitor: V) -> Result<V::Value> {
        match self.sequence()? {
            Sequence::Items(items, then) => visitor.visit_seq(Seq {
                de: De { depth: self.deeper()?, ..*self },
                words: items.words,
                then: then.map(|items| items.words),
            }),
            Sequence::Bytes(text) => visitor.visit_seq(Bytes { chars: text.chars(), de: *self }),
        }
    }

    /// What this word stands for, if it is one of tag [`CONTENT`].
    fn content(&self) -> Option<Field<'a>> {
        if C::CLASSES && self.word.tag() == CONTENT { self.walk.content.take() } else { None }
    }

    #[inline(never)]
    pub(super) fn odd_map<V: Visitor<'a>>(&self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        match self.content() {
            Some(Field::Pairs(pairs)) if C::CLASSES => self.visit_odd(&mut Odd::Pairs(pairs), fields, visitor),
            _ if self.inner()?.tag() == OBJECT => self.fail(ErrorKind::NotRegistered),
            _ => self.fail(ErrorKind::UnexpectedType),
        }
    }

    #[inline(never)]
    pub(super) fn odd_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        if C::CLASSES && self.word.tag() == CONTENT {
            return match self.walk.content.take() {
                Some(Field::Pairs(pairs)) => self.visit_odd(&mut Odd::Pairs(pairs), &[], visitor),
                content => {
                    self.walk.content.set(content);
                    self.odd_seq(visitor)
                }
            };
        }
        let object = self.object()?;
        match plain(object) {
            Some(Plain::Bytes(_) | Plain::ByteArray(_)) => self.odd_bytes(visitor),
            None if object.word.tag() != OBJECT => de::Deserializer::deserialize_bytes(self, visitor),
            _ => self.odd_seq(visitor),
        }
    }

    /// Bytes that are spelled as a call.
    #[inline(never)]
    pub(super) fn odd_bytes<V: Visitor<'a>>(&self, visitor: V) -> Result<V::Value> {
        let Sequence::Bytes(text) = self.sequence()? else { return self.fail(ErrorKind::UnexpectedType) };
        match (text.as_bytes(), text.to_bytes(&mut [0; 128])) {
            (Some(bytes), _) => visitor.visit_borrowed_bytes(bytes),
            (None, Some(bytes)) => visitor.visit_bytes(bytes),
            // Byte by byte, for a visitor that takes them so.
            (None, None) => visitor.visit_seq(Bytes { chars: text.chars(), de: *self }),
        }
    }
}

/// The characters of a text as bytes.
struct Bytes<'w, 'a, C> {
    chars: Chars<'a>,
    de: De<'w, 'a, C>,
}

impl<'a, C: Peek> de::SeqAccess<'a> for Bytes<'_, 'a, C> {
    type Error = crate::object::Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.chars.next().map(u8::try_from) {
            None => Ok(None),
            Some(Ok(byte)) => seed.deserialize(byte.into_deserializer()).map(Some),
            Some(Err(_)) => self.de.fail(ErrorKind::BadText),
        }
    }
}

impl<'a, C: Peek> Map<'_, 'a, C> {
    /// The next key of pairs that do not stand in words.
    #[inline(never)]
    pub(super) fn odd_key<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((key, value)) = self.odd_pair()? else { return Ok(None) };
        self.value = self.de.put(value);
        match key {
            Key::Place(name) => seed.deserialize(name.into_deserializer()).map(Some),
            Key::Name(name) => {
                self.key = name.word;
                let de = De { word: name.word, ..self.de };
                seed.deserialize(de).map(Some).map_err(|error| de.place(error))
            }
        }
    }

    fn odd_pair(&mut self) -> Result<Option<(Key<'a>, Field<'a>)>> {
        match &mut self.odd {
            None => Ok(None),
            Some(Odd::Fields(fields)) => fields.next(),
            Some(Odd::Pairs(pairs)) => Ok(pairs.next()?.map(|(key, value)| (Key::Name(key), Field::One(value)))),
        }
    }
}
