//! Object → Deserialize.

use super::instance::Odd;
use crate::copyreg::{self, Field, Registry};
use crate::object::arena::*;
use crate::object::view::Words;
use crate::object::{Atom, Encoding, Error, ErrorKind, Kind, Object, Result, Text, Tree};
use core::cell::Cell;
use core::marker::PhantomData;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// How far typed reading goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// Containers in containers.
    pub depth: u16,
    /// How many items in all, besides those that the input spells out itself: what shared values unfold into.
    pub fuel: u32,
}

impl Limits {
    /// Depth 64; 16 items per byte of the input.
    pub fn of(input: &[u8]) -> Self {
        Limits { depth: 64, fuel: u32::try_from(input.len().saturating_mul(16)).unwrap_or(u32::MAX) }
    }
}

/// Reads a value of type `T` out of an object of plain data, of any codec.
pub fn from_object<'a, T: de::Deserialize<'a>>(object: &Object<'a>, limits: Limits) -> Result<T> {
    from_object_with::<Any, T>(object, limits, &Registry::EMPTY)
}

/// Reads a value of type `T` out of an object of the codec `C`, whose most frequent atoms are read without a detour;
/// instances come to life through the registry.
pub fn from_object_with<'a, C: Peek, T: de::Deserialize<'a>>(
    object: &Object<'a>,
    limits: Limits,
    registry: &Registry<'a>,
) -> Result<T> {
    let walk = Walk {
        tree: object.tree,
        fuel: Cell::new(limits.fuel),
        registry: *registry,
        content: Cell::new(None),
        codec: PhantomData::<C>,
    };
    let de = De { walk: &walk, word: object.word, depth: limits.depth };
    let mut result = T::deserialize(de);
    if let Err(error) = &mut result {
        *error = de.place(*error);
    }
    result
}

/// A codec's short cuts to its most frequent atoms, at their place in the input; `None` where another one stands.
pub trait Peek {
    /// The same codec, with classes.
    type Full: Peek<Full = Self::Full>;
    /// Whether instances are read: all code about classes is behind this, so that who needs none links none.
    const CLASSES: bool = false;
    /// An int of up to 64 bits.
    #[inline]
    fn int(_input: &[u8], _at: usize) -> Option<i64> {
        None
    }
    /// A float.
    #[inline]
    fn float(_input: &[u8], _at: usize) -> Option<f64> {
        None
    }
    /// A str in UTF-8.
    #[inline]
    fn utf8(_input: &[u8], _at: usize) -> Option<&[u8]> {
        None
    }
}

/// No short cuts: for objects of any codec.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Any;

impl Peek for Any {
    type Full = Classes<Any>;
}

/// The codec `C`, with classes.
#[derive(Debug)]
pub struct Classes<C>(PhantomData<C>);

#[cfg(feature = "defmt")]
impl<C> defmt::Format for Classes<C> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Classes");
    }
}

impl<C: Peek> Peek for Classes<C> {
    type Full = Self;
    const CLASSES: bool = true;
    #[inline]
    fn int(input: &[u8], at: usize) -> Option<i64> {
        C::int(input, at)
    }
    #[inline]
    fn float(input: &[u8], at: usize) -> Option<f64> {
        C::float(input, at)
    }
    #[inline]
    fn utf8(input: &[u8], at: usize) -> Option<&[u8]> {
        C::utf8(input, at)
    }
}

/// The offset of an error that does not know its place yet.
const NOWHERE: usize = usize::MAX;

const fn nowhere(kind: ErrorKind) -> Error {
    Error { kind, offset: NOWHERE }
}

impl de::Error for Error {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        nowhere(ErrorKind::Custom)
    }
    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        nowhere(ErrorKind::UnexpectedType)
    }
    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        nowhere(ErrorKind::OutOfRange)
    }
    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        nowhere(ErrorKind::WrongLength)
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        nowhere(ErrorKind::UnknownVariant)
    }
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        nowhere(ErrorKind::UnknownField)
    }
    fn missing_field(field: &'static str) -> Self {
        nowhere(ErrorKind::MissingField(field))
    }
    fn duplicate_field(field: &'static str) -> Self {
        nowhere(ErrorKind::DuplicateField(field))
    }
}

