//! Cursors of the machine: rows of tables, of ranges, and those that subqueries make.
//!
//! A cursor in the lent bytes:
//!
//! ```text
//! flags u8 · place in the store u8 · table u16 · where its rows begin u16 · upper bound: offset u16, length u16, kind u8 · free u8
//! · index: offset of its parts in the program u16 · record: offset u16, length u16 · rowid i64, if it was looked up by that
//! ```
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{Cell, locate};
use super::{CURSOR, Machine, Result, stretch};
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::key::{Reader, SHORT, Writer};
use crate::sqlite3::program::{chunk, chunk_mut, word};
use crate::sqlite3::record::{self, Walk};
use crate::sqlite3::schema;
use crate::sqlite3::store::Entry;
use crate::sqlite3::value::{Affinity, Value};

/// Fields of a cursor.
#[rustfmt::skip]
pub(super) mod at {
    pub(crate) const FLAGS: usize = 0;
    pub(crate) const SLOT: usize = 1;
    pub(crate) const TABLE: usize = 2;
    pub(crate) const BASE: usize = 4;
    pub(crate) const BOUND: usize = 6;
    pub(crate) const BOUND_LEN: usize = 8;
    pub(crate) const BOUND_KIND: usize = 10;
    pub(crate) const INDEX: usize = 12;
    pub(crate) const RECORD: usize = 14;
    pub(crate) const RECORD_LEN: usize = 16;
    pub(crate) const ROWID: usize = 18;
}

/// The fields of a cursor that stay the same while its rows come.
pub(super) type Block = [u8; at::RECORD];

/// Flags of a cursor.
#[rustfmt::skip]
pub(super) mod flag {
    /// All columns are NULL.
    pub(crate) const NULL_ROW: u8 = 1;
    /// There are no more rows.
    pub(crate) const END: u8 = 2;
    /// It has one row, which was read already.
    pub(crate) const ONE: u8 = 4;
    /// Its rows come from an index.
    pub(crate) const INDEX: u8 = 16;
}

/// The row that is at hand: the one that a cursor went to, or a column was read of, last. How far its columns are known.
#[derive(Clone, Copy)]
pub(crate) struct AtHand {
    /// The cursor and the column read last, as Column has them as its operands; [`NOBODY`] where there is none.
    pub(super) which: u16,
    /// Where the row is, as the cursor has it.
    record: u32,
    /// Where the rowid begins in the key, if that is known.
    pub(super) rowid: u16,
    /// The value of the column read last.
    pub(crate) cell: Cell,
    walk: Walk,
}

/// No number of a cursor or a column.
const NOBODY: u8 = 0xff;

impl AtHand {
    pub(crate) const NOTHING: Self =
        AtHand { which: u16::MAX, rowid: 0, record: 0, cell: Cell::NULL, walk: Walk::START };

    /// The row of a cursor is there; no column of it is known yet.
    #[inline]
    fn take(&mut self, cursor: u8, record: u32, rowid: u16) {
        (self.which, self.record, self.rowid) = (u16::from_le_bytes([cursor, NOBODY]), record, rowid);
        self.walk.end = Walk::START.end;
    }

    /// Offset and length of the row.
    #[inline]
    pub(super) fn place(&self) -> (usize, usize) {
        (usize::from(self.record as u16), (self.record >> 16) as usize)
    }
}

/// Offset and length of a row, as a cursor has them.
#[inline]
fn packed(start: usize, len: usize) -> u32 {
    u32::from(start as u16) | (len as u32) << 16
}

/// Writes the key of a row into `out`; its length.
pub(crate) fn row_key(table: u16, rowid: i64, out: &mut [u8; 16]) -> &[u8] {
    let mut writer = Writer::new(out, 0);
    schema::begin_key(table, &mut writer);
    writer.rowid(rowid);
    // A number and a rowid take twelve bytes at most.
    writer.finish().unwrap_or_default()
}

