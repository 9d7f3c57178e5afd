//! How the items of a container come, and where they end.
//!
//! Contract: a [`Level`] keeps how the items of the container that it is of come; an opcode that does not fit that is no
//! item, and nothing is answered.
#![deny(clippy::panic)]

use super::Stream;
use crate::object::serde::source::{Content, Key, Level};
use crate::pickle::opcode::code::*;
use crate::pickle::shape::{is_atom, next};

/// A batch of so many items is followed by another one.
const BATCH: u32 = 1000;

// How the items of a container come.

/// In batches behind marks: so many were in this one.
const BATCHES: u8 = 0;
/// One, and then the opcode that adds it.
const SINGLE: u8 = 1;
/// That one was read.
pub(super) const LAST: u8 = 2;
/// Behind a mark, of a tuple.
const TUPLE_MARK: u8 = 3;
/// So many, and then a tuple opcode, TUPLE1 if this is one more.
const FIXED: u8 = 4;
pub(super) const END: u8 = 8;

impl<'a> Stream<'a> {
    #[inline]
    pub(super) fn inside(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        Some(())
    }

    /// Opens a list or dict, whose opcode is at hand.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn mode(&mut self, items: usize, close: u8) -> Option<u8> {
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

    #[cfg_attr(fast, inline(always))]
    pub(super) fn open_seq(&mut self, len: usize, level: &mut Level<'_, 'a>) -> Option<()> {
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
    pub(super) fn open_map(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        self.inside()?;
        if self.peek() != EMPTY_DICT {
            return None;
        }
        level.pairs = true;
        level.content = Content::Stream(self.mode(2, SETITEM)?, 0);
        Some(())
    }

    /// Whether another item comes. `single` and `batch` are the opcodes that add one or all.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn another(&mut self, level: &mut Level<'_, 'a>, single: u8, batch: u8) -> Option<bool> {
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
    pub(super) fn turn(&mut self, mode: &mut u8, count: &mut u32, batch: u8) -> Option<bool> {
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

    #[cfg_attr(fast, inline(always))]
    pub(super) fn next_key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
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
