//! Typed reading straight from the stream: no decoded structure, no slots.
//!
//! It reads what picklers write for plain data: atoms, lists, tuples and dicts in batches or with a single item, and
//! references to text among the first [`TEXTS`] entries of the memo, which is where field names are. A list or dict does
//! not say at its beginning whether items follow; this reader guesses by what comes next and goes on only as long as every
//! opcode fits the guess, so that a value it gives is the one that the machine would have made. Whatever does not fit is
//! refused: then the machine reads the pickle, makes every check and says what is wrong and where.
#![deny(clippy::panic)]

mod containers;
mod values;

use super::opcode::code::*;
use crate::object::Result;
use crate::object::serde::De;
use crate::object::serde::source::{Content, Fail, Key, Level, Source, What, float, skip};
use containers::{END, LAST};

// Where the code need not be small, the functions of the way that plain data takes are compiled into those that the type
// calls.

/// How many entries of the memo are known, if they are text.
const TEXTS: usize = 32;
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