/// One typed reading.
pub(super) struct Walk<'a, C> {
    pub(super) tree: Tree<'a>,
    fuel: Cell<u32>,
    pub(super) registry: Registry<'a>,
    /// What a word of tag [`CONTENT`] stands for, for whoever reads it next.
    pub(super) content: Cell<Option<Field<'a>>>,
    codec: PhantomData<C>,
}

/// A word for items or pairs that were set in an instance: no tag of the arena's.
pub(super) const CONTENT: Tag = 15;

/// One value of it.
pub(super) struct De<'w, 'a, C> {
    pub(super) walk: &'w Walk<'a, C>,
    pub(super) word: Slot,
    pub(super) depth: u16,
}

impl<C> Clone for De<'_, '_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for De<'_, '_, C> {}

/// What a word stands for.
enum Node<'a> {
    Atom(Atom<'a>),
    /// The words of a list, tuple, set or frozenset.
    Items(Words<'a>),
    /// The words of a dict.
    Pairs(Words<'a>),
    Other,
}

impl<'w, 'a, C: Peek> De<'w, 'a, C> {
    /// Gives an error its place.
    #[cold]
    pub(super) fn place(&self, error: Error) -> Error {
        let offset = if error.offset == NOWHERE { self.walk.tree.offset(self.word) } else { error.offset };
        Error { offset, ..error }
    }

    #[cold]
    pub(super) fn fail<T>(&self, kind: ErrorKind) -> Result<T> {
        Err(self.walk.tree.error(kind, self.word))
    }

    /// The value's word, seen through a shared cell; that costs fuel, for only shared values unfold.
    #[inline]
    pub(super) fn inner(&self) -> Result<Slot> {
        if self.word.tag() == SHARED { self.unfold() } else { Ok(self.word) }
    }

    #[inline(never)]
    fn unfold(&self) -> Result<Slot> {
        let tree = &self.walk.tree;
        let word = tree.resolve(self.word);
        let cost = match word.tag() {
            LIST | DICT | SET | FROZENDICT => Words::ring(tree, word.payload(), None).left(tree),
            TUPLE | FROZENSET => tree.slot(word.payload()).payload(),
            ATOM => 0,
            _ => 4,
        };
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).saturating_add(1);
        match self.walk.fuel.get().checked_sub(cost) {
            Some(left) => self.walk.fuel.set(left),
            None => return self.fail(ErrorKind::OutOfFuel),
        }
        Ok(word)
    }

    #[inline]
    fn node(&self) -> Result<Node<'a>> {
        let word = self.inner()?;
        let tree = &self.walk.tree;
        Ok(match word.tag() {
            ATOM | MUTABLE => Node::Atom(tree.atom(word)),
            LIST | SET => Node::Items(Words::ring(tree, word.payload(), None)),
            DICT | FROZENDICT => Node::Pairs(Words::ring(tree, word.payload(), None)),
            TUPLE | FROZENSET => Node::Items(Words::slice(tree.row(word.payload()).1)),
            SIMPLE if word.payload() as u32 == SIMPLE_EMPTY_TUPLE => Node::Items(Words::slice(&[])),
            _ => tree.any_atom(word).map_or(Node::Other, Node::Atom),
        })
    }

    /// One of the codec's short cuts.
    #[inline]
    fn peek<T>(&self, cut: fn(&'a [u8], usize) -> Option<T>) -> Option<T> {
        let tree = &self.walk.tree;
        let word = tree.resolve(self.word);
        if word.tag() == ATOM { cut(tree.input, word.payload()) } else { None }
    }

    #[inline]
    fn atom(&self) -> Result<Atom<'a>> {
        let word = self.inner()?;
        if word.tag() == ATOM { Ok(self.walk.tree.atom(word)) } else { self.odd_atom() }
    }

    #[inline(never)]
    fn odd_atom(&self) -> Result<Atom<'a>> {
        match self.node()? {
            Node::Atom(atom) if !matches!(atom, Atom::PersId(_)) => Ok(atom),
            _ => self
                .persistent()?
                .and_then(|found| found.atom())
                .ok_or(())
                .or_else(|()| self.fail(ErrorKind::UnexpectedType)),
        }
    }

    /// Goes on with classes, for a type of this library that is one.
    fn full<T>(&self, read: impl FnOnce(De<'_, 'a, C::Full>) -> Result<T>) -> Result<T> {
        let Walk { tree, registry, .. } = *self.walk;
        let (fuel, content) = (Cell::new(self.walk.fuel.get()), Cell::new(self.walk.content.take()));
        let walk = Walk { tree, fuel, registry, content, codec: PhantomData };
        let result = read(De { walk: &walk, word: self.word, depth: self.depth });
        self.walk.fuel.set(walk.fuel.get());
        result
    }

    /// The depth left inside this container.
    #[inline]
    pub(super) fn deeper(&self) -> Result<u16> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(depth),
            None => self.fail(ErrorKind::TooDeep),
        }
    }

    pub(super) fn child(&self, word: Slot, depth: u16) -> De<'w, 'a, C> {
        De { walk: self.walk, word, depth }
    }

    fn seq<V: Visitor<'a>>(&self, visitor: V) -> Result<V::Value> {
        match self.node()? {
            Node::Items(words) => {
                visitor.visit_seq(Seq { de: self.child(self.word, self.deeper()?), words, then: None })
            }
            _ => match self.persistent()? {
                None => self.odd_seq(visitor),
                Some(found) => {
                    let (walk, word, depth) = self.walk_over(&found)?;
                    De { walk: &walk, word, depth }.seq(visitor)
                }
            },
        }
    }

    fn map<V: Visitor<'a>>(&self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        match self.node()? {
            Node::Pairs(words) => {
                let de = self.child(self.word, self.deeper()?);
                visitor.visit_map(Map { de, words, value: Slot::EMPTY, key: Slot::EMPTY, fields, next: 0, odd: None })
            }
            _ => match self.persistent()? {
                None => self.odd_map(fields, visitor),
                Some(found) => {
                    let (walk, word, depth) = self.walk_over(&found)?;
                    De { walk: &walk, word, depth }.map(fields, visitor)
                }
            },
        }
    }

    /// Text to a visitor: where it stands if it can be, else decoded on the stack, up to 128 bytes.
    #[inline]
    fn text<V: Visitor<'a>>(&self, text: Text<'a>, visitor: V) -> Result<V::Value> {
        match text.as_str() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.decoded(text, visitor),
        }
    }

    #[inline(never)]
    fn decoded<V: Visitor<'a>>(&self, text: Text<'a>, visitor: V) -> Result<V::Value> {
        match text.to_str(&mut [0; 128]) {
            Some(text) if text.len() <= 128 => visitor.visit_str(text),
            _ => self.fail(ErrorKind::NotBorrowable),
        }
    }

    /// A str of Python 2, as the encoding has it.
    fn byte_string<V: Visitor<'a>>(&self, text: Text<'a>, visitor: V) -> Result<V::Value> {
        match self.walk.tree.encoding {
            Encoding::Bytes => match text.as_bytes() {
                Some(bytes) => visitor.visit_borrowed_bytes(bytes),
                None => match text.to_bytes(&mut [0; 128]) {
                    Some(bytes) => visitor.visit_bytes(bytes),
                    None => self.fail(ErrorKind::NotBorrowable),
                },
            },
            Encoding::Ascii if text.chars().any(|c| c > 127) => self.fail(ErrorKind::BadText),
            _ => self.text(text, visitor),
        }
    }

    /// What stands for a persistent id, if the caller's function knows.
    #[inline(never)]
    fn persistent(&self) -> Result<Option<Object<'a>>> {
        let object = Object { tree: self.walk.tree, word: self.word };
        if object.kind() != Kind::PersId {
            return Ok(None);
        }
        match self.walk.tree.persistent.and_then(|load| load(&object)) {
            Some(found) => Ok(Some(found)),
            None => self.fail(ErrorKind::NoPersistentLoad),
        }
    }

    /// A walk over the tree of another object.
    fn walk_over(&self, object: &Object<'a>) -> Result<(Walk<'a, C>, Slot, u16)> {
        let fuel = Cell::new(self.walk.fuel.get());
        let registry = self.walk.registry;
        let walk = Walk { tree: object.tree, fuel, registry, content: Cell::new(None), codec: PhantomData };
        Ok((walk, object.word, self.deeper()?))
    }

    /// Any atom to a visitor.
    #[inline(never)]
    fn visit_atom<V: Visitor<'a>>(&self, atom: Atom<'a>, visitor: V) -> Result<V::Value> {
        match atom {
            Atom::None => visitor.visit_unit(),
            Atom::Bool(value) => visitor.visit_bool(value),
            Atom::Int(value) => visitor.visit_i64(value),
            Atom::Long(long) => match (long.to_u128(), long.to_i128()) {
                (Some(value), _) if value <= u128::from(u64::MAX) => visitor.visit_u64(value as u64),
                (_, Some(value)) => visitor.visit_i128(value),
                (Some(value), _) => visitor.visit_u128(value),
                _ => self.fail(ErrorKind::OutOfRange),
            },
            Atom::Float(value) => visitor.visit_f64(value),
            Atom::Str(text) => self.text(text, visitor),
            Atom::ByteString(text) => self.byte_string(text, visitor),
            Atom::Bytes(bytes) | Atom::ByteArray(bytes) => visitor.visit_borrowed_bytes(bytes),
            Atom::EmptyTuple => visitor.visit_seq(Seq { de: *self, words: Words::slice(&[]), then: None }),
            _ => self.fail(ErrorKind::UnexpectedType),
        }
    }
}

