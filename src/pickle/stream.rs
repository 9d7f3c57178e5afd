//! Typed reading straight from the stream: no decoded structure, no slots.
//!
//! It reads what picklers write for plain data: atoms, lists, tuples and dicts in batches or with a single item, and
//! references to text among the first [`TEXTS`] entries of the memo, which is where field names are. A list or dict does
//! not say at its beginning whether items follow; this reader guesses by what comes next and goes on only as long as every
//! opcode fits the guess, so that a value it gives is the one that the machine would have made. Whatever does not fit is
//! [`Odd`]: then the machine reads the pickle, makes every check and says what is wrong and where.
#![deny(clippy::panic)]

use super::atom::{counted, short};
use super::opcode::code::*;
use super::scan::{is_atom, plain};
use crate::bytes;
use crate::object::{Error, ErrorKind, Result};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// Something that is not read this way, or an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Odd;

type Done<T> = core::result::Result<T, Odd>;

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

/// How many entries of the memo are known, if they are text.
const TEXTS: usize = 32;
/// A batch of so many items is followed by another one.
const BATCH: u32 = 1000;
/// Containers in containers.
const DEPTH: u16 = 64;

struct Stream<'a> {
    input: &'a [u8],
    at: usize,
    /// How many entries the memo has, and where the text of each stands: the place of its opcode, plus one.
    entries: u32,
    texts: [u32; TEXTS],
}

/// Reads a `T` from the first pickle in `input`; else the error says where it stopped.
pub(super) fn from_slice<'a, T: de::Deserialize<'a>>(input: &'a [u8]) -> Result<T> {
    let at = if input.first() == Some(&PROTO) { 2 } else { 0 };
    let mut stream = Stream { input, at, entries: 0, texts: [0; TEXTS] };
    if at == 0 || input.get(1).is_some_and(|protocol| *protocol <= super::HIGHEST_PROTOCOL) {
        match T::deserialize(De { stream: &mut stream, depth: DEPTH }) {
            Ok(value) if stream.peek() == STOP => return Ok(value),
            _ => {}
        }
    }
    Err(Error::new(ErrorKind::NotPlain, stream.at.min(input.len())))
}

impl<'a> Stream<'a> {
    /// The opcode that comes, frames passed over; NEXT_BUFFER, which is nowhere expected, at the end.
    #[inline]
    fn peek(&mut self) -> u8 {
        match self.input.get(self.at) {
            Some(&FRAME) => self.frame(),
            Some(code) => *code,
            None => NEXT_BUFFER,
        }
    }

    #[cold]
    fn frame(&mut self) -> u8 {
        let first = self.at.wrapping_add(9);
        let len = bytes::u64_le(self.input, self.at.wrapping_add(1)).and_then(|len| usize::try_from(len).ok());
        match len.and_then(|len| first.checked_add(len)) {
            Some(end) if end <= self.input.len() => self.at = first,
            _ => return NEXT_BUFFER,
        }
        self.input.get(first).copied().filter(|code| *code != FRAME).unwrap_or(NEXT_BUFFER)
    }

    /// Goes on by `n` bytes.
    #[inline]
    fn skip(&mut self, n: usize) {
        self.at = self.at.wrapping_add(n);
    }

    /// The opcode that comes must be this one.
    #[inline]
    fn expect(&mut self, code: u8) -> Done<()> {
        if self.peek() != code {
            return Err(Odd);
        }
        self.skip(1);
        Ok(())
    }

    /// The value just read, whose text stands at `place` less one, is remembered if the stream says so.
    #[inline]
    fn memo(&mut self, place: usize) -> Done<()> {
        match self.peek() {
            MEMOIZE => self.skip(1),
            BINPUT | LONG_BINPUT => self.put()?,
            _ => return Ok(()),
        }
        if let Some(text) = self.texts.get_mut(self.entries as usize) {
            *text = place as u32;
        }
        self.entries = self.entries.wrapping_add(1);
        Ok(())
    }

    /// Entries with numbers: they must come in order.
    #[inline(never)]
    fn put(&mut self) -> Done<()> {
        let (entry, next) = super::scan::entry(self.input, self.at, self.peek()).map_err(|_| Odd)?;
        self.at = next;
        if entry == self.entries { Ok(()) } else { Err(Odd) }
    }