impl Machine<'_> {
    pub(super) fn cursor(&self, cursor: usize) -> usize {
        self.layout.cursors + cursor * CURSOR
    }

    /// Reads a column of a cursor's row into the cell at hand; false if the row is older than the column.
    #[inline(never)]
    pub(crate) fn column(&mut self, which: [u8; 2]) -> Result<bool> {
        let [cursor, column] = which;
        if self.row.which as u8 != cursor {
            let block = self.cursor(cursor.into());
            if self.get8(block) & flag::NULL_ROW != 0 {
                (self.row.which, self.row.cell) = (u16::MAX, Cell::NULL);
                return Ok(true);
            }
            let record = self.get32(block + at::RECORD);
            self.row.take(cursor, record, 0);
        } else if self.row.which == u16::from_le_bytes(which) {
            return Ok(true);
        }
        let (start, len) = self.row.place();
        let record = stretch(self.arena, start, len);
        let Some(serial) = self.row.walk.find(record, column.into())? else { return Ok(false) };
        let (body, size) = (usize::from(self.row.walk.body), record::body_size(serial));
        let bytes = record.get(body..body + size).ok_or(ErrorKind::Corrupt)?;
        self.row.cell = if serial < 12 {
            Cell::number(record::decode(serial, bytes)?)
        } else {
            Cell::in_arena(serial & 1 == 0, start + body, size)
        };
        self.row.which = u16::from_le_bytes(which);
        Ok(true)
    }

    /// The record of a cursor's row is at this place of the arena, and comes to hand.
    #[inline]
    pub(super) fn set_record(&mut self, number: u8, start: usize, len: usize, rowid: u16) {
        let record = packed(start, len);
        self.row.take(number, record, rowid);
        let cursor = self.cursor(number.into());
        self.put32(cursor + at::RECORD, record);
    }

    /// The rowid of a cursor's row.
    pub(crate) fn rowid(&self, cursor: usize) -> Result<Cell> {
        let cursor = self.cursor(cursor);
        let flags = self.get8(cursor);
        if flags & flag::NULL_ROW != 0 {
            return Ok(Cell::NULL);
        }
        if flags & (flag::ONE | flag::INDEX) != 0 {
            return Ok(Cell::integer(self.get64(cursor + at::ROWID)));
        }
        // It stands in the key. (That is read with the record behind it, which is quicker.)
        let (base, table) = (self.field(cursor + at::BASE), self.field(cursor + at::TABLE));
        let rowid = schema::rowid_of(self.arena.get(base..).unwrap_or_default(), table as u16)?;
        Ok(rowid.map_or(Cell::NULL, Cell::integer))
    }

    /// A field of eight bytes in the arena.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn get64(&self, at: usize) -> i64 {
        chunk::<8>(self.arena, at).map_or(0, |bytes| i64::from_le_bytes(*bytes))
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put64(&mut self, at: usize, value: i64) {
        if let Some(place) = chunk_mut::<8>(self.arena, at) {
            *place = value.to_le_bytes();
        }
    }

    /// The record of a cursor's row: offset and length.
    pub(crate) fn record_of(&self, cursor: usize) -> (usize, usize) {
        let cursor = self.cursor(cursor);
        (self.field(cursor + at::RECORD), self.field(cursor + at::RECORD_LEN))
    }

    pub(super) fn open(&mut self, cursor: usize, table: usize, flags: u8) -> usize {
        let (number, slot) = (cursor as u8, usize::from(self.state.slot) + cursor);
        let cursor = self.cursor(cursor);
        self.put8(cursor + at::FLAGS, flags);
        self.put8(cursor + at::SLOT, slot as u8);
        self.set_field(cursor + at::TABLE, table);
        self.set_field(cursor + at::BASE, self.bump);
        self.set_field(cursor + at::BOUND_LEN, 0);
        self.set_record(number, 0, 0, 0);
        cursor
    }

    /// All rows of a table.
    pub(crate) fn scan(&mut self) -> Result<()> {
        let (cursor, table) = (self.operand(), self.u16());
        let cursor = self.open(cursor, table, 0);
        let slot = usize::from(self.get8(cursor + at::SLOT));
        crate::sqlite3::compile::ddl::seek_entries(self.store, slot, table as u16, false)
    }

    /// One row by its rowid.
    pub(crate) fn find(&mut self) -> Result<()> {
        let [number, low, high, blind] = self.fixed();
        let wanted = self.pop();
        let cursor = self.open(number.into(), u16::from_le_bytes([low, high]).into(), flag::ONE);
        // A rowid compares as an INTEGER column does.
        let wanted = match Affinity::Numeric.apply_numeric(self.value_of(wanted)) {
            Value::Integer(i) => Some(i),
            _ => None,
        };
        match wanted {
            Some(rowid) if blind != 0 => self.put64(cursor + at::ROWID, rowid),
            Some(rowid) if self.fetch(number, rowid)? => {}
            _ => self.put8(cursor + at::FLAGS, flag::END),
        }
        Ok(())
    }

    /// Reads the row with a rowid to the cursor's place; whether there is one.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    fn fetch(&mut self, number: u8, rowid: i64) -> Result<bool> {
        let cursor = self.cursor(number.into());
        let Some(found) = self.read_row(self.field(cursor + at::TABLE) as u16, rowid)? else { return Ok(false) };
        self.set_record(number, self.bump, found, 0);
        self.put64(cursor + at::ROWID, rowid);
        self.bump += found;
        Ok(true)
    }

    /// Reads a row to the free part of the scratch; its length.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn read_row(&mut self, table: u16, rowid: i64) -> Result<Option<usize>> {
        let mut key = [0; 16];
        let key = row_key(table, rowid, &mut key);
        let (bump, end, len) = (self.bump, self.layout.end, self.arena.len());
        let room = self.arena.get_mut(bump..end).unwrap_or_default();
        self.store.get(key, room).map_err(|error| error.more(len))
    }

    /// The next row of a cursor, or jump.
    pub(crate) fn next(&mut self) -> Result<()> {
        let instruction = self.pc.wrapping_sub(1);
        let [number, depth, low, high] = self.fixed();
        self.sp = self.layout.stack + usize::from(depth) * super::cell::CELL;
        let cursor = self.cursor(number.into());
        let Some(&block) = chunk(self.arena, cursor) else { return Err(ErrorKind::Internal.into()) };
        let flags = block[at::FLAGS];
        let more = if flags & (flag::END | flag::ONE) == 0 {
            let more = self.next_wanted(instruction, number, &block)?;
            if more {
                self.put32(cursor + at::RECORD, self.row.record);
            }
            more
        } else {
            self.turn()?;
            self.put8(cursor, flags | flag::END);
            flags & flag::END == 0
        };
        if !more {
            self.put8(cursor, flags | flag::END);
            self.pc = u16::from_le_bytes([low, high]).into();
            return Ok(());
        }
        #[cfg(fast)]
        self.push_columns();
        Ok(())
    }

    /// The next row of a cursor comes to hand; whether there is one.
    #[cfg(not(fast))]
    #[inline(always)]
    fn next_wanted(&mut self, _: usize, number: u8, block: &Block) -> Result<bool> {
        self.next_row(number, block)
    }

    /// The next row of a cursor that may have several; whether there is one.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn next_row(&mut self, number: u8, block: &Block) -> Result<bool> {
        self.turn()?;
        if block[at::FLAGS] & flag::INDEX == 0 {
            self.next_entry(number, block)
        } else {
            self.next_of_index(number, block)
        }
    }

    /// The next row of a table comes to hand; whether there is one.
    #[cfg_attr(fast, inline(always))]
    fn next_entry(&mut self, number: u8, block: &Block) -> Result<bool> {
        let Some(entry) = self.entry_at(block)? else { return Ok(false) };
        let (bump, table) = (self.bump, word(block, at::TABLE));
        // (Most numbers of tables are one byte in a key.)
        let lead = if cfg!(fast) && table < SHORT { 0x80 | table } else { u16::MAX };
        let short = u16::from(self.get8(bump)) == lead;
        if !short && !schema::belongs(self.bytes(bump, entry.key()), table) || !self.within_bound(block, entry.key()) {
            return Ok(false);
        }
        let start = bump + entry.key();
        self.row.take(number, packed(start, entry.value()), if short { bump as u16 + 1 } else { 0 });
        self.bump = start + entry.value();
        Ok(true)
    }

    /// The next entry of an index, and its row; whether there is one.
    #[inline(never)]
    fn next_of_index(&mut self, number: u8, block: &Block) -> Result<bool> {
        let Some(entry) = self.entry_at(block)? else { return Ok(false) };
        let Some(rowid) = self.index_rowid(block, entry.key())? else { return Ok(false) };
        if cfg!(fast) && self.take_key(number, entry.key(), rowid)? || self.fetch(number, rowid)? {
            Ok(true)
        } else {
            Err(ErrorKind::Corrupt.into())
        }
    }

    /// Reads the next entry of a cursor to the place of its rows.
    #[cfg_attr(fast, inline(always))]
    fn entry_at(&mut self, block: &Block) -> Result<Option<Entry>> {
        self.bump = word(block, at::BASE).into();
        self.read_entry(block[at::SLOT].into())
    }

    /// Reads the next entry of a cursor of the store to the free part of the scratch.
    #[cfg_attr(fast, inline(always))]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn read_entry(&mut self, slot: usize) -> Result<Option<Entry>> {
        let (bump, end, len) = (self.bump, self.layout.end, self.arena.len());
        let Some(room) = self.arena.get_mut(bump..end) else { return Err(ErrorKind::Internal.into()) };
        self.store.next(slot, room).map_err(|error| error.more(len))
    }

    /// The rowid in the key of the cursor's index that was read; `None` behind the cursor's last one.
    #[inline(never)]
    fn index_rowid(&self, block: &Block, len: usize) -> Result<Option<i64>> {
        let index = usize::from(word(block, at::INDEX));
        let parts = usize::from(self.get8(index + 2));
        let mut reader = Reader::new(self.bytes(self.bump, len), schema::text_limit(parts));
        if reader.rowid()? != self.field(index) as i64 || !self.within_bound(block, len) {
            return Ok(None);
        }
        for part in 0..parts {
            reader.skip_column(schema::order(self.get8(index + 3 + part)))?;
        }
        reader.rowid().map(Some)
    }

    /// Whether the key that was read is within the cursor's far bound: below it, or (kind 1) beginning with it.
    #[inline]
    fn within_bound(&self, block: &Block, len: usize) -> bool {
        word(block, at::BOUND_LEN) == 0 || self.within(block, len)
    }

    #[inline(never)]
    fn within(&self, block: &Block, len: usize) -> bool {
        let key = self.bytes(self.bump, len);
        let bound = self.bytes(word(block, at::BOUND).into(), word(block, at::BOUND_LEN).into());
        let inclusive = block[at::BOUND_KIND] == 1;
        (inclusive && key.starts_with(bound)) || key < bound
    }

    /// The cursor's row is all NULL, once.
    pub(crate) fn null_row(&mut self) -> Result<()> {
        let cursor = self.operand();
        let cursor = self.cursor(cursor);
        self.row.which = u16::MAX;
        self.put8(cursor, flag::NULL_ROW | flag::END);
        Ok(())
    }

    /// A cursor whose rows are made.
    pub(crate) fn open_rows(&mut self) -> Result<()> {
        let cursor = self.operand();
        self.open(cursor, 0, 0);
        Ok(())
    }

    /// The columns on the stack are the row of a cursor.
    pub(crate) fn make_row(&mut self) -> Result<()> {
        let (cursor, columns) = (self.operand(), self.operand());
        let first = self.sp.saturating_sub(columns * super::cell::CELL);
        let (at, len) = self.make_record(first, columns)?;
        self.sp = first;
        self.set_record(cursor as u8, at, len, 0);
        let cursor = self.cursor(cursor);
        self.put8(cursor, flag::ONE);
        Ok(())
    }

    /// Makes a record of cells in a row, at the end of the scratch: offset and length.
    pub(crate) fn make_record(&mut self, first: usize, columns: usize) -> Result<(usize, usize)> {
        let (bump, end, total) = (self.bump, self.layout.end, self.arena.len());
        let (view, room) = super::cell::split(self.arena, (bump, end), self.sql, self.parameters);
        let room_len = room.len();
        let made = record::encode(columns, &|at| view.at(first + at * super::cell::CELL), room);
        let len = made.map_err(|error| error.more(total - room_len))?.len();
        self.bump = bump + len;
        Ok((bump, len))
    }

    /// Pushes the columns of a record in the arena.
    pub(crate) fn push_record(&mut self, start: usize, len: usize, columns: usize) -> Result<()> {
        let mut walk = Walk::START;
        for column in 0..columns {
            let base = self.arena.as_ptr() as usize;
            let record = self.bytes(start, len);
            let value = walk.column(record, column)?.unwrap_or(Value::Null);
            let cell = locate(value, (base, self.arena.len()), b"").unwrap_or(Cell::NULL);
            self.push(cell);
        }
        Ok(())
    }

    /// Moves a cursor to a rowid; whether there is such a row.
    pub(crate) fn move_to(&mut self, cursor: usize, table: usize, rowid: i64) -> Result<bool> {
        self.open(cursor, table, flag::ONE);
        self.fetch(cursor as u8, rowid)
    }
}
