//! Containers of a pickle: marks, batches of 1,000 and tuples, as CPython's pickler writes them (`batch_list`, `batch_dict`
//! and `save_tuple` of Modules/_pickle.c).
//!
//! [`Level::state`] is the opcode that ends the batch, [`FRESH`] before the first item.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::writer::Writer;
use crate::object::{Container, Level, Refused};

type Done = Result<(), Refused>;

/// The opcode that ends a single item, where this one ends a batch.
#[inline]
fn single(batch: u8) -> u8 {
    match batch {
        APPENDS => APPEND,
        SETITEMS => SETITEM,
        other => other,
    }
}

/// How many items a batch has.
pub(super) const BATCH: u32 = 1000;
/// A container of unknown length.
const UNKNOWN: u32 = u32::MAX;
/// No item came yet.
pub(super) const FRESH: u8 = 0;

impl Writer<'_> {
    /// Opens a batch, or the only item.
    #[inline]
    fn open_batch(&mut self, level: &mut Level) {
        let batch = self.batch_code(level.container);
        if level.len == 1 && batch != ADDITEMS {
            (level.left, level.state) = (1, single(batch));
            return;
        }
        if level.len == UNKNOWN {
            level.at = self.names.open_mark(self.out.position());
        }
        self.out.opcode(MARK);
        (level.left, level.state) = (level.len.min(BATCH), batch);
    }

    /// The opcode that ends a batch.
    #[inline(never)]
    fn batch_code(&self, container: Container) -> u8 {
        match container {
            Container::List | Container::Items => APPENDS,
            Container::Dict | Container::FrozenDict | Container::Pairs => SETITEMS,
            Container::Set | Container::FrozenSet if self.protocol < 4 => APPENDS,
            _ => ADDITEMS,
        }
    }

    /// A list, dict, or items of an object: what stands before the items.
    #[inline]
    pub(super) fn open_items(&mut self, level: &mut Level) {
        // In protocol 0 each item comes alone.
        if level.len == 0 || self.protocol == 0 {
            level.left = 0;
        } else {
            self.open_batch(level);
        }
    }

    #[inline]
    pub(super) fn close_items(&mut self, level: &Level) {
        if level.state == FRESH {
            return;
        }
        if level.len >= BATCH {
            return self.close_long(level);
        }
        self.out.opcode(level.state);
    }

    /// Ends what has no known length or more than a batch of items.
    #[inline(never)]
    fn close_long(&mut self, level: &Level) {
        let batch = self.batch_code(level.container);
        let came = if level.len == UNKNOWN { BATCH.wrapping_sub(level.left) } else { BATCH };
        let mut code = level.state;
        let at = if level.len == UNKNOWN { self.names.close_mark(level.at) } else { 0 };
        // None or one came where the length was not known: the mark goes again.
        if at != 0 && (came == 0 || came == 1 && batch != ADDITEMS) && self.out.take_back(at as usize) {
            self.names.moved(at, u32::MAX, u32::MAX);
            if came == 0 {
                return;
            }
            code = single(batch);
        }
        self.out.opcode(code);
        // CPython looks for the next pair or member only after a full batch, and has opened the next one by then.
        let exact = matches!(level.container, Container::Dict | Container::FrozenDict | Container::Set);
        if exact && batch != APPENDS && code == batch && level.left == 0 {
            self.out.opcode(MARK);
            self.out.opcode(batch);
        }
    }

    /// A batch is full: it ends, and the next one begins.
    pub(super) fn next_batch(&mut self, level: &mut Level) {
        let batch = self.batch_code(level.container);
        if level.state != FRESH {
            self.out.opcode(level.state);
        }
        if level.len != UNKNOWN && self.protocol > 0 {
            level.len = level.len.saturating_sub(BATCH);
        }
        // A list's last batch is marked even if it has one item; an object's is not.
        let alone = level.len == 1 && matches!(level.container, Container::Items | Container::Pairs);
        if self.protocol == 0 || alone {
            (level.state, level.left) = (single(batch), 0);
            return;
        }
        if level.len == UNKNOWN {
            self.names.keep_mark(level.at);
        }
        self.out.opcode(MARK);
        (level.state, level.left) = (batch, level.len.min(BATCH).saturating_sub(1));
    }

    /// Opens a list or dict: its opcode of protocols 1 and up, and of protocol 0.
    #[inline]
    pub(super) fn open_empty(&mut self, binary: u8, text: u8) {
        if self.protocol >= 1 {
            self.begin(binary);
        } else {
            self.begin(MARK);
            self.out.opcode(text);
        }
    }

    /// Opens a usual list or dict, short and of a known length: its opcode and the mark are one. Otherwise nothing happens.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn begin_short(&mut self, code: u8, len: usize) -> bool {
        self.usual && matches!(len, 2..=1000) && self.out.begin_pair(code, MARK)
    }

    /// Opens a list or dict.
    #[inline]
    pub(super) fn open_plain(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let (code, batch) = if container == Container::List { (EMPTY_LIST, APPENDS) } else { (EMPTY_DICT, SETITEMS) };
        match len {
            Some(len) if self.begin_short(code, len) => {
                let len = len as u32;
                Ok(Level { left: len, len, container, state: batch, shared: 0, at: 0 })
            }
            _ => self.open_slowly(container, len),
        }
    }

    #[inline(never)]
    pub(super) fn open_slowly(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let len = match len {
            Some(len) => u32::try_from(len).ok().filter(|len| *len < UNKNOWN).ok_or(Refused::TooLong)?,
            None => UNKNOWN,
        };
        if let Some(rare) = self.mark {
            return (rare.open)(self, container, len);
        }
        let mut level = Level { left: u32::MAX, len, container, state: FRESH, shared: 0, at: 0 };
        match container {
            Container::Tuple => self.begin_tuple(len)?,
            Container::List | Container::Dict => {
                let (binary, text) = if container == Container::List { (EMPTY_LIST, LIST) } else { (EMPTY_DICT, DICT) };
                self.open_empty(binary, text);
                self.remember();
                self.open_items(&mut level);
            }
            _ => return Err(Refused::Custom),
        }
        Ok(level)
    }

    #[inline(never)]
    pub(super) fn close_slowly(&mut self, level: Level) {
        match (level.container, self.rare) {
            (_, Some(rare)) => (rare.close)(self, &level),
            (Container::Tuple, _) => {
                self.close_tuple(level.len);
                if level.len != 0 {
                    self.remember();
                }
            }
            _ => self.close_items(&level),
        }
    }

    pub(super) fn begin_tuple(&mut self, len: u32) -> Done {
        match len {
            UNKNOWN => return Err(Refused::Unsized),
            0 if self.protocol >= 1 => self.begin(EMPTY_TUPLE),
            1..=3 if self.protocol >= 2 => self.out.value(),
            _ => self.begin(MARK),
        }
        Ok(())
    }

    /// The opcode that ends a tuple.
    #[inline]
    pub(super) fn close_tuple(&mut self, len: u32) {
        let code = match len {
            0 if self.protocol >= 1 => return,
            1 if self.protocol >= 2 => TUPLE1,
            2 if self.protocol >= 2 => TUPLE2,
            3 if self.protocol >= 2 => TUPLE3,
            _ => TUPLE,
        };
        self.out.opcode(code);
    }
}
