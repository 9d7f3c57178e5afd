//! What is computed once and kept as long as the statement runs: the sets behind IN, and the values of subqueries.
//!
//! Contract: what is kept lies in the memory beyond the first 64 KiB, if so much is lent; then between the scratch and the
//! areas of the stages, where it grows towards the scratch and takes three quarters of it at most. A set that finds no room is given up: its rows are read again for each value that is looked
//! for. Memory decides how often they are read, never what comes out.
//!
//! A set: a table of buckets, each the offset of its first entry u24; an entry: offset of the next one u24 · length u16 · key.
//! The local of a set: its flags u8 · the offset of its table u24 · how many buckets u16.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell};
use super::{Machine, Result};
use crate::sqlite3::error::Error;
use crate::sqlite3::program::Comparison;
use crate::sqlite3::schema;
use crate::sqlite3::value::{Affinity, Value};

/// The number of a local that stands for no set.
pub(crate) const NO_SET: u8 = 0xff;

/// Flags of a set.
#[rustfmt::skip]
mod set {
    /// Its rows are being read.
    pub(crate) const OPEN: i64 = 1;
    /// It is complete.
    pub(crate) const WHOLE: i64 = 2;
    /// NULL is in it; something is in it.
    pub(crate) const NULL: i64 = 4;
    pub(crate) const ANY: i64 = 8;
    /// It was given up.
    pub(crate) const OFF: i64 = 16;
}

/// Bytes before the key of an entry.
const HEAD: usize = 5;
/// Bytes of an offset.
const LINK: usize = 3;
/// Where memory begins that only what is kept can lie in.
pub(crate) const HIGH: usize = 0xfff0;

/// A set, as its local has it.
#[derive(Clone, Copy)]
struct Set {
    local: usize,
    table: usize,
    flags: i64,
    buckets: usize,
}