    /// The bytes behind the opcode at hand and its length.
    #[inline]
    fn take(&mut self, width: usize) -> Done<&'a [u8]> {
        let start = self.at.wrapping_add(1);
        let len = match width {
            1 => usize::from(bytes::u8(self.input, start).ok_or(Odd)?),
            _ => bytes::u32_le(self.input, start).ok_or(Odd)? as usize,
        };
        let first = start.wrapping_add(width);
        self.at = first.wrapping_add(len);
        bytes::take(self.input, first, len).ok_or(Odd)
    }

    /// A str: its bytes.
    #[inline]
    fn text(&mut self) -> Done<&'a [u8]> {
        let code = self.peek();
        let place = self.at.wrapping_add(1);
        let text = match code {
            SHORT_BINUNICODE => self.take(1)?,
            BINUNICODE => self.take(4)?,
            BINGET => return self.get(),
            _ => return Err(Odd),
        };
        self.memo(place)?;
        Ok(text)
    }

    /// The text that a BINGET refers to.
    #[inline]
    fn get(&mut self) -> Done<&'a [u8]> {
        let entry = bytes::u8(self.input, self.at.wrapping_add(1)).ok_or(Odd)?;
        let place = self.texts.get(usize::from(entry)).copied().unwrap_or(0);
        let at = (place as usize).checked_sub(1).ok_or(Odd)?;
        self.skip(2);
        let width = if self.input.get(at) == Some(&SHORT_BINUNICODE) { 1 } else { 4 };
        Ok(counted(self.input, at, width))
    }

    #[inline]
    fn str(&mut self) -> Done<&'a str> {
        core::str::from_utf8(self.text()?).map_err(|_| Odd)
    }

    #[inline]
    fn int(&mut self) -> Done<i64> {
        let code = self.peek();
        let at = self.at.wrapping_add(1);
        let (value, len) = match code {
            BININT1 => (bytes::u8(self.input, at).map(i64::from), 2),
            BININT2 => (bytes::u16_le(self.input, at).map(i64::from), 3),
            BININT => (bytes::u32_le(self.input, at).map(|n| i64::from(n as i32)), 5),
            LONG1 => {
                let long = self.take(1)?;
                return if long.len() <= 8 { Ok(short(long)) } else { Err(Odd) };
            }
            _ => return Err(Odd),
        };
        self.skip(len);
        value.ok_or(Odd)
    }

    #[inline]
    fn float(&mut self) -> Done<f64> {
        self.expect(BINFLOAT)?;
        let bits = bytes::u64_be(self.input, self.at).ok_or(Odd)?;
        self.skip(8);
        Ok(f64::from_bits(bits))
    }

    fn bytes(&mut self) -> Done<&'a [u8]> {
        let bytes = match self.peek() {
            SHORT_BINBYTES => self.take(1)?,
            BINBYTES => self.take(4)?,
            _ => return Err(Odd),
        };
        self.memo(0)?;
        Ok(bytes)
    }

    /// The place behind the atom at `at` and behind the opcode that remembers it; `None` if no simple atom stands there.
    fn past_atom(&self, at: usize) -> Option<usize> {
        let next = match self.input.get(at)? {
            &BINGET => at.wrapping_add(2),
            _ => plain(self.input, at)?.1,
        };
        Some(match self.input.get(next) {
            Some(&MEMOIZE) => next.wrapping_add(1),
            Some(&BINPUT) => next.wrapping_add(2),
            _ => next,
        })
    }

    /// Whether a new list or dict, behind which no batch begins, has an item that comes now: `items` values and then the
    /// opcode that sets them. Only atoms are looked at; of containers it is guessed that they are items.
    fn has_single(&mut self, items: usize, close: u8) -> bool {
        match self.peek() {
            EMPTY_LIST | EMPTY_DICT | MARK if items == 1 => return true,
            APPEND | APPENDS | SETITEM | SETITEMS | TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | STOP => return false,
            _ => {}
        }
        let mut at = self.at;
        for _ in 0..items {
            match self.past_atom(at) {
                Some(next) => at = next,
                None => {
                    return matches!(self.input.get(at), Some(&(EMPTY_LIST | EMPTY_DICT | MARK)) | Some(&EMPTY_TUPLE));
                }
            }
        }
        self.input.get(at) == Some(&close)
    }
}

/// How the items of a container come.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// In batches behind marks: so many were in this one.
    Batch(u32),
    /// One, and then the opcode that adds it; or that one was read already.
    Single,
    Last,
    /// Behind a mark, of a tuple.
    Tuple,
    /// So many, and then a tuple opcode.
    Fixed(usize),
    End,
}

