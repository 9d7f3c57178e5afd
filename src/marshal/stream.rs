//! Typed reading straight from the stream: no decoded structure, no slots but one for each value that may be referred to.
//!
//! It does the common part: plain values, lists, tuples, sets and dicts that a type reads to their end, and references.
//! Whatever else comes, the answer is [`Odd`], and the whole value is read again by way of the object model, which knows
//! all kinds, makes every check and says what is wrong and where. So both ways give the same value, or the same error.

use super::head::Reading;
use super::typecode::*;
use crate::bytes;
use crate::object::serde::Limits;
use crate::object::{Long, Slot};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// Something that is not read this way, or an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Odd;

type Done<T> = Result<T, Odd>;

impl core::fmt::Display for Odd {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        Ok(())
    }
}

impl core::error::Error for Odd {}

impl de::Error for Odd {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        Odd
    }
    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Odd
    }
    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Odd
    }
    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Odd
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Odd
    }
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Odd
    }
    fn missing_field(_: &'static str) -> Self {
        Odd
    }
    fn duplicate_field(_: &'static str) -> Self {
        Odd
    }
}

/// Reads a `T` at the start of a stream of Python 3.4 or newer.
pub(super) fn from_slice<'a, T: de::Deserialize<'a>>(input: &'a [u8], refs: &mut [Slot]) -> Done<T> {
    let limits = Limits::of(input);
    let mut stream = Stream {
        input,
        at: 0,
        refs,
        indices: 0,
        replays: false,
        back: None,
        fuel: limits.fuel,
        recent: [(usize::MAX, ""); RECENT],
    };
    T::deserialize(De { stream: &mut stream, depth: limits.depth, key: false })
}

struct Stream<'a, 's> {
    input: &'a [u8],
    at: usize,
    /// Where each value stands that took an index.
    refs: &'s mut [Slot],
    indices: usize,
    /// A value is being read again, by reference.
    replays: bool,
    /// Where to go on behind the container that [`Stream::next`] just gave, if it is read again.
    back: Return,
    /// How many values may yet be read again.
    fuel: u32,
    /// Text that was read by reference lately, by its index: the keys of one struct after another.
    recent: [(usize, &'a str); RECENT],
}

/// How many texts are remembered.
const RECENT: usize = 8;

/// A value, or the head of a container.
enum Next<'a> {
    None,
    Bool(bool),
    Int(i64),
    Long(Long<'a>),
    Float(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    /// So many items follow. Whether they must be hashable.
    Items(usize, bool),
    Pairs,
}

/// Where reading goes on after a value that was read again, and whether it was itself inside of one.
type Return = Option<(usize, bool)>;

impl<'a> Stream<'a, '_> {
    #[inline]
    fn word(&mut self, at: usize) -> Done<i32> {
        bytes::u32_le(self.input, at).map(|word| word as i32).ok_or(Odd)
    }

    /// Bytes behind a size of 4 bytes at `at`.
    #[inline]
    fn sized(&mut self, at: usize) -> Done<&'a [u8]> {
        let len = usize::try_from(self.word(at)?).map_err(|_| Odd)?;
        self.take(at.wrapping_add(4), len)
    }

    #[inline]
    fn take(&mut self, at: usize, len: usize) -> Done<&'a [u8]> {
        let taken = bytes::take(self.input, at, len).ok_or(Odd)?;
        self.at = at.wrapping_add(len);
        Ok(taken)
    }