macro_rules! ints {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
            if let Some(value) = self.peek(C::int) {
                return visitor.visit_i64(value);
            }
            match self.atom()? {
                atom @ (Atom::Int(_) | Atom::Long(_)) => self.visit_atom(atom, visitor),
                _ => self.fail(ErrorKind::UnexpectedType),
            }
        }
    )*};
}

macro_rules! strs {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
            if let Some(utf8) = self.peek(C::utf8)
                && let Ok(text) = core::str::from_utf8(utf8)
            {
                return visitor.visit_borrowed_str(text);
            }
            match self.atom()? {
                atom @ (Atom::Str(_) | Atom::ByteString(_)) => self.visit_atom(atom, visitor),
                _ => self.fail(ErrorKind::UnexpectedType),
            }
        }
    )*};
}

macro_rules! floats {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
            if let Some(value) = self.peek(C::float) {
                return visitor.visit_f64(value);
            }
            match self.atom()? {
                atom @ (Atom::Float(_) | Atom::Int(_) | Atom::Long(_)) => self.visit_atom(atom, visitor),
                _ => self.fail(ErrorKind::UnexpectedType),
            }
        }
    )*};
}

impl<'a, C: Peek> de::Deserializer<'a> for De<'_, 'a, C> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        match self.node()? {
            Node::Atom(Atom::PersId(_)) => self.visit_atom(self.odd_atom()?, visitor),
            Node::Atom(atom) => self.visit_atom(atom, visitor),
            Node::Items(_) => self.seq(visitor),
            Node::Pairs(_) => self.map(&[], visitor),
            Node::Other => match self.persistent()? {
                None => self.odd_any(visitor),
                Some(found) => {
                    let (walk, word, depth) = self.walk_over(&found)?;
                    De { walk: &walk, word, depth }.deserialize_any(visitor)
                }
            },
        }
    }

    ints! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    strs! { deserialize_str deserialize_string deserialize_char deserialize_identifier }
    floats! { deserialize_f32 deserialize_f64 }

    #[inline]
    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        match self.atom()? {
            Atom::Bool(value) => visitor.visit_bool(value),
            _ => self.fail(ErrorKind::UnexpectedType),
        }
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        let object = Object { tree: self.walk.tree, word: self.inner()? };
        match object.as_bytes() {
            Ok(bytes) => visitor.visit_borrowed_bytes(bytes),
            Err(_) => self.odd_bytes(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        match self.node()? {
            Node::Atom(Atom::None) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        match self.atom()? {
            Atom::None => visitor.visit_unit(),
            _ => self.fail(ErrorKind::UnexpectedType),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if C::CLASSES && self.is_singleton(name)? { visitor.visit_unit() } else { self.deserialize_unit(visitor) }
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if copyreg::is_own(name) {
            return self.full(|de| de.visit_newtype(name, visitor));
        }
        if C::CLASSES { self.visit_newtype(name, visitor) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        self.seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(self, name: &'static str, _: usize, visitor: V) -> Result<V::Value> {
        match self.inner()?.tag() {
            OBJECT if C::CLASSES => visitor.visit_seq(self.places(name)?),
            _ => self.seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        self.map(&[], visitor)
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if copyreg::is_own(name) {
            return self.full(|de| de.instance(name, fields, visitor));
        }
        self.structure(name, fields, visitor)
    }

    #[inline(always)]
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if copyreg::is_own(name) {
            return self.full(|de| visitor.visit_enum(de.global(variants)?.into_deserializer()));
        }
        self.enumeration(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'a, C: Peek> De<'_, 'a, C> {
    fn structure<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.inner()?.tag() {
            OBJECT if C::CLASSES => self.instance(name, fields, visitor),
            OBJECT => self.fail(ErrorKind::NotRegistered),
            FIXED | ATOM if !fields.is_empty() && self.persistent()?.is_some() => self.map(fields, visitor),
            DICT | FROZENDICT => self.map(fields, visitor),
            _ => self.seq(visitor),
        }
    }

    fn enumeration<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.node()? {
            Node::Atom(Atom::Str(text) | Atom::ByteString(text)) => match text.as_str() {
                Some(name) => visitor.visit_enum(name.into_deserializer()),
                None => self.fail(ErrorKind::UnknownVariant),
            },
            Node::Pairs(mut words) => {
                let tree = &self.walk.tree;
                match (words.next(tree), words.next(tree), words.next(tree)) {
                    (Some(name), Some(content), None) => {
                        let depth = self.deeper()?;
                        visitor
                            .visit_enum(Variant { name: self.child(name, depth), content: self.child(content, depth) })
                    }
                    _ => self.fail(ErrorKind::WrongLength),
                }
            }
            Node::Other if C::CLASSES => visitor.visit_enum(self.member(name, variants)?.into_deserializer()),
            Node::Other if self.word.tag() == OBJECT => self.fail(ErrorKind::NotRegistered),
            _ => self.fail(ErrorKind::UnexpectedType),
        }
    }
}

/// The items of a sequence; `de` is the sequence itself with the depth left inside.
pub(super) struct Seq<'w, 'a, C> {
    pub(super) de: De<'w, 'a, C>,
    pub(super) words: Words<'a>,
    /// What comes after the words.
    pub(super) then: Option<Words<'a>>,
}

impl<'a, C: Peek> de::SeqAccess<'a> for Seq<'_, 'a, C> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.words.next(&self.de.walk.tree) {
            Some(word) => {
                let de = self.de.child(word, self.de.depth);
                match seed.deserialize(de) {
                    Ok(value) => Ok(Some(value)),
                    Err(error) => Err(de.place(error)),
                }
            }
            None => match self.then.take() {
                None => Ok(None),
                Some(then) => {
                    self.words = then;
                    self.next_element_seed(seed)
                }
            },
        }
    }

    fn size_hint(&self) -> Option<usize> {
        let then = self.then.as_ref().map_or(0, |then| then.left(&self.de.walk.tree));
        Some(self.words.left(&self.de.walk.tree).saturating_add(then))
    }
}

/// The pairs of a dict; `de` is the dict itself with the depth left inside.
pub(super) struct Map<'w, 'a, C> {
    pub(super) de: De<'w, 'a, C>,
    pub(super) words: Words<'a>,
    pub(super) key: Slot,
    pub(super) value: Slot,
    pub(super) fields: &'static [&'static str],
    /// The field that is expected to come next.
    pub(super) next: usize,
    /// Where the pairs come from if it is not the words.
    pub(super) odd: Option<&'w mut Odd<'a>>,
}

impl<'a, C: Peek> Map<'_, 'a, C> {
    /// The field that a key names, if it is the one that comes next or another one of the struct's.
    #[inline]
    fn field(&mut self, key: &De<'_, 'a, C>) -> Option<&'static str> {
        let fields = self.fields;
        let name = key.peek(C::utf8)?;
        let expected = fields.get(self.next).filter(|field| field.as_bytes() == name);
        if expected.is_some() {
            self.next = self.next.wrapping_add(1);
            return expected.copied();
        }
        self.next = fields.iter().position(|field| field.as_bytes() == name)?.wrapping_add(1);
        fields.get(self.next.wrapping_sub(1)).copied()
    }

    /// Gives an error about a value its place, and the name of the field.
    #[cold]
    fn place(&self, error: Error) -> Error {
        let error = self.de.child(self.value, 0).place(error);
        if error.kind != ErrorKind::UnexpectedType {
            return error;
        }
        let name = |field: &&&'static str| match self.de.walk.tree.atom(self.de.walk.tree.resolve(self.key)) {
            Atom::Str(text) | Atom::ByteString(text) => text.is(field),
            _ => false,
        };
        match self.fields.iter().find(name) {
            Some(field) => Error { kind: ErrorKind::FieldType(field), ..error },
            None => error,
        }
    }
}

