//! The rows of compound SELECTs in their stages.
//!
//! Contract: a stage of united rows has entries as a sorter has, with the columns as their keys, and a byte of flags before
//! the row. A row that EXCEPT or INTERSECT took away stays as an entry, so that the last key of a pass is known; of rows
//! with equal keys the last one is kept, or with ORDER BY the first one of the last part, as SQLite does.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::Machine;
use super::cell::CELL;
use super::stage::{HEAD, at};
use crate::sqlite3::error::Result;

/// What a row of a part does, in the low three bits; above them the number of the part, from 1 on, if its first row counts.
pub(crate) mod mode {
    /// It joins the rows.
    pub(crate) const UNION: u8 = 0;
    /// Rows like it go away.
    pub(crate) const EXCEPT: u8 = 1;
    /// Rows like it are met.
    pub(crate) const INTERSECT: u8 = 2;
    /// It is one row more, whatever there is.
    pub(crate) const ALL: u8 = 3;
    /// It goes into a sorter: the keys are pairs of a column and its order.
    pub(crate) const SORT: u8 = 4;
}

/// Flags of a united row; above them the number of the part that it came from.
const GONE: u8 = 1;
const MET: u8 = 2;

impl Machine<'_> {
    /// A row of a part.
    pub(crate) fn unite(&mut self) -> Result<()> {
        self.enter_stage();
        let (columns, how) = (self.operand(), self.operand() as u8);
        let (list, count) = (self.u16(), self.operand());
        let first = self.sp.saturating_sub(columns * CELL);
        if how == mode::SORT {
            let sequence = self.next_sequence();
            let key = self.key_of(first, list, count, true, Some(sequence))?;
            return self.sort_key(key, columns);
        }
        let key = self.key_of(first, list, count, false, None)?;
        let Some((entry, known)) = self.search(key) else { return Ok(()) };
        let (how, number) = (how & 7, how & !7);
        if how != mode::UNION {
            if known {
                let flags = self.flags_at(entry);
                let bit = if how == mode::EXCEPT { GONE } else { MET };
                let byte = self.get8(flags);
                self.put8(flags, byte | bit);
            }
            return Ok(());
        }
        if known && number != 0 {
            let flags = self.get8(self.flags_at(entry));
            if flags & !7 == number && flags & GONE == 0 {
                return Ok(());
            }
        }
        let bump = self.bump;
        self.bump += key;
        let made = self.make_record(first, columns);
        self.bump = bump;
        let (record, len) = made?;
        if known {
            self.drop_entry(entry);
        }
        let size = HEAD + key + 1 + len;
        if self.make_room(entry, size)? {
            self.put_entry(entry, size, key);
            self.put8(entry + HEAD + key, number);
            self.shift(record, len, entry + HEAD + key + 1);
        }
        Ok(())
    }

    /// The flags of a united row.
    fn flags_at(&self, entry: usize) -> usize {
        entry + HEAD + self.field(entry + 2)
    }

    fn drop_entry(&mut self, entry: usize) {
        let (size, used, count) = (self.field(entry), self.in_stage(at::USED), self.in_stage(at::COUNT));
        self.shift(entry + size, used.saturating_sub(entry + size), entry);
        self.put_in_stage(at::USED, used - size);
        self.put_in_stage(at::COUNT, count.saturating_sub(1));
        self.find_last();
    }

    /// Rows that the last part did not meet go away.
    pub(crate) fn unite_met(&mut self) -> Result<()> {
        self.enter_stage();
        let mut entry = self.first_entry();
        while entry < self.in_stage(at::USED) {
            let flags = self.flags_at(entry);
            let byte = self.get8(flags);
            self.put8(flags, if byte & MET == 0 { byte | GONE } else { byte & !MET });
            entry += self.field(entry).max(HEAD);
        }
        Ok(())
    }

    /// The next of the united rows that is not gone.
    pub(crate) fn unite_next(&mut self) -> Result<()> {
        self.turn()?;
        self.enter_stage();
        let (columns, depth) = (self.operand(), self.operand());
        self.sp = self.layout.stack + depth * CELL;
        let mut entry = self.reading();
        loop {
            if entry >= self.in_stage(at::USED) {
                self.jump_if(true);
                return Ok(());
            }
            let (size, flags) = (self.field(entry), self.flags_at(entry));
            if self.get8(flags) & GONE == 0 {
                self.put_in_stage(at::CURRENT, entry + size);
                self.push_record(flags + 1, size.saturating_sub(flags + 1 - entry), columns)?;
                self.jump_if(false);
                return Ok(());
            }
            entry += size.max(HEAD);
        }
    }
}