    #[inline]
    fn short(&mut self, at: usize) -> Done<&'a [u8]> {
        let len = bytes::u8(self.input, at).ok_or(Odd)?;
        self.take(at.wrapping_add(1), usize::from(len))
    }

    #[inline]
    fn ascii(raw: &'a [u8]) -> Done<Next<'a>> {
        match core::str::from_utf8(raw) {
            Ok(text) if raw.is_ascii() => Ok(Next::Str(text)),
            _ => Err(Odd),
        }
    }

    /// A container of `count` items that takes a byte for each at least.
    fn items(&mut self, count: usize, end: usize, hashable: bool) -> Done<Next<'a>> {
        self.at = end;
        if count > self.input.len().saturating_sub(end) { Err(Odd) } else { Ok(Next::Items(count, hashable)) }
    }

    /// The next value.
    #[inline]
    fn next(&mut self) -> Done<Next<'a>> {
        let start = self.at;
        let byte = bytes::u8(self.input, start).ok_or(Odd)?;
        let at = start.wrapping_add(1);
        let code = byte & !FLAG_REF;
        if byte & FLAG_REF != 0 && !self.replays {
            self.index(code, start)?;
        }
        match code {
            INT => {
                self.at = at.wrapping_add(4);
                Ok(Next::Int(i64::from(self.word(at)?)))
            }
            BINARY_FLOAT => {
                self.at = at.wrapping_add(8);
                bytes::u64_le(self.input, at).map(|bits| Next::Float(f64::from_bits(bits))).ok_or(Odd)
            }
            SHORT_ASCII | SHORT_ASCII_INTERNED => Self::ascii(self.short(at)?),
            REF => self.again(at),
            LONG if let Some((value, end)) = super::atom::short_long(self.input, at) => {
                self.at = end;
                Ok(Next::Int(value))
            }
            _ => self.rarer(code, at),
        }
    }

    #[inline(never)]
    fn rarer(&mut self, code: u8, at: usize) -> Done<Next<'a>> {
        self.at = at;
        Ok(match code {
            NONE => Next::None,
            FALSE => Next::Bool(false),
            TRUE => Next::Bool(true),
            LONG => {
                let head = Reading::new(super::Python::NEWEST, false).head(self.input, at.wrapping_sub(1));
                self.at = head.map_err(|_| Odd)?.end;
                let body = self.input.get(at..self.at).ok_or(Odd)?;
                if !super::atom::is_valid(LONG, body, false) {
                    return Err(Odd);
                }
                let long = super::atom::long(self.input, at).ok_or(Odd)?;
                long.to_i64().map_or(Next::Long(long), Next::Int)
            }
            STRING => Next::Bytes(self.sized(at)?),
            ASCII | ASCII_INTERNED => return self.sized(at).and_then(Self::ascii),
            UNICODE | INTERNED => Next::Str(core::str::from_utf8(self.sized(at)?).map_err(|_| Odd)?),
            SMALL_TUPLE => {
                let count = bytes::u8(self.input, at).ok_or(Odd)?;
                return self.items(usize::from(count), at.wrapping_add(1), false);
            }
            LIST | TUPLE | SET | FROZENSET => {
                let count = usize::try_from(self.word(at)?).map_err(|_| Odd)?;
                return self.items(count, at.wrapping_add(4), matches!(code, SET | FROZENSET));
            }
            DICT => Next::Pairs,
            _ => return Err(Odd),
        })
    }

    /// Gives the value at `start` the next index.
    #[inline(never)]
    fn index(&mut self, code: u8, start: usize) -> Done<()> {
        if matches!(code, NULL | NONE | FALSE | TRUE | REF) {
            return Ok(());
        }
        *self.refs.get_mut(self.indices).ok_or(Odd)? = Slot::raw(start as u32);
        self.indices = self.indices.wrapping_add(1);
        Ok(())
    }

    /// The value that the reference with its index at `at` stands for.
    #[inline(never)]
    fn again(&mut self, at: usize) -> Done<Next<'a>> {
        let index = usize::try_from(self.word(at)?).map_err(|_| Odd)?;
        let back = (at.wrapping_add(4), self.replays);
        if let Some((known, text)) = self.recent.get(index % RECENT)
            && *known == index
        {
            self.at = back.0;
            return Ok(Next::Str(text));
        }
        if index >= self.indices {
            return Err(Odd);
        }
        self.at = self.refs.get(index).ok_or(Odd)?.bits() as usize;
        self.replays = true;
        let next = self.next()?;
        match next {
            Next::Items(..) | Next::Pairs => self.back = Some(back),
            _ => (self.at, self.replays) = back,
        }
        if let (Next::Str(text), Some(recent)) = (&next, self.recent.get_mut(index % RECENT)) {
            *recent = (index, text);
        }
        Ok(next)
    }

    /// Goes on behind the reference.
    #[inline]
    fn go_back(&mut self, back: Return) {
        if let Some((at, replays)) = back {
            (self.at, self.replays) = (at, replays);
        }
    }

    /// One more value is visited; those that are read again cost fuel.
    #[inline]
    fn burn(&mut self) -> Done<()> {
        if self.replays {
            self.fuel = self.fuel.checked_sub(1).ok_or(Odd)?;
        }
        Ok(())
    }
}

/// The value that comes.
struct De<'d, 'a, 's> {
    stream: &'d mut Stream<'a, 's>,
    depth: u16,
    /// It is a key or a member of a set: only the object model knows whether a container may be one.
    key: bool,
}

