//! The structure of a stream without its values: where a value ends, and how many slots decoding it takes.
//!
//! A value's size is not written anywhere, so that whoever wants to know must step through all of it. The scan does so
//! with a word of memory for each open container and looks at nothing but sizes: it may pass over what the reader then
//! refuses, and never reads beyond what the reader would.

use super::code;
use super::head::Reading;
use super::typecode::*;
use crate::object::arena::{Fault, Step};
use crate::object::{Result, Slot};

/// The words of an open container on the reader's stack.
pub(super) const FRAME: usize = 3;

/// What a scan found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The place behind the value, or of what went wrong.
    pub end: usize,
    /// Words of containers.
    pub heap: usize,
    /// The most containers that are open at once.
    pub depth: usize,
    /// Values that took an index.
    pub indexed: usize,
    /// References to them.
    pub references: usize,
}

impl Found {
    /// The number of slots that decoding `len` bytes needs when `cells` values are referred to and `table` words say which.
    pub(super) fn slots(&self, cells: usize, table: usize, len: usize) -> usize {
        // More is counted only for what is refused: keys that cannot be keys.
        let most = bound(len);
        self.heap.saturating_add(self.depth.saturating_mul(FRAME)).saturating_add(table).saturating_add(cells).min(most)
    }
}

/// The most slots that any stream of this length needs, roughly: 3 a byte. `){0` opens a level with 3 bytes and takes 9.
pub(super) fn bound(len: usize) -> usize {
    len.saturating_mul(3).saturating_add(8)
}

/// The place behind the value at `at`; none for a malformed one, or one nested deeper than 60.
pub(super) fn end(reading: &Reading, input: &[u8], at: usize) -> Option<usize> {
    let mut found = Found { end: at, ..Found::default() };
    scan(reading, input, &mut [Slot::EMPTY; 60], false, &mut found).ok().map(|_| found.end)
}

/// The slots that the value at the start of `input` needs, see [`super::Unmarshaller::slots_needed`].
pub(super) fn slots_needed(reading: &Reading, input: &[u8]) -> Result<usize> {
    let mut found = Found::default();
    match scan(reading, input, &mut [Slot::EMPTY; 60], false, &mut found) {
        Ok(_) => {
            let cells = found.references.min(found.indexed);
            // Two words for 32 indices: which of them are referred to, and how many are before.
            let table = if cells == 0 { 0 } else { found.indexed.div_ceil(32).saturating_mul(2) };
            Ok(found.slots(cells, table, input.len()))
        }
        Err(Fault::Full) => Ok(bound(input.len())),
        Err(fault) => Err(fault.at(input, found.end)),
    }
}

/// Memory for the scan: open containers from the end down, the table of references from the start up.
struct Memory<'s> {
    slots: &'s mut [Slot],
    top: usize,
    table: usize,
}

impl Memory<'_> {
    fn push(&mut self, word: u32) -> bool {
        let top = self.top.wrapping_sub(1);
        match self.slots.get_mut(top) {
            Some(slot) if top >= self.table => {
                *slot = Slot::raw(word);
                self.top = top;
                true
            }
            _ => false,
        }
    }

    fn pop(&mut self) -> u32 {
        let word = self.slots.get(self.top).map_or(0, |slot| slot.bits());
        self.top = self.top.wrapping_add(1);
        word
    }

    /// Notes that this index is referred to.
    fn refer(&mut self, index: usize) -> bool {
        let word = (index / 32).wrapping_mul(2);
        let end = word.saturating_add(2);
        if self.table < end {
            if end > self.top {
                return false;
            }
            if let Some(new) = self.slots.get_mut(self.table..end) {
                new.fill(Slot::EMPTY);
            }
            self.table = end;
        }
        if let Some(slot) = self.slots.get_mut(word) {
            *slot = Slot::raw(slot.bits() | 1 << (index % 32));
        }
        true
    }
}

/// An open container while scanning, in a word: for a sequence, how many values are left; for a dict, whether a value
/// (not a key) is next; for a code object, which field.
const SEQUENCE: u32 = 0;
const PAIRS: u32 = 1 << 30;
const FIELDS: u32 = 2 << 30;
const KIND: u32 = 3 << 30;

/// Steps through the value that begins where `found` ends. With `table`, notes in `slots` which indices are referred to,
/// and answers how many words of it are the table. [`Fault::Full`] says that `slots` do not hold all open containers and
/// the table: [`bound`] slots do.
pub(super) fn scan(reading: &Reading, input: &[u8], slots: &mut [Slot], table: bool, found: &mut Found) -> Step<usize> {
    let mut memory = Memory { top: slots.len(), slots, table: 0 };
    let layout = code::holds(reading.python);
    let mut depth: usize = 0;
    // The innermost open container; at first one that wants a single value.
    let mut open = SEQUENCE | 1;
    loop {
        // Close what is complete.
        while open == SEQUENCE {
            if depth == 0 {
                return Ok(memory.table);
            }
            depth = depth.wrapping_sub(1);
            open = memory.pop();
        }
        if open & KIND == FIELDS {
            let field = (open & !KIND) as usize;
            let numbers = code::numbers(layout, field);
            let end = found.end.saturating_add(numbers.saturating_mul(4));
            if end > input.len() {
                return Err(Fault::Truncated);
            }
            found.end = end;
            let field = field.saturating_add(numbers);
            if field >= layout.len() {
                open = SEQUENCE;
                continue;
            }
            open = FIELDS | field.wrapping_add(1) as u32;
        } else if open & KIND == PAIRS {
            open ^= 1;
            found.heap = found.heap.wrapping_add(1);
        } else {
            open = open.wrapping_sub(1);
        }
        let head = reading.head(input, found.end)?;
        found.end = head.end;
        found.indexed = found.indexed.wrapping_add(usize::from(head.indexed));
        let inner = match head.code {
            NULL => {
                if open & KIND == PAIRS {
                    // A key's place: the dict's end. A value's place: the end too, or the pair is dropped (Python 2).
                    open = if open & 1 == 1 || !reading.python.is_2() { SEQUENCE } else { open };
                }
                continue;
            }
            REF | STRING_REF => {
                found.references = found.references.wrapping_add(1);
                let index = head.count;
                if table && index < found.indexed && !memory.refer(index) {
                    return Err(Fault::Full);
                }
                continue;
            }
            TUPLE | SMALL_TUPLE | FROZENSET | LIST | SET | SLICE => {
                let extra = match head.code {
                    TUPLE | SMALL_TUPLE if head.count == 0 => continue,
                    LIST | SET if head.count > 0 => 3,
                    SLICE => 2,
                    _ => 1,
                };
                found.heap = found.heap.wrapping_add(head.count).wrapping_add(extra);
                SEQUENCE | head.count as u32
            }
            DICT | FROZENDICT => {
                found.heap = found.heap.wrapping_add(3);
                PAIRS
            }
            CODE => {
                found.heap = found.heap.wrapping_add(layout.len()).wrapping_add(1);
                FIELDS
            }
            _ => continue,
        };
        found.depth = found.depth.max(depth.wrapping_add(1));
        if inner != SEQUENCE {
            if !memory.push(open) {
                return Err(Fault::Full);
            }
            depth = depth.wrapping_add(1);
            open = inner;
        }
    }
}
