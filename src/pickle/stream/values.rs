//! One value after the other: opcodes with the frames between them, the memo, atoms.
//!
//! Contract: what is answered was there as a whole, and the stream stands behind it; `None` where something else comes.
#![deny(clippy::panic)]

use super::{DEPTH, Stream, TEXTS};
use crate::bytes;
use crate::object::{Error, ErrorKind};
use crate::pickle::HIGHEST_PROTOCOL;
use crate::pickle::opcode::code::*;
use crate::pickle::shape::{entry, in_frame, next};

/// The bytes behind a length at `at`, of `width` bytes.
#[inline]
fn text_at(input: &[u8], at: usize, width: usize) -> Option<&[u8]> {
    let len = if width == 1 { usize::from(bytes::u8(input, at)?) } else { bytes::u32_le(input, at)? as usize };
    bytes::take(input, at.wrapping_add(width), len)
}

impl<'a> Stream<'a> {
    #[inline(never)]
    pub(super) fn new(input: &'a [u8]) -> Stream<'a> {
        let at = match input {
            [PROTO, 0..=HIGHEST_PROTOCOL, ..] => 2,
            [PROTO, ..] => usize::MAX,
            _ => 0,
        };
        Stream { input, at, depth: DEPTH, odd: usize::MAX, entries: 0, texts: [0; TEXTS] }
    }

    #[inline(never)]
    pub(super) fn error(&self) -> Error {
        Error::new(ErrorKind::NotPlain, self.odd.min(self.at).min(self.input.len()))
    }

    /// Refuses to go on.
    #[inline]
    pub(super) fn stop(&mut self) {
        self.odd = self.odd.min(self.at);
        self.at = usize::MAX;
    }

    /// The same, where a call costs nothing.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&mut self) {
        self.stop();
    }

    /// The opcode that comes, frames passed over; NEXT_BUFFER, which is nowhere expected, at the end.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn peek(&mut self) -> u8 {
        match self.input.get(self.at) {
            Some(&FRAME) => self.frame(),
            Some(code) => *code,
            None => NEXT_BUFFER,
        }
    }

    #[cold]
    pub(super) fn frame(&mut self) -> u8 {
        if in_frame(self.input, self.at).is_err() {
            return NEXT_BUFFER;
        }
        self.at = self.at.wrapping_add(9);
        bytes::u8(self.input, self.at).filter(|code| *code != FRAME).unwrap_or(NEXT_BUFFER)
    }

    /// Goes on by `n` bytes.
    #[inline]
    pub(super) fn skip(&mut self, n: usize) {
        self.at = self.at.wrapping_add(n);
    }

    /// The opcode that comes must be this one.
    #[inline]
    pub(super) fn expect(&mut self, code: u8) -> Option<()> {
        if self.peek() != code {
            return None;
        }
        self.skip(1);
        Some(())
    }

    /// The value just read, whose text stands at `place` less one, is remembered if the stream says so.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn memo(&mut self, place: usize) -> Option<()> {
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
    pub(super) fn put(&mut self) -> Option<()> {
        let entry = entry(self.input, self.at, self.peek()).ok()?;
        self.at = next(self.input, self.at).ok()?;
        if entry == self.entries { Some(()) } else { None }
    }

    /// The bytes behind the opcode at hand and its length.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn take(&mut self, width: usize) -> Option<&'a [u8]> {
        let start = self.at.wrapping_add(1);
        let taken = text_at(self.input, start, width)?;
        self.at = start.wrapping_add(width).wrapping_add(taken.len());
        Some(taken)
    }

    /// A str: its bytes.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn raw_text(&mut self) -> Option<&'a [u8]> {
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
    #[cfg_attr(fast, inline(always))]
    pub(super) fn get(&mut self) -> Option<&'a [u8]> {
        let entry = bytes::u8(self.input, self.at.wrapping_add(1))?;
        let place = self.texts.get(usize::from(entry)).copied().unwrap_or(0);
        let at = (place as usize).checked_sub(1)?;
        self.skip(2);
        let width = if self.input.get(at) == Some(&SHORT_BINUNICODE) { 1 } else { 4 };
        text_at(self.input, at.wrapping_add(1), width)
    }

    #[cfg_attr(fast, inline(always))]
    pub(super) fn read_int(&mut self) -> Option<i64> {
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

    #[cfg_attr(fast, inline(always))]
    pub(super) fn read_float(&mut self) -> Option<f64> {
        self.expect(BINFLOAT)?;
        let bits = bytes::u64_be(self.input, self.at)?;
        self.skip(8);
        Some(f64::from_bits(bits))
    }

    pub(super) fn read_bytes(&mut self) -> Option<&'a [u8]> {
        let bytes = match self.peek() {
            SHORT_BINBYTES => self.take(1)?,
            BINBYTES => self.take(4)?,
            _ => return None,
        };
        self.memo(0)?;
        Some(bytes)
    }
}
