//! Typed reading straight from the stream: no decoded structure, no slots.
//!
//! It reads what picklers write for plain data: atoms, lists, tuples and dicts in batches or with a single item, and
//! references to text among the first [`TEXTS`] entries of the memo, which is where field names are. A list or dict does
//! not say at its beginning whether items follow; this reader guesses by what comes next and goes on only as long as every
//! opcode fits the guess, so that a value it gives is the one that the machine would have made. Whatever does not fit is
//! refused: then the machine reads the pickle, makes every check and says what is wrong and where.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::shape::{entry, in_frame, is_atom, next};
use crate::bytes;
use crate::object::serde::De;
use crate::object::serde::source::{Content, Fail, Key, Level, Source, What, float, skip};
use crate::object::{Error, ErrorKind, Result};

// Where there is flash enough, the small functions of the way that plain data takes are compiled into those that the
// type calls.

/// How many entries of the memo are known, if they are text.
const TEXTS: usize = 32;
/// A batch of so many items is followed by another one.
const BATCH: u32 = 1000;
/// Containers in containers.
const DEPTH: u16 = 64;

struct Stream<'a> {
    input: &'a [u8],
    at: usize,
    depth: u16,
    /// Where something was found that is not read this way. From then on, nothing is.
    odd: usize,
    /// How many entries the memo has, and where the text of each stands: the place of its opcode, plus one.
    entries: u32,
    texts: [u32; TEXTS],
}

/// Reads a `T` from the first pickle in `input`; else the error says where it stopped. The value is moved once only.
#[inline(never)]
pub(super) fn from_slice<'a, T: serde::Deserialize<'a>>(input: &'a [u8]) -> Result<T> {
    let mut stream = Stream::new(input);
    match T::deserialize(De { source: &mut stream }) {
        Ok(value) if stream.peek() == STOP => Ok(value),
        _ => Err(stream.error()),
    }
}

/// The bytes behind a length at `at`, of `width` bytes.
#[inline]
fn text_at(input: &[u8], at: usize, width: usize) -> Option<&[u8]> {
    let len = if width == 1 { usize::from(bytes::u8(input, at)?) } else { bytes::u32_le(input, at)? as usize };
    bytes::take(input, at.wrapping_add(width), len)
}

impl<'a> Stream<'a> {
    #[inline(never)]
    fn new(input: &'a [u8]) -> Stream<'a> {
        let at = match input {
            [PROTO, 0..=super::HIGHEST_PROTOCOL, ..] => 2,
            [PROTO, ..] => usize::MAX,
            _ => 0,
        };
        Stream { input, at, depth: DEPTH, odd: usize::MAX, entries: 0, texts: [0; TEXTS] }
    }

    #[inline(never)]
    fn error(&self) -> Error {
        Error::new(ErrorKind::NotPlain, self.odd.min(self.at).min(self.input.len()))
    }

    /// Refuses to go on.
    #[inline]
    fn stop(&mut self) {
        self.odd = self.odd.min(self.at);
        self.at = usize::MAX;
    }

    /// The same, where a call costs nothing.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self) {
        self.stop();
    }