impl Machine<'_> {
    /// Takes bytes from the end of the scratch; `None` if too little would be left of it.
    fn keep(&mut self, len: usize) -> Option<usize> {
        if let Some(at) = (self.state.high as usize).checked_sub(len).filter(|&at| at >= HIGH) {
            self.state.high = at as u32;
            return Some(at);
        }
        let least = self.layout.scratch + (self.layout.areas - self.layout.scratch) / 4;
        let at = self.layout.end.checked_sub(len).filter(|&at| at >= least.max(self.bump))?;
        self.layout.end = at;
        Some(at)
    }

    /// The value on the stack is kept in a local.
    pub(crate) fn keep_value(&mut self, local: usize) -> Result<()> {
        let mut cell = self.peek(0);
        if !cell.is_lasting()
            && let Some((from, len)) = cell.in_arena_at()
        {
            let blob = matches!(self.value_of(cell), Value::Blob(_));
            let Some(at) = self.keep(len) else {
                self.state.lost = true;
                return self.settle();
            };
            self.shift(from, len, at);
            cell = Cell::in_arena(blob, at, len);
            self.replace(cell);
        }
        self.set_local(local, cell);
        Ok(())
    }

    /// The value on the stack moves out of a stage, which others may use, into the scratch.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let cell = self.peek(0);
        if let Some((from, len)) = cell.in_arena_at()
            && from >= self.layout.areas
        {
            let blob = matches!(self.value_of(cell), Value::Blob(_));
            let at = self.bump;
            if at + len > self.layout.end {
                return Err(Error::limit(self.arena.len() + len));
            }
            self.shift(from, len, at);
            self.bump = at + len;
            self.replace(Cell::in_arena(blob, at, len));
        }
        Ok(())
    }

    /// What found no room is computed again, unless the statement has changed what it is computed from.
    pub(crate) fn again(&self) -> Result<()> {
        if self.state.changes > 0 { Err(Error::limit(2 * self.arena.len())) } else { Ok(()) }
    }

    // ---- sets

    fn set(&self, local: usize) -> Set {
        let packed = self.local(local).as_integer().unwrap_or(0);
        let flags = if local == usize::from(NO_SET) { 0 } else { packed & 0xff };
        Set { local, table: (packed >> 8 & 0xff_ffff) as usize, flags, buckets: (packed >> 32 & 0xffff) as usize }
    }

    fn put_set(&mut self, set: Set) {
        let packed = set.flags | (set.table as i64) << 8 | (set.buckets as i64) << 32;
        self.set_local(set.local, Cell::integer(packed));
    }

    /// A set begins, or is there.
    pub(crate) fn in_set(&mut self) -> Result<()> {
        let local = self.operand();
        self.push(Cell::integer(0));
        let mut set = self.set(local);
        if local != usize::from(NO_SET) && set.flags == 0 {
            let buckets = (self.layout.end.saturating_sub(self.layout.scratch) / 64).max(1);
            (set.flags, set.buckets) = match self.keep(LINK * buckets) {
                Some(table) => {
                    set.table = table;
                    if let Some(bytes) = self.arena.get_mut(table..table + LINK * buckets) {
                        bytes.fill(0);
                    }
                    (set::OPEN, buckets)
                }
                None => (set::OFF, 0),
            };
            self.put_set(set);
        } else if set.flags & set::OFF != 0 {
            self.again()?;
        }
        self.jump_if(set.flags & set::WHOLE != 0);
        Ok(())
    }

    /// A row of the set.
    pub(crate) fn in_row(&mut self) -> Result<()> {
        let (place, comparison, local) = (self.operand(), Comparison(self.operand() as u8), self.operand());
        let at = self.layout.stack + place * CELL;
        let (mut row, mut subject) = (self.pop(), Cell::read(self.arena, at.saturating_sub(CELL)));
        if comparison.affinity() == 3 {
            (row, subject) = (self.apply(Affinity::Real, row)?, self.apply(Affinity::Real, subject)?);
        }
        let mut set = self.set(local);
        if set.flags & set::OPEN != 0 {
            set.flags |= set::ANY;
            if row.is_null() {
                set.flags |= set::NULL;
                self.put_set(set);
            } else if self.join(set, row, comparison)? {
                self.put_set(set);
            } else {
                // Not even the value that is looked for was compared with what was read so far.
                let found = self.look(set, subject, comparison)?;
                found.write(self.arena, at);
                set.flags = set::OFF;
                self.put_set(set);
                if found.as_integer() == Some(1) {
                    self.jump_if(true);
                    return Ok(());
                }
            }
            if set.flags & set::OFF == 0 {
                self.jump_if(false);
                return Ok(());
            }
        }
        let truth = self.compare(comparison, subject, row)?;
        match truth {
            Some(true) => Cell::integer(1).write(self.arena, at),
            Some(false) => {}
            None => Cell::NULL.write(self.arena, at),
        }
        // Nothing more can be learnt once it was found, or with NULL on the left.
        self.jump_if(truth == Some(true) || subject.is_null());
        Ok(())
    }

    /// Behind the rows of a set.
    pub(crate) fn in_find(&mut self) -> Result<()> {
        let (place, comparison, local) = (self.operand(), Comparison(self.operand() as u8), self.operand());
        let mut set = self.set(local);
        if set.flags & set::OPEN != 0 {
            set.flags = set.flags & !set::OPEN | set::WHOLE;
            self.put_set(set);
        }
        if set.flags & set::WHOLE != 0 {
            let at = self.layout.stack + place * CELL;
            let subject = Cell::read(self.arena, at.saturating_sub(CELL));
            let found = self.look(set, subject, comparison)?;
            found.write(self.arena, at);
        }
        Ok(())
    }

    /// What IN says of a value and a set.
    fn look(&mut self, set: Set, subject: Cell, comparison: Comparison) -> Result<Cell> {
        if set.flags & set::ANY == 0 {
            return Ok(Cell::integer(0));
        }
        if subject.is_null() {
            return Ok(Cell::NULL);
        }
        let (key, len) = self.set_key(subject, comparison)?;
        let found = self.entry_of(set, key, len).1;
        let unknown = set.flags & set::NULL != 0;
        Ok(if found || !unknown { Cell::integer(found.into()) } else { Cell::NULL })
    }

    /// A value joins a set; whether there was room.
    fn join(&mut self, set: Set, row: Cell, comparison: Comparison) -> Result<bool> {
        let (key, len) = self.set_key(row, comparison)?;
        let (bucket, known) = self.entry_of(set, key, len);
        if known {
            return Ok(true);
        }
        // The key itself lies behind what is in use of the scratch.
        if len > 0xffff || self.state.high as usize <= HIGH + HEAD + len && key + len + HEAD + len > self.layout.end {
            return Ok(false);
        }
        let Some(entry) = self.keep(HEAD + len) else { return Ok(false) };
        self.shift(bucket, LINK, entry);
        // Beyond 64 KiB an offset is no field's: bytes are written as such.
        self.put8(entry + LINK, len as u8);
        self.put8(entry + LINK + 1, (len >> 8) as u8);
        self.shift(key, len, entry + HEAD);
        if let Some(place) = self.arena.get_mut(bucket..bucket + LINK) {
            place.copy_from_slice(entry.to_le_bytes().get(..LINK).unwrap_or_default());
        }
        Ok(true)
    }

    /// The bucket of a key, and whether the key is in it.
    fn entry_of(&self, set: Set, key: usize, len: usize) -> (usize, bool) {
        let key = self.bytes(key, len);
        let hash = key.iter().fold(0x811c_9dc5u32, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let bucket = set.table + LINK * ((hash >> 8) as usize % set.buckets.max(1));
        let mut entry = self.link(bucket);
        while entry != 0 {
            let len = usize::from(self.get8(entry + LINK)) | usize::from(self.get8(entry + LINK + 1)) << 8;
            if self.bytes(entry + HEAD, len) == key {
                return (bucket, true);
            }
            entry = self.link(entry);
        }
        (bucket, false)
    }

    fn link(&self, at: usize) -> usize {
        match self.arena.get(at..).and_then(|rest| rest.first_chunk::<LINK>()) {
            Some(&[a, b, c]) => u32::from_le_bytes([a, b, c, 0]) as usize,
            None => 0,
        }
    }

    /// Writes a value, as the comparison takes it, behind what is in use of the scratch: offset and length.
    fn set_key(&mut self, cell: Cell, comparison: Comparison) -> Result<(usize, usize)> {
        let before = self.bump;
        let affinity = match comparison.affinity() {
            1 => Affinity::Text,
            2 => Affinity::Numeric,
            3 => Affinity::Real,
            _ => Affinity::Blob,
        };
        let cell = self.apply(affinity, cell)?;
        let order = schema::order(comparison.collation() << 1);
        let len = self.write_key(usize::MAX, &mut |view, writer| {
            writer.column(view.value(cell), order);
        })?;
        let at = core::mem::replace(&mut self.bump, before);
        Ok((at, len))
    }
}