/// Opens a list or dict, whose opcode is passed.
#[inline]
fn mode(stream: &mut Stream<'_>, items: usize, close: u8) -> Done<Mode> {
    stream.memo(0)?;
    if stream.peek() == MARK {
        stream.skip(1);
        return Ok(Mode::Batch(0));
    }
    Ok(if stream.has_single(items, close) { Mode::Single } else { Mode::End })
}

/// Whether another item comes. `single` and `batch` are the opcodes that add one or all.
#[inline]
fn more(stream: &mut Stream<'_>, mode: &mut Mode, single: u8, batch: u8) -> Done<bool> {
    match *mode {
        Mode::Batch(count) if stream.peek() != batch => *mode = Mode::Batch(count.wrapping_add(1)),
        Mode::Batch(count) => {
            stream.skip(1);
            if count == BATCH && stream.peek() == MARK {
                stream.skip(1);
                *mode = Mode::Batch(0);
                return more_again(stream, mode, batch);
            }
            *mode = Mode::End;
        }
        Mode::Single => *mode = Mode::Last,
        Mode::Last => {
            stream.expect(single)?;
            *mode = Mode::End;
        }
        Mode::Tuple if stream.peek() == TUPLE => {
            stream.skip(1);
            stream.memo(0)?;
            *mode = Mode::End;
        }
        Mode::Tuple => {}
        Mode::Fixed(_) | Mode::End => {}
    }
    Ok(*mode != Mode::End)
}

/// The next batch has begun: it may be empty, as CPython's dicts of thousands have it.
#[cold]
fn more_again(stream: &mut Stream<'_>, mode: &mut Mode, batch: u8) -> Done<bool> {
    if stream.peek() == batch {
        stream.skip(1);
        *mode = Mode::End;
        return Ok(false);
    }
    *mode = Mode::Batch(1);
    Ok(true)
}

/// The value that comes.
struct De<'d, 'a> {
    stream: &'d mut Stream<'a>,
    depth: u16,
}

impl<'a> De<'_, 'a> {
    #[inline]
    fn inside(&self) -> Done<u16> {
        self.depth.checked_sub(1).ok_or(Odd)
    }

    /// A list, or a tuple; of `fixed` items if that is not 0.
    #[inline]
    fn seq<V: Visitor<'a>>(self, fixed: usize, visitor: V) -> Done<V::Value> {
        let depth = self.inside()?;
        let stream = self.stream;
        let mode = match stream.peek() {
            EMPTY_LIST => {
                stream.skip(1);
                mode(stream, 1, APPEND)?
            }
            MARK => {
                stream.skip(1);
                Mode::Tuple
            }
            EMPTY_TUPLE => {
                stream.skip(1);
                Mode::End
            }
            _ if (1..=3).contains(&fixed) => Mode::Fixed(fixed),
            _ => return Err(Odd),
        };
        let mut seq = Seq { stream, depth, mode };
        let value = visitor.visit_seq(&mut seq)?;
        match seq.mode {
            Mode::Fixed(0) => {
                let code = TUPLE1.wrapping_add(fixed as u8).wrapping_sub(1);
                seq.stream.expect(code)?;
                seq.stream.memo(0)?;
            }
            Mode::Fixed(_) => return Err(Odd),
            mut mode => {
                if more(seq.stream, &mut mode, APPEND, APPENDS)? {
                    return Err(Odd);
                }
            }
        }
        Ok(value)
    }

    #[inline]
    fn map<V: Visitor<'a>>(self, fields: &'static [&'static str], visitor: V) -> Done<V::Value> {
        let depth = self.inside()?;
        let stream = self.stream;
        stream.expect(EMPTY_DICT)?;
        let mode = mode(stream, 2, SETITEM)?;
        let mut map = Map { stream, depth, mode, fields, next: 0 };
        let value = visitor.visit_map(&mut map)?;
        if more(map.stream, &mut map.mode, SETITEM, SETITEMS)? {
            return Err(Odd);
        }
        Ok(value)
    }

    #[inline(never)]
    fn any<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        let stream = self.stream;
        match stream.peek() {
            NONE => {
                stream.skip(1);
                visitor.visit_unit()
            }
            code @ (NEWTRUE | NEWFALSE) => {
                stream.skip(1);
                visitor.visit_bool(code == NEWTRUE)
            }
            BININT1 | BININT2 | BININT | LONG1 => visitor.visit_i64(stream.int()?),
            BINFLOAT => visitor.visit_f64(stream.float()?),
            SHORT_BINUNICODE | BINUNICODE | BINGET => visitor.visit_borrowed_str(stream.str()?),
            SHORT_BINBYTES | BINBYTES => visitor.visit_borrowed_bytes(stream.bytes()?),
            EMPTY_DICT => De { stream, depth: self.depth }.map(&[], visitor),
            _ => De { stream, depth: self.depth }.seq(0, visitor),
        }
    }
}