    /// The opcode that comes, frames passed over; NEXT_BUFFER, which is nowhere expected, at the end.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn peek(&mut self) -> u8 {
        match self.input.get(self.at) {
            Some(&FRAME) => self.frame(),
            Some(code) => *code,
            None => NEXT_BUFFER,
        }
    }

    #[cold]
    fn frame(&mut self) -> u8 {
        if in_frame(self.input, self.at).is_err() {
            return NEXT_BUFFER;
        }
        self.at = self.at.wrapping_add(9);
        bytes::u8(self.input, self.at).filter(|code| *code != FRAME).unwrap_or(NEXT_BUFFER)
    }

    /// Goes on by `n` bytes.
    #[inline]
    fn skip(&mut self, n: usize) {
        self.at = self.at.wrapping_add(n);
    }

    /// The opcode that comes must be this one.
    #[inline]
    fn expect(&mut self, code: u8) -> Option<()> {
        if self.peek() != code {
            return None;
        }
        self.skip(1);
        Some(())
    }

    /// The value just read, whose text stands at `place` less one, is remembered if the stream says so.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn memo(&mut self, place: usize) -> Option<()> {
        let code = match self.input.get(self.at) {
            Some(&MEMOIZE) => MEMOIZE,
            _ => self.peek(),
        };
        match code {
            MEMOIZE => self.skip(1),
            BINPUT | LONG_BINPUT => self.put()?,
            _ => return Some(()),
        }
        if place > 0
            && let Some(text) = self.texts.get_mut(self.entries as usize)
        {
            *text = place as u32;
        }
        self.entries = self.entries.wrapping_add(1);
        Some(())
    }

    /// Entries with numbers: they must come in order.
    #[inline(never)]
    fn put(&mut self) -> Option<()> {
        let entry = entry(self.input, self.at, self.peek()).ok()?;
        self.at = next(self.input, self.at).ok()?;
        if entry == self.entries { Some(()) } else { None }
    }

    /// The bytes behind the opcode at hand and its length.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn take(&mut self, width: usize) -> Option<&'a [u8]> {
        let start = self.at.wrapping_add(1);
        let taken = text_at(self.input, start, width)?;
        self.at = start.wrapping_add(width).wrapping_add(taken.len());
        Some(taken)
    }

    /// A str: its bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn raw_text(&mut self) -> Option<&'a [u8]> {
        let code = self.peek();
        let place = self.at.wrapping_add(1);
        let text = match code {
            SHORT_BINUNICODE => self.take(1)?,
            BINUNICODE => self.take(4)?,
            BINGET => return self.get(),
            _ => return None,
        };
        self.memo(place)?;
        Some(text)
    }

    /// The text that a BINGET refers to.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn get(&mut self) -> Option<&'a [u8]> {
        let entry = bytes::u8(self.input, self.at.wrapping_add(1))?;
        let place = self.texts.get(usize::from(entry)).copied().unwrap_or(0);
        let at = (place as usize).checked_sub(1)?;
        self.skip(2);
        let width = if self.input.get(at) == Some(&SHORT_BINUNICODE) { 1 } else { 4 };
        text_at(self.input, at.wrapping_add(1), width)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read_int(&mut self) -> Option<i64> {
        let code = self.peek();
        let at = self.at.wrapping_add(1);
        let (value, len) = match code {
            BININT1 => (bytes::u8(self.input, at).map(i64::from), 2),
            BININT2 => (bytes::u16_le(self.input, at).map(i64::from), 3),
            BININT => (bytes::u32_le(self.input, at).map(|n| i64::from(n as i32)), 5),
            LONG1 => {
                let long = self.take(1)?;
                return if long.len() <= 8 { Some(bytes::signed(long)) } else { None };
            }
            _ => return None,
        };
        self.skip(len);
        value
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read_float(&mut self) -> Option<f64> {
        self.expect(BINFLOAT)?;
        let bits = bytes::u64_be(self.input, self.at)?;
        self.skip(8);
        Some(f64::from_bits(bits))
    }

    fn read_bytes(&mut self) -> Option<&'a [u8]> {
        let bytes = match self.peek() {
            SHORT_BINBYTES => self.take(1)?,
            BINBYTES => self.take(4)?,
            _ => return None,
        };
        self.memo(0)?;
        Some(bytes)
    }

    /// The place behind the atom at `at` and behind the opcode that remembers it; `None` if no simple atom stands there.
    fn past_atom(&self, at: usize) -> Option<usize> {
        if !is_atom(*self.input.get(at)?) {
            return None;
        }
        let next = next(self.input, at).ok()?;
        Some(match self.input.get(next) {
            Some(&MEMOIZE) => next.wrapping_add(1),
            Some(&BINPUT) => next.wrapping_add(2),
            _ => next,
        })
    }

    /// Whether a new list or dict, behind which no batch begins, has an item that comes now: `items` values and then the
    /// opcode that sets them. Only atoms are looked at; of containers it is guessed that they are items.
    #[inline(never)]
    fn has_single(&mut self, items: usize, close: u8) -> bool {
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

// How the items of a container come.

/// In batches behind marks: so many were in this one.
const BATCHES: u8 = 0;
/// One, and then the opcode that adds it.
const SINGLE: u8 = 1;
/// That one was read.
const LAST: u8 = 2;
/// Behind a mark, of a tuple.
const TUPLE_MARK: u8 = 3;
/// So many, and then a tuple opcode, TUPLE1 if this is one more.
const FIXED: u8 = 4;
const END: u8 = 8;

impl<'a> Stream<'a> {
    #[inline]
    fn inside(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        Some(())
    }

    /// Opens a list or dict, whose opcode is at hand.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn mode(&mut self, items: usize, close: u8) -> Option<u8> {
        self.skip(1);
        self.memo(0)?;
        Some(match self.peek() {
            MARK => {
                self.skip(1);
                BATCHES
            }
            EMPTY_LIST | EMPTY_DICT if items == 1 => SINGLE,
            _ if self.has_single(items, close) => SINGLE,
            _ => END,
        })
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn open_seq(&mut self, len: usize, level: &mut Level<'_, 'a>) -> Option<()> {
        self.inside()?;
        let code = match self.input.get(self.at) {
            Some(&EMPTY_LIST) => EMPTY_LIST,
            _ => self.peek(),
        };
        let mode = match code {
            EMPTY_LIST => self.mode(1, APPEND)?,
            MARK => {
                self.skip(1);
                TUPLE_MARK
            }
            EMPTY_TUPLE => {
                self.skip(1);
                END
            }
            _ if (1..=3).contains(&len) => FIXED.wrapping_add(len as u8),
            _ => return None,
        };
        level.content = Content::Stream(mode, if mode > FIXED { len as u32 } else { 0 });
        Some(())
    }

    #[inline]
    fn open_map(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        self.inside()?;
        if self.peek() != EMPTY_DICT {
            return None;
        }
        level.pairs = true;
        level.content = Content::Stream(self.mode(2, SETITEM)?, 0);
        Some(())
    }

    /// Whether another item comes. `single` and `batch` are the opcodes that add one or all.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn another(&mut self, level: &mut Level<'_, 'a>, single: u8, batch: u8) -> Option<bool> {
        match &mut level.content {
            Content::Stream(BATCHES, count) if self.peek() != batch => {
                *count = count.wrapping_add(1);
                Some(true)
            }
            // The only item of a list in a list.
            Content::Stream(mode @ SINGLE, _) => {
                *mode = LAST;
                Some(true)
            }
            Content::Stream(mode @ LAST, _) => {
                *mode = END;
                self.expect(single).map(|()| false)
            }
            Content::Stream(mode, count) => self.turn(mode, count, batch),
            _ => None,
        }
    }

    /// The rarer cases of it.
    #[inline(never)]
    fn turn(&mut self, mode: &mut u8, count: &mut u32, batch: u8) -> Option<bool> {
        match *mode {
            BATCHES => {
                self.skip(1);
                *mode = END;
                if *count == BATCH && self.peek() == MARK {
                    self.skip(1);
                    // The next batch may be empty, as CPython's dicts of thousands have it.
                    if self.peek() == batch {
                        self.skip(1);
                    } else {
                        (*mode, *count) = (BATCHES, 1);
                    }
                }
            }
            TUPLE_MARK if self.peek() == TUPLE => {
                self.skip(1);
                self.memo(0)?;
                *mode = END;
            }
            TUPLE_MARK | END => {}
            fixed => match count.checked_sub(1) {
                Some(left) => *count = left,
                None => {
                    self.expect(TUPLE1.wrapping_add(fixed).wrapping_sub(FIXED).wrapping_sub(1))?;
                    self.memo(0)?;
                    *mode = END;
                }
            },
        }
        Some(*mode != END)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn next_key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
        if !self.another(level, SETITEM, SETITEMS)? {
            level.ended = true;
            return Some(Key::End);
        }
        if fields.is_empty() {
            // Only the machine knows whether a container may be a key.
            let code = self.peek();
            return (code == SHORT_BINUNICODE || is_atom(code)).then_some(Key::Value);
        }
        let before = (self.at, self.entries);
        let name = self.raw_text()?;
        Some(match level.find(fields, name) {
            Some(field) => Key::Name(field),
            None => {
                (self.at, self.entries) = before;
                Key::Value
            }
        })
    }
}