impl<'a> De<'_, 'a, '_> {
    fn items<V: Visitor<'a>>(self, left: usize, key: bool, visitor: V) -> Done<V::Value> {
        let depth = self.inside()?;
        let back = self.stream.back.take();
        let mut seq = Seq { stream: self.stream, depth, left, key };
        let value = visitor.visit_seq(&mut seq)?;
        if seq.left > 0 {
            return Err(Odd);
        }
        seq.stream.go_back(back);
        Ok(value)
    }

    fn pairs<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        let depth = self.inside()?;
        let back = self.stream.back.take();
        let mut map = Map { stream: self.stream, depth, ended: false };
        let value = visitor.visit_map(&mut map)?;
        if !map.ended {
            return Err(Odd);
        }
        map.stream.go_back(back);
        Ok(value)
    }

    /// The depth left inside this container.
    #[inline]
    fn inside(&self) -> Done<u16> {
        if self.key { Err(Odd) } else { self.depth.checked_sub(1).ok_or(Odd) }
    }

    #[inline]
    fn seq<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        match self.stream.next()? {
            Next::Items(left, members) => self.items(left, members, visitor),
            _ => Err(Odd),
        }
    }

    fn any<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        match self.stream.next()? {
            Next::None => visitor.visit_unit(),
            Next::Bool(value) => visitor.visit_bool(value),
            next @ (Next::Int(_) | Next::Long(_)) => visit_int(next, visitor),
            Next::Float(value) => visitor.visit_f64(value),
            Next::Str(text) => visitor.visit_borrowed_str(text),
            Next::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Next::Items(left, members) => self.items(left, members, visitor),
            Next::Pairs => self.pairs(visitor),
        }
    }
}

fn visit_int<'a, V: Visitor<'a>>(next: Next<'a>, visitor: V) -> Done<V::Value> {
    match next {
        Next::Int(value) => visitor.visit_i64(value),
        Next::Long(long) => match (long.to_u128(), long.to_i128()) {
            (Some(value), _) if value <= u128::from(u64::MAX) => visitor.visit_u64(value as u64),
            (_, Some(value)) => visitor.visit_i128(value),
            (Some(value), _) => visitor.visit_u128(value),
            _ => Err(Odd),
        },
        _ => Err(Odd),
    }
}

macro_rules! forward {
    ($($method:ident)* => $next:pat => |$visitor:ident| $visit:expr) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, $visitor: V) -> Done<V::Value> {
            match self.stream.next()? {
                $next => $visit,
                _ => Err(Odd),
            }
        }
    )*};
}

macro_rules! ints {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
            match self.stream.next()? {
                Next::Int(value) => visitor.visit_i64(value),
                next => visit_int(next, visitor),
            }
        }
    )*};
}

impl<'a> de::Deserializer<'a> for De<'_, 'a, '_> {
    type Error = Odd;

    ints! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    forward! { deserialize_str deserialize_string deserialize_char deserialize_identifier
    => Next::Str(text) => |visitor| visitor.visit_borrowed_str(text) }
    forward! { deserialize_bytes deserialize_byte_buf => Next::Bytes(bytes) => |visitor| visitor.visit_borrowed_bytes(bytes) }
    forward! { deserialize_bool => Next::Bool(value) => |visitor| visitor.visit_bool(value) }
    forward! { deserialize_unit => Next::None => |visitor| visitor.visit_unit() }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.any(visitor)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        match self.stream.next()? {
            Next::Float(value) => visitor.visit_f64(value),
            next => visit_int(next, visitor),
        }
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        match bytes::u8(self.stream.input, self.stream.at) {
            Some(byte) if byte & !FLAG_REF == NONE => {
                self.stream.at = self.stream.at.wrapping_add(1);
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Done<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Done<V::Value> {
        // Names that copyreg gives a meaning to.
        if name.starts_with('\0') { Err(Odd) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Done<V::Value> {
        self.seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(self, _: &'static str, _: usize, visitor: V) -> Done<V::Value> {
        self.seq(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        match self.stream.next()? {
            Next::Pairs => self.pairs(visitor),
            _ => Err(Odd),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Done<V::Value> {
        if name.starts_with('\0') { Err(Odd) } else { self.deserialize_map(visitor) }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Done<V::Value> {
        if name.starts_with('\0') {
            return Err(Odd);
        }
        match self.stream.next()? {
            Next::Str(text) => visitor.visit_enum(text.into_deserializer()),
            _ => Err(Odd),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The items of a sequence.
struct Seq<'d, 'a, 's> {
    stream: &'d mut Stream<'a, 's>,
    depth: u16,
    left: usize,
    key: bool,
}

impl<'a> de::SeqAccess<'a> for Seq<'_, 'a, '_> {
    type Error = Odd;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Done<Option<T::Value>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.stream.burn()?;
        seed.deserialize(De { stream: self.stream, depth: self.depth, key: self.key }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The pairs of a dict.
struct Map<'d, 'a, 's> {
    stream: &'d mut Stream<'a, 's>,
    depth: u16,
    ended: bool,
}

impl<'a> de::MapAccess<'a> for Map<'_, 'a, '_> {
    type Error = Odd;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Done<Option<K::Value>> {
        if self.ended {
            return Ok(None);
        }
        let at = self.stream.at;
        if bytes::u8(self.stream.input, at).is_some_and(|byte| byte & !FLAG_REF == NULL) {
            self.stream.at = at.wrapping_add(1);
            self.ended = true;
            return Ok(None);
        }
        self.stream.burn()?;
        seed.deserialize(De { stream: self.stream, depth: self.depth, key: true }).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Done<V::Value> {
        seed.deserialize(De { stream: self.stream, depth: self.depth, key: false })
    }
}
