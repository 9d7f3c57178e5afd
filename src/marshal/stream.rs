//! Typed reading straight from the stream: no decoded structure, no slots but one for each value that may be referred to.
//!
//! It does the common part: plain values, lists, tuples, sets and dicts that a type reads to their end, and references.
//! Whatever else comes, it refuses, and the whole value is read again by way of the object model, which knows all kinds,
//! makes every check and says what is wrong and where. So both ways give the same value, or the same error.
//!
//! All values go by way of the cursor, as in the object model's reader. Where the code need not be small, what is read most
//! has a short way besides ([`SHORT_WAYS`](super::SHORT_WAYS)): less than half the instructions, for 700 bytes.

use super::SHORT_WAYS;
use super::atom::{self, RULES_3};
use super::cursor::{Cursor, Makes};
use super::typecode::*;
use crate::bytes;
use crate::object::serde::source::{Content, Fail, Key, Level, Source, What, float, skip};
use crate::object::serde::{De, Limits};
use crate::object::{Atom, Error, ErrorKind, Result, Slot};

/// Reads a `T` at the start of a stream of Python 3.4 or newer. The value is moved once only.
#[inline(never)]
pub(super) fn from_slice<'a, T: serde::Deserialize<'a>>(input: &'a [u8], refs: &mut [Slot]) -> Result<T> {
    let mut stream = Stream::new(input, refs);
    match T::deserialize(De { source: &mut stream }) {
        Ok(value) if stream.cursor.at <= input.len() => Ok(value),
        _ => Err(Error::new(ErrorKind::NotPlain, 0)),
    }
}

/// Bytes stand first, where short loads reach them.
#[repr(C)]
struct Stream<'a, 's> {
    /// What comes is a key or a member of a set: only the object model knows whether a container may be one.
    member: bool,
    /// A value is being read again, by reference.
    replays: bool,
    depth: u16,
    /// Beyond the input once something was refused.
    cursor: Cursor<'a>,
    /// How many values may yet be read again.
    fuel: u32,
    /// Where each value stands that took an index.
    refs: &'s mut [Slot],
    indices: usize,
    /// Where to go on behind the container that [`Stream::next`] just gave, if it is read again.
    back: Return,
    /// Text that was read by reference lately, by its index: the keys of one struct after another.
    recent: [(usize, &'a str); RECENT],
}

/// How many texts are remembered.
const RECENT: usize = 8;

/// Where reading goes on after a value that was read again, and whether it was itself inside of one.
type Return = Option<(usize, bool)>;

impl<'a, 's> Stream<'a, 's> {
    #[inline(never)]
    fn new(input: &'a [u8], refs: &'s mut [Slot]) -> Self {
        let Limits { depth, fuel } = Limits::of(input);
        Stream {
            cursor: Cursor::new(&RULES_3, input, 0),
            depth,
            member: false,
            replays: false,
            refs,
            indices: 0,
            back: None,
            fuel,
            recent: [(usize::MAX, ""); RECENT],
        }
    }

    /// Refuses to go on.
    #[cold]
    #[inline(never)]
    fn odd(&mut self) {
        self.cursor.at = usize::MAX;
    }

    /// Gives the value at `start` the next index.
    #[inline]
    fn index(&mut self, start: usize) -> Option<()> {
        if !self.replays {
            *self.refs.get_mut(self.indices)? = Slot::raw(start as u32);
            self.indices = self.indices.wrapping_add(1);
        }
        Some(())
    }

    /// The short way: the `len` bytes behind this code, if it comes.
    #[inline(always)]
    fn quick(&mut self, code: u8, len: usize) -> Option<&'a [u8]> {
        if !SHORT_WAYS {
            return None;
        }
        let start = self.cursor.at;
        let byte = bytes::u8(self.cursor.input, start)?;
        if byte & !FLAG_REF != code {
            return None;
        }
        let first = start.wrapping_add(1);
        let found = bytes::take(self.cursor.input, first, len)?;
        if byte != code {
            self.index(start)?;
        }
        self.cursor.at = first.wrapping_add(len);
        Some(found)
    }

    /// So many bytes more.
    #[inline]
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = bytes::take(self.cursor.input, self.cursor.at, len)?;
        self.cursor.at = self.cursor.at.wrapping_add(len);
        Some(taken)
    }

    /// The next value: what is referred to, if that is what comes.
    #[inline(never)]
    fn next(&mut self) -> Option<Makes> {
        self.cursor.next().ok()?;
        if self.cursor.makes == Makes::Ref {
            let back = (self.cursor.at, self.replays);
            self.cursor.at = self.refs.get(..self.indices)?.get(self.cursor.count)?.bits() as usize;
            self.cursor.next().ok()?;
            if self.cursor.makes >= Makes::List {
                self.back = Some(back);
                self.replays = true;
            } else {
                self.cursor.at = back.0;
            }
        } else if self.cursor.indexed {
            self.index(self.cursor.start)?;
        }
        Some(self.cursor.makes)
    }

