//! Typed reading straight from the stream: no decoded structure, no slots but one for each value that may be referred to.
//!
//! It does the common part: plain values, lists, tuples, sets and dicts that a type reads to their end, and references.
//! Whatever else comes, it refuses, and the whole value is read again by way of the object model, which knows all kinds,
//! makes every check and says what is wrong and where. So both ways give the same value, or the same error.

use super::atom;
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
        Ok(value) if stream.at <= input.len() => Ok(value),
        _ => Err(Error::new(ErrorKind::NotPlain, 0)),
    }
}

struct Stream<'a, 's> {
    input: &'a [u8],
    /// Beyond the input once something was refused.
    at: usize,
    depth: u16,
    /// What comes is a key or a member of a set: only the object model knows whether a container may be one.
    member: bool,
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
    Float(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    /// So many items follow. Whether they must be hashable.
    Items(usize, bool),
    Pairs,
}

/// Where reading goes on after a value that was read again, and whether it was itself inside of one.
type Return = Option<(usize, bool)>;

impl<'a, 's> Stream<'a, 's> {
    #[inline(never)]
    fn new(input: &'a [u8], refs: &'s mut [Slot]) -> Self {
        let Limits { depth, fuel } = Limits::of(input);
        Stream {
            input,
            at: 0,
            depth,
            member: false,
            refs,
            indices: 0,
            replays: false,
            back: None,
            fuel,
            recent: [(usize::MAX, ""); RECENT],
        }
    }

    /// Refuses to go on.
    #[cold]
    fn odd<T>(&mut self) -> Option<T> {
        self.at = usize::MAX;
        None
    }

    /// The next value.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn next(&mut self) -> Option<Next<'a>> {
        let start = self.at;
        let byte = bytes::u8(self.input, start)?;
        let at = start.wrapping_add(1);
        let code = byte & !FLAG_REF;
        if byte & FLAG_REF != 0 && !self.replays {
            self.index(code, start)?;
        }
        match code {
            INT => {
                self.at = at.wrapping_add(4);
                bytes::u32_le(self.input, at).map(|word| Next::Int(i64::from(word as i32)))
            }
            BINARY_FLOAT => {
                self.at = at.wrapping_add(8);
                bytes::u64_le(self.input, at).map(|bits| Next::Float(f64::from_bits(bits)))
            }
            SHORT_ASCII | SHORT_ASCII_INTERNED => core::str::from_utf8(self.short(at)?).ok().map(Next::Str),
            REF => self.again(at),
            LONG if let Some((value, end)) = atom::short_long(self.input, at) => {
                self.at = end;
                Some(Next::Int(value))
            }
            TRUE | FALSE => {
                self.at = at;
                Some(Next::Bool(code == TRUE))
            }
            LIST | STRING => {
                let count = bytes::u32_le(self.input, at)? as usize;
                self.at = at.wrapping_add(4);
                let rest = self.input.get(self.at..)?.get(..count)?;
                if code == LIST {
                    return Some(Next::Items(count, false));
                }
                self.at = self.at.wrapping_add(count);
                Some(Next::Bytes(rest))
            }
            _ => self.rarer(code, start),
        }
    }