/// The items of a list or tuple.
struct Seq<'d, 'a> {
    stream: &'d mut Stream<'a>,
    depth: u16,
    mode: Mode,
}

impl<'a> de::SeqAccess<'a> for &mut Seq<'_, 'a> {
    type Error = Odd;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Done<Option<T::Value>> {
        match &mut self.mode {
            Mode::Fixed(0) => return Ok(None),
            Mode::Fixed(left) => *left = left.wrapping_sub(1),
            mode => {
                if !more(self.stream, mode, APPEND, APPENDS)? {
                    return Ok(None);
                }
            }
        }
        seed.deserialize(De { stream: self.stream, depth: self.depth }).map(Some)
    }
}

/// The pairs of a dict.
struct Map<'d, 'a> {
    stream: &'d mut Stream<'a>,
    depth: u16,
    mode: Mode,
    fields: &'static [&'static str],
    /// The field that is expected to come next.
    next: usize,
}

impl<'a> de::MapAccess<'a> for &mut Map<'_, 'a> {
    type Error = Odd;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Done<Option<K::Value>> {
        if !more(self.stream, &mut self.mode, SETITEM, SETITEMS)? {
            return Ok(None);
        }
        if self.fields.is_empty() {
            // Only the machine knows whether a container may be a key.
            if !is_atom(self.stream.peek()) {
                return Err(Odd);
            }
            return seed.deserialize(De { stream: self.stream, depth: self.depth }).map(Some);
        }
        let name = self.stream.text()?;
        let expected = self.fields.get(self.next).filter(|field| field.as_bytes() == name);
        let field = match expected {
            Some(field) => field,
            None => {
                let known = self.fields.iter().position(|field| field.as_bytes() == name);
                self.next = known.unwrap_or(self.next.wrapping_sub(1));
                match self.fields.get(self.next).filter(|_| known.is_some()) {
                    Some(field) => field,
                    None => {
                        self.next = self.next.wrapping_add(1);
                        let name = core::str::from_utf8(name).map_err(|_| Odd)?;
                        return seed.deserialize(StrDeserializer::new(name)).map(Some);
                    }
                }
            }
        };
        self.next = self.next.wrapping_add(1);
        seed.deserialize(StrDeserializer::new(field)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Done<V::Value> {
        seed.deserialize(De { stream: self.stream, depth: self.depth })
    }
}

macro_rules! reads {
    ($read:ident $visit:ident: $($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
            visitor.$visit(self.stream.$read()?)
        }
    )*};
}

/// A name of one of this library's own signs, which only the object model knows.
fn is_sign(name: &str) -> bool {
    name.starts_with('\0')
}

impl<'a> de::Deserializer<'a> for De<'_, 'a> {
    type Error = Odd;

    reads! { int visit_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    reads! { str visit_borrowed_str: deserialize_str deserialize_string deserialize_char deserialize_identifier }
    reads! { bytes visit_borrowed_bytes: deserialize_bytes deserialize_byte_buf }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.any(visitor)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        // A float field may hold an int.
        if self.stream.peek() == BINFLOAT {
            visitor.visit_f64(self.stream.float()?)
        } else {
            visitor.visit_i64(self.stream.int()?)
        }
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.deserialize_f64(visitor)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        let code = self.stream.peek();
        if !matches!(code, NEWTRUE | NEWFALSE) {
            return Err(Odd);
        }
        self.stream.skip(1);
        visitor.visit_bool(code == NEWTRUE)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        if self.stream.peek() != NONE {
            return visitor.visit_some(self);
        }
        self.stream.skip(1);
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.stream.expect(NONE)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Done<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Done<V::Value> {
        if is_sign(name) { Err(Odd) } else { visitor.visit_newtype_struct(self) }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.seq(0, visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, len: usize, visitor: V) -> Done<V::Value> {
        self.seq(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(self, name: &'static str, len: usize, visitor: V) -> Done<V::Value> {
        if is_sign(name) { Err(Odd) } else { self.seq(len, visitor) }
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.map(&[], visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Done<V::Value> {
        if is_sign(name) { Err(Odd) } else { self.map(fields, visitor) }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Done<V::Value> {
        // A variant with content is a dict: the object model reads it.
        if is_sign(name) { Err(Odd) } else { visitor.visit_enum(self.stream.str()?.into_deserializer()) }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Done<V::Value> {
        self.any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