    /// The next value, if it is an atom.
    fn atom(&mut self) -> Option<Atom<'a>> {
        self.next()?;
        self.cursor.atom()
    }

    /// Text in UTF-8, which may not be well-formed.
    #[cfg_attr(fast, inline(always))]
    fn raw(&mut self) -> Option<&'a [u8]> {
        let short = match self.quick(SHORT_ASCII_INTERNED, 1) {
            None => self.quick(SHORT_ASCII, 1),
            short => short,
        };
        match short {
            Some(len) => {
                let len = bytes::u8(len, 0)?;
                self.take(len.into()).filter(|raw| raw.is_ascii())
            }
            None => self.str().map(str::as_bytes),
        }
    }

    /// Any text.
    #[cfg_attr(fast, inline(never))]
    fn str(&mut self) -> Option<&'a str> {
        let index = self.referred();
        if let Some(index) = index
            && let Some((known, text)) = self.recent.get(index % RECENT)
            && *known == index
        {
            self.cursor.at = self.cursor.at.wrapping_add(5);
            return Some(text);
        }
        let Some(Atom::Str(text)) = self.atom() else { return None };
        let text = text.as_str()?;
        self.remember(index, text);
        Some(text)
    }

    /// The index of the reference that comes.
    #[inline]
    fn referred(&self) -> Option<usize> {
        if bytes::u8(self.cursor.input, self.cursor.at)? != REF {
            return None;
        }
        bytes::u32_le(self.cursor.input, self.cursor.at.wrapping_add(1)).map(|index| index as usize)
    }

    /// Text that was read by reference.
    #[inline]
    fn remember(&mut self, index: Option<usize>, text: &'a str) {
        if let Some(index) = index
            && let Some(recent) = self.recent.get_mut(index % RECENT)
        {
            *recent = (index, text);
        }
    }

    /// One more value is visited; those that are read again cost fuel.
    #[cfg_attr(fast, inline(always))]
    fn burn(&mut self) -> Option<()> {
        if self.replays {
            self.fuel = self.fuel.checked_sub(1)?;
        }
        Some(())
    }

    fn enter(&mut self, level: &mut Level<'_, 'a>, map: bool) -> Option<()> {
        let entered = self.opened(level, map);
        self.told(entered)
    }

    #[inline]
    fn opened(&mut self, level: &mut Level<'_, 'a>, map: bool) -> Option<()> {
        if self.member {
            return None;
        }
        self.depth = self.depth.checked_sub(1)?;
        let (left, members) = if map && self.quick(DICT, 0).is_some() {
            // A dict has one more until its end was seen.
            (1, true)
        } else if !map && let Some(count) = self.quick(LIST, 4) {
            let count = bytes::u32_le(count, 0)? as usize;
            // Each takes a byte at least.
            bytes::take(self.cursor.input, self.cursor.at, count)?;
            (count, false)
        } else {
            match self.next()? {
                Makes::List | Makes::Tuple if !map => (self.cursor.count, false),
                Makes::Set | Makes::FrozenSet if !map => (self.cursor.count, true),
                Makes::Dict if map => (1, true),
                _ => return None,
            }
        };
        level.content = Content::Counted { left, members, back: self.back.take() };
        Some(())
    }

    /// The short way: the field that is expected, if its name comes by a reference and was known lately.
    #[inline(always)]
    fn expected(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<&'static str> {
        if !SHORT_WAYS {
            return None;
        }
        let (field, index) = (*fields.get(level.next)?, self.referred()?);
        let (known, name) = self.recent.get(index % RECENT)?;
        if *known != index || !core::ptr::eq(*name, field) || level.ended || self.replays {
            return None;
        }
        self.member = true;
        self.cursor.at = self.cursor.at.wrapping_add(5);
        level.next = level.next.wrapping_add(1);
        Some(field)
    }

    #[cfg_attr(fast, inline(never))]
    fn next_key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
        let Content::Counted { left, .. } = &mut level.content else { return None };
        if level.ended {
            return Some(Key::End);
        }
        let before = (self.cursor.at, self.indices);
        if bytes::u8(self.cursor.input, before.0)? & !FLAG_REF == NULL {
            self.cursor.at = before.0.wrapping_add(1);
            (*left, level.ended) = (0, true);
            return Some(Key::End);
        }
        self.burn()?;
        self.member = true;
        if fields.is_empty() {
            return Some(Key::Value);
        }
        let index = if SHORT_WAYS { self.referred() } else { None };
        let name = self.raw()?;
        Some(match level.find(fields, name) {
            Some(field) => {
                // So it is known by its address next time.
                self.remember(index, field);
                Key::Name(field)
            }
            None => {
                (self.cursor.at, self.indices) = before;
                Key::Value
            }
        })
    }

    /// What was read; if nothing was, nothing else will be.
    #[inline]
    fn told<T>(&mut self, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.odd();
        }
        read
    }
}