/// What was read; if nothing was, nothing else will be.
macro_rules! or {
    ($stream:ident.$refuse:ident(), $read:expr) => {
        match $read {
            None => {
                $stream.$refuse();
                None
            }
            read => read,
        }
    };
}

impl<'a> Source<'a> for Stream<'a> {
    fn what(&mut self) -> Option<What> {
        Some(match self.peek() {
            NONE => What::None,
            NEWTRUE | NEWFALSE => What::Bool,
            BININT1 | BININT2 | BININT | LONG1 => What::Int,
            BINFLOAT => What::Float,
            SHORT_BINUNICODE | BINUNICODE | BINGET => What::Text,
            SHORT_BINBYTES | BINBYTES => What::Bytes,
            EMPTY_DICT => What::Map,
            _ => What::Seq,
        })
    }

    fn none(&mut self) -> bool {
        let none = self.peek() == NONE;
        self.at = self.at.wrapping_add(usize::from(none));
        none
    }

    fn bool(&mut self) -> Option<bool> {
        let code = self.peek();
        if !matches!(code, NEWTRUE | NEWFALSE) {
            self.refuse();
            return None;
        }
        self.skip(1);
        Some(code == NEWTRUE)
    }

    fn int(&mut self) -> Option<i64> {
        or!(self.refuse(), self.read_int())
    }

    fn float(&mut self) -> Option<f64> {
        // A float field may hold an int.
        let float = if self.peek() == BINFLOAT { self.read_float() } else { self.read_int().map(float) };
        or!(self.refuse(), float)
    }

    fn text(&mut self) -> Option<&'a str> {
        or!(self.stop(), self.raw_text().and_then(|text| core::str::from_utf8(text).ok()))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        or!(self.refuse(), self.read_bytes())
    }

    fn skip(&mut self) -> Option<()> {
        skip(self)
    }

    fn seq(&mut self, len: usize, level: &mut Level<'_, 'a>) -> Option<()> {
        or!(self.refuse(), self.open_seq(len, level))
    }

    fn more(&mut self, level: &mut Level<'_, 'a>) -> Option<bool> {
        or!(self.refuse(), self.another(level, APPEND, APPENDS))
    }

    fn map(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        or!(self.refuse(), self.open_map(level))
    }

    fn key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
        or!(self.stop(), self.next_key(level, fields))
    }

    fn leave(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        self.depth = self.depth.wrapping_add(1);
        match level.content {
            Content::Stream(END, _) => return Some(()),
            Content::Stream(LAST, _) if !level.pairs && self.input.get(self.at) == Some(&APPEND) => {
                self.skip(1);
                return Some(());
            }
            // A map is at its end when its reader has seen that, or it is refused.
            _ if level.pairs => {}
            _ => {
                if self.another(level, APPEND, APPENDS) == Some(false) {
                    return Some(());
                }
            }
        }
        self.refuse();
        None
    }

    fn blame(&mut self, _: &Level<'_, 'a>, fail: Fail) -> Fail {
        self.refuse();
        fail
    }
}