impl<'a, C: Peek> de::MapAccess<'a> for Map<'_, 'a, C> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let tree = &self.de.walk.tree;
        let (Some(key), Some(value)) = (self.words.next(tree), self.words.next(tree)) else {
            return if C::CLASSES && self.odd.is_some() { self.odd_key(seed) } else { Ok(None) };
        };
        (self.key, self.value) = (key, value);
        let de = self.de.child(key, self.de.depth);
        if let Some(field) = self.field(&de) {
            return seed.deserialize(StrDeserializer::new(field)).map(Some);
        }
        seed.deserialize(de).map(Some).map_err(|error| de.place(error))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(self.de.child(self.value, self.de.depth)).map_err(|error| self.place(error))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.words.left(&self.de.walk.tree) / 2)
    }
}

/// A variant with content: a dict of one pair.
struct Variant<'w, 'a, C> {
    name: De<'w, 'a, C>,
    content: De<'w, 'a, C>,
}

impl<'w, 'a, C: Peek> de::EnumAccess<'a> for Variant<'w, 'a, C> {
    type Error = Error;
    type Variant = De<'w, 'a, C>;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, De<'w, 'a, C>)> {
        let name = seed.deserialize(self.name).map_err(|error| self.name.place(error))?;
        Ok((name, self.content))
    }
}

impl<'a, C: Peek> de::VariantAccess<'a> for De<'_, 'a, C> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        de::Deserialize::deserialize(self).map_err(|error| self.place(error))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self).map_err(|error| self.place(error))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.seq(visitor).map_err(|error| self.place(error))
    }

    fn struct_variant<V: Visitor<'a>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        match self.inner()?.tag() {
            DICT | FROZENDICT => self.map(fields, visitor),
            _ => self.seq(visitor),
        }
        .map_err(|error| self.place(error))
    }
}