impl<'a> Source<'a> for Stream<'a, '_> {
    fn what(&mut self) -> Option<What> {
        let (at, indices, replays) = (self.cursor.at, self.indices, self.replays);
        let next = self.next();
        let next = self.told(next)?;
        (self.cursor.at, self.indices, self.replays, self.back) = (at, indices, replays, None);
        Some(match next {
            Makes::None => What::None,
            Makes::True | Makes::False => What::Bool,
            Makes::Int | Makes::Int64 | Makes::Long => What::Int,
            Makes::Float | Makes::FloatText => What::Float,
            Makes::Bytes => What::Bytes,
            Makes::List | Makes::Tuple | Makes::Set | Makes::FrozenSet => What::Seq,
            Makes::Dict => What::Map,
            _ => What::Text,
        })
    }

    fn none(&mut self) -> bool {
        let none = bytes::u8(self.cursor.input, self.cursor.at).is_some_and(|byte| byte & !FLAG_REF == NONE);
        self.cursor.at = self.cursor.at.wrapping_add(usize::from(none));
        none
    }

    fn bool(&mut self) -> Option<bool> {
        if self.quick(TRUE, 0).is_some() {
            return Some(true);
        }
        match self.atom() {
            Some(Atom::Bool(value)) => Some(value),
            _ => self.told(None),
        }
    }

    fn int(&mut self) -> Option<i64> {
        if let Some(number) = self.quick(INT, 4) {
            return bytes::u32_le(number, 0).map(|number| i64::from(number as i32));
        }
        let atom = match self.quick(LONG, 4).and_then(|count| bytes::u32_le(count, 0)) {
            Some(count) => {
                let digits = self.take(((count as i32).unsigned_abs() as usize).saturating_mul(2));
                digits.and_then(|digits| atom::long((count as i32) < 0, digits))
            }
            None => self.atom(),
        };
        match atom {
            Some(Atom::Int(value)) => Some(value),
            _ => self.told(None),
        }
    }

    fn float(&mut self) -> Option<f64> {
        if let Some(bits) = self.quick(BINARY_FLOAT, 8).and_then(|bits| bytes::u64_le(bits, 0)) {
            return Some(f64::from_bits(bits));
        }
        match self.atom() {
            Some(Atom::Float(value)) => Some(value),
            Some(Atom::Int(value)) => Some(float(value)),
            _ => self.told(None),
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        let text = self.raw().and_then(|raw| core::str::from_utf8(raw).ok());
        self.told(text)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        if let Some(len) = self.quick(STRING, 4) {
            let taken = bytes::u32_le(len, 0).and_then(|len| self.take(len as usize));
            return self.told(taken);
        }
        match self.atom() {
            Some(Atom::Bytes(bytes)) => Some(bytes),
            _ => self.told(None),
        }
    }

    fn skip(&mut self) -> Option<()> {
        skip(self)
    }

    fn seq(&mut self, _: usize, level: &mut Level<'_, 'a>) -> Option<()> {
        self.enter(level, false)
    }

    fn more(&mut self, level: &mut Level<'_, 'a>) -> Option<bool> {
        let Content::Counted { left, members, .. } = &mut level.content else { return None };
        self.member = *members;
        match left.checked_sub(1) {
            Some(fewer) => *left = fewer,
            None => return Some(false),
        }
        let burnt = self.burn();
        self.told(burnt).map(|()| true)
    }

    fn left(&self, level: &Level<'_, 'a>) -> Option<usize> {
        match level.content {
            Content::Counted { left, .. } => Some(left),
            _ => None,
        }
    }

    fn map(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        self.enter(level, true)
    }

    fn key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
        if let Some(field) = self.expected(level, fields) {
            return Some(Key::Name(field));
        }
        let key = self.next_key(level, fields);
        self.told(key)
    }

    fn value(&mut self, _: &mut Level<'_, 'a>) {
        self.member = false;
    }

    fn leave(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        self.depth = self.depth.wrapping_add(1);
        let Content::Counted { left: 0, back, .. } = level.content else { return self.told(None) };
        if let Some((at, replays)) = back {
            (self.cursor.at, self.replays) = (at, replays);
        }
        Some(())
    }

    fn blame(&mut self, _: &Level<'_, 'a>, fail: Fail) -> Fail {
        self.odd();
        fail
    }
}