    /// Text that was read by reference lately.
    #[inline]
    fn recent(&self, index: usize) -> Option<&'a str> {
        let (known, text) = self.recent.get(index % RECENT)?;
        (*known == index).then_some(*text)
    }

    /// The text behind a short code, from its length at `at` on.
    #[inline]
    fn short(&mut self, at: usize) -> Option<&'a [u8]> {
        let len = usize::from(bytes::u8(self.input, at)?);
        let first = at.wrapping_add(1);
        self.at = first.wrapping_add(len);
        bytes::take(self.input, first, len).filter(|raw| raw.is_ascii())
    }

    /// The name of a field.
    #[inline]
    fn name(&mut self, byte: u8) -> Option<&'a [u8]> {
        let (start, at) = (self.at, self.at.wrapping_add(1));
        let code = byte & !FLAG_REF;
        if code == REF
            && let Some(text) = bytes::u32_le(self.input, at).and_then(|index| self.recent(index as usize))
        {
            self.at = at.wrapping_add(4);
            return Some(text.as_bytes());
        }
        if matches!(code, SHORT_ASCII | SHORT_ASCII_INTERNED) {
            if byte != code && !self.replays {
                self.index(code, start)?;
            }
            return self.short(at);
        }
        match self.next()? {
            Next::Str(name) => Some(name.as_bytes()),
            _ => None,
        }
    }

    /// What the object model's own functions read.
    #[inline(never)]
    fn rarer(&mut self, code: u8, start: usize) -> Option<Next<'a>> {
        let head = atom::READING_3.head(self.input, start).ok()?;
        self.at = head.end;
        let body = self.input.get(start.wrapping_add(1)..head.end)?;
        Some(match code {
            NONE => Next::None,
            SMALL_TUPLE | TUPLE | LIST => Next::Items(head.count, false),
            SET | FROZENSET => Next::Items(head.count, true),
            DICT => Next::Pairs,
            _ => match atom::any(code, body, false)? {
                Atom::Bool(value) => Next::Bool(value),
                Atom::Int(value) => Next::Int(value),
                Atom::Float(value) => Next::Float(value),
                Atom::Str(text) => Next::Str(text.as_str()?),
                Atom::Bytes(bytes) => Next::Bytes(bytes),
                _ => return None,
            },
        })
    }

    /// Gives the value at `start` the next index.
    #[inline]
    fn index(&mut self, code: u8, start: usize) -> Option<()> {
        if matches!(code, NULL | NONE | FALSE | TRUE | REF) {
            return Some(());
        }
        *self.refs.get_mut(self.indices)? = Slot::raw(start as u32);
        self.indices = self.indices.wrapping_add(1);
        Some(())
    }

    /// The place of the value that the reference with its index at `at` stands for.
    fn referred(&self, at: usize) -> Option<(usize, usize)> {
        let index = bytes::u32_le(self.input, at)? as usize;
        let known = self.refs.get(..self.indices)?.get(index)?;
        Some((index, known.bits() as usize))
    }

    /// The value that the reference with its index at `at` stands for.
    #[inline(never)]
    fn again(&mut self, at: usize) -> Option<Next<'a>> {
        let (index, place) = self.referred(at)?;
        let back = (at.wrapping_add(4), self.replays);
        if let Some(text) = self.recent(index) {
            self.at = back.0;
            return Some(Next::Str(text));
        }
        self.at = place;
        self.replays = true;
        let next = self.next()?;
        match next {
            Next::Items(..) | Next::Pairs => self.back = Some(back),
            _ => (self.at, self.replays) = back,
        }
        if let (Next::Str(text), Some(recent)) = (&next, self.recent.get_mut(index % RECENT)) {
            *recent = (index, text);
        }
        Some(next)
    }

    /// One more value is visited; those that are read again cost fuel.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn burn(&mut self) -> Option<()> {
        if self.replays {
            self.fuel = self.fuel.checked_sub(1)?;
        }
        Some(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn enter(&mut self, level: &mut Level<'_, 'a>, map: bool) -> Option<()> {
        if self.member {
            return None;
        }
        self.depth = self.depth.checked_sub(1)?;
        let (left, members) = match self.next()? {
            Next::Items(left, members) if !map => (left, members),
            // A dict has one more until its end was seen.
            Next::Pairs if map => (1, true),
            _ => return None,
        };
        level.content = Content::Counted { left, members, back: self.back.take() };
        Some(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn next_key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
        let Content::Counted { left, .. } = &mut level.content else { return None };
        if level.ended {
            return Some(Key::End);
        }
        let byte = bytes::u8(self.input, self.at)?;
        if byte & !FLAG_REF == NULL {
            self.at = self.at.wrapping_add(1);
            (*left, level.ended) = (0, true);
            return Some(Key::End);
        }
        self.burn()?;
        self.member = true;
        if fields.is_empty() {
            return Some(Key::Value);
        }
        let before = (self.at, self.indices);
        let name = self.name(byte)?;
        Some(match level.find(fields, name) {
            Some(field) => Key::Name(field),
            None => {
                (self.at, self.indices) = before;
                Key::Value
            }
        })
    }
}

/// The next value, if it is of this kind.
macro_rules! take {
    ($stream:ident, $($next:pat => $value:expr),+) => {
        match $stream.next() {
            $(Some($next) => Some($value),)+
            _ => $stream.odd(),
        }
    };
}

impl<'a> Source<'a> for Stream<'a, '_> {
    fn what(&mut self) -> Option<What> {
        let mut code = bytes::u8(self.input, self.at)? & !FLAG_REF;
        if code == REF {
            let (_, place) = self.referred(self.at.wrapping_add(1))?;
            code = bytes::u8(self.input, place)? & !FLAG_REF;
        }
        Some(match code {
            NONE => What::None,
            TRUE | FALSE => What::Bool,
            INT | INT64 | LONG => What::Int,
            BINARY_FLOAT | FLOAT => What::Float,
            STRING => What::Bytes,
            LIST | TUPLE | SMALL_TUPLE | SET | FROZENSET => What::Seq,
            DICT => What::Map,
            _ => What::Text,
        })
    }

    fn none(&mut self) -> bool {
        let none = bytes::u8(self.input, self.at).is_some_and(|byte| byte & !FLAG_REF == NONE);
        self.at = self.at.wrapping_add(usize::from(none));
        none
    }

    fn bool(&mut self) -> Option<bool> {
        take!(self, Next::Bool(value) => value)
    }

    fn int(&mut self) -> Option<i64> {
        take!(self, Next::Int(value) => value)
    }

    fn float(&mut self) -> Option<f64> {
        take!(self, Next::Float(value) => value, Next::Int(value) => float(value))
    }

    fn text(&mut self) -> Option<&'a str> {
        take!(self, Next::Str(text) => text)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        take!(self, Next::Bytes(bytes) => bytes)
    }

    fn skip(&mut self) -> Option<()> {
        skip(self)
    }

    fn seq(&mut self, _: usize, level: &mut Level<'_, 'a>) -> Option<()> {
        let entered = self.enter(level, false);
        if entered.is_none() { self.odd() } else { entered }
    }

    fn more(&mut self, level: &mut Level<'_, 'a>) -> Option<bool> {
        let Content::Counted { left, members, .. } = &mut level.content else { return None };
        self.member = *members;
        match left.checked_sub(1) {
            Some(fewer) => *left = fewer,
            None => return Some(false),
        }
        let burnt = self.burn();
        if burnt.is_none() { self.odd() } else { Some(true) }
    }

    fn left(&self, level: &Level<'_, 'a>) -> Option<usize> {
        match level.content {
            Content::Counted { left, .. } => Some(left),
            _ => None,
        }
    }

    fn map(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        let entered = self.enter(level, true);
        if entered.is_none() { self.odd() } else { entered }
    }

    fn key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
        match self.next_key(level, fields) {
            None => self.odd(),
            key => key,
        }
    }

    fn value(&mut self, _: &mut Level<'_, 'a>) {
        self.member = false;
    }

    fn leave(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        self.depth = self.depth.wrapping_add(1);
        let Content::Counted { left: 0, back, .. } = level.content else { return self.odd() };
        if let Some((at, replays)) = back {
            (self.at, self.replays) = (at, replays);
        }
        Some(())
    }

    fn blame(&mut self, _: &Level<'_, 'a>, fail: Fail) -> Fail {
        let _: Option<()> = self.odd();
        fail
    }
}
