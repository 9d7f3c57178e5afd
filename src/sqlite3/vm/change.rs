//! The machine's instructions that write: rows and the entries of their indexes, always together.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::Cell;
use super::rows::row_key;
use super::{Machine, OWN_CURSOR, Result, stretch};
use crate::sqlite3::compile::write::action;
use crate::sqlite3::error::{Error, ErrorKind};
use crate::sqlite3::key::{self, Writer};
use crate::sqlite3::record;
use crate::sqlite3::schema::{self, Definition, ROWID};
use crate::sqlite3::value::{Affinity, Value};

/// A row: where its record is in the arena.
#[derive(Debug, Clone, Copy)]
struct Row {
    at: usize,
    len: usize,
    rowid: i64,
}

impl Machine<'_> {
    /// A statement that writes begins: a transaction of its own if there is none, and a place to come back to.
    pub(crate) fn begin_write(&mut self) -> Result<()> {
        let one = self.operand() != 0;
        if !self.store.in_transaction() {
            if one {
                return Ok(());
            }
            self.store.begin()?;
            self.state.own = true;
        }
        self.state.savepoint = self.store.savepoint()?;
        self.state.wrote = true;
        Ok(())
    }

    pub(crate) fn table(&self, at: usize) -> Definition<'_> {
        Definition(self.arena.get(at..).unwrap_or_default())
    }

    /// The row that is in locals, as a record at the end of the scratch.
    fn new_row(&mut self, table: usize, first: usize) -> Result<Row> {
        let columns = usize::from(self.table(table).columns());
        let rowid = self.local(first + columns).as_integer().unwrap_or(0);
        let (at, len) = self.make_record(self.local_at(first), columns)?;
        Ok(Row { at, len, rowid })
    }

    /// Affinities of the columns in locals; the rowid must be an integer, a new row without one gets the next.
    pub(crate) fn affinities(&mut self) -> Result<()> {
        let (table, first, new) = (self.u16(), self.operand(), self.operand());
        let columns = self.table(table).columns();
        let mut at = schema::HEADER;
        for column in 0..columns {
            let (affinity, next) = self.table(table).affinity(at);
            let affinity = schema::affinity(affinity);
            at = next;
            let local = first + usize::from(column);
            let cell = self.local(local);
            let made = if cell.is_unset() { Cell::NULL } else { self.apply(affinity, cell)? };
            self.set_local(local, made);
        }
        let local = first + usize::from(columns);
        let cell = self.local(local);
        let rowid = match Affinity::Integer.apply_numeric(self.value_of(cell)) {
            Value::Integer(i) => i,
            Value::Null if new != 0 => self.next_rowid(table)?,
            _ => {
                self.state.action = action::ABORT;
                return Err(ErrorKind::Mismatch.into());
            }
        };
        self.set_local(local, Cell::integer(rowid));
        Ok(())
    }

    /// One more than the largest rowid of a table.
    fn next_rowid(&mut self, table: usize) -> Result<i64> {
        let number = self.table(table).number();
        if self.session.last.0 == number && number != 0 {
            if let Some(next) = self.session.last.1.checked_add(1) {
                return Ok(next);
            }
            return Err(ErrorKind::Full.into());
        }
        let largest = last_rowid(self.store, number)?;
        match largest {
            None => Ok(1),
            Some(largest) => largest.checked_add(1).ok_or(ErrorKind::Full.into()),
        }
    }

    /// NOT NULL.
    pub(crate) fn check_null(&mut self) -> Result<()> {
        let (local, _column, action) = (self.operand(), self.operand(), self.operand());
        let null = self.local(local).is_null();
        if null && action as u8 != action::IGNORE {
            self.state.action = action as u8;
            return Err(ErrorKind::NotNull.into());
        }
        self.jump_if(null);
        Ok(())
    }

    /// CHECK.
    pub(crate) fn check(&mut self) -> Result<()> {
        let action = self.operand() as u8;
        let cell = self.pop();
        let failed = self.value_of(cell).truth() == Some(false);
        if failed && action != action::IGNORE {
            self.state.action = action;
            return Err(ErrorKind::Check.into());
        }
        self.jump_if(failed);
        Ok(())
    }

    /// A constraint failed: what its action asks for. True to ignore the row.
    fn conflict(&mut self, action: u8, kind: ErrorKind) -> Result<bool> {
        if action == action::IGNORE {
            return Ok(true);
        }
        self.state.action = action;
        Err(kind.into())
    }

    /// The row in locals joins the table.
    pub(crate) fn insert(&mut self) -> Result<()> {
        let (table, first, how) = (self.u16(), self.operand(), self.operand() as u8);
        let (number, bump) = (self.table(table).number(), self.bump);
        let new = self.new_row(table, first)?;
        let ignored = self.conflicts(table, new, None, how)?;
        if !ignored {
            self.write_row(table, new, None)?;
            self.session.context.last_insert_rowid = new.rowid;
            let last = self.session.last;
            if last.0 != number {
                // Only a rowid that was looked up, or follows one that was, is known to be the largest.
                self.session.last = (0, 0);
                // (The row is written: what fails here is no failure of the statement.)
                if matches!(last_rowid(self.store, number), Ok(Some(last)) if last == new.rowid) {
                    self.session.last = (number, new.rowid);
                }
            } else if new.rowid > last.1 {
                self.session.last = (number, new.rowid);
            }
            self.state.changes += 1;
        }
        self.bump = bump;
        self.jump_if(ignored);
        Ok(())
    }

    /// Whether a row must be ignored: another has its rowid, or its columns of a UNIQUE index. `own`: the rowid that it has
    /// already. `how`: what the statement says, and from bit 3 on what the column does that is the rowid: its REPLACE
    /// waits for the indexes.
    fn conflicts(&mut self, table: usize, new: Row, own: Option<i64>, how: u8) -> Result<bool> {
        let action = if how & 7 == action::NONE { how >> 3 } else { how & 7 };
        let late = how == action::REPLACE << 3;
        if late && self.indexes_taken(table, new, own, how & 7)? {
            return Ok(true);
        }
        if own != Some(new.rowid) && self.rowid_taken(self.table(table).number(), new.rowid)? {
            if action == action::REPLACE {
                self.delete_row(table, new.rowid)?;
            } else if self.conflict(action, ErrorKind::Unique)? {
                return Ok(true);
            }
        }
        Ok(!late && self.indexes_taken(table, new, own, how & 7)?)
    }

    /// Whether there is a row with this rowid.
    fn rowid_taken(&mut self, number: u16, rowid: i64) -> Result<bool> {
        if self.session.last.0 == number && rowid > self.session.last.1 {
            return Ok(false);
        }
        let mut key = [0; 16];
        let key = row_key(number, rowid, &mut key);
        match self.store.get(key, &mut []) {
            Ok(found) => Ok(found.is_some()),
            Err(error) if error.is(ErrorKind::Limit) => Ok(true),
            Err(kind) => Err(kind),
        }
    }

    /// The row of a cursor becomes what is in the locals.
    pub(crate) fn update(&mut self) -> Result<()> {
        let (table, first, how, cursor) = (self.u16(), self.operand(), self.operand() as u8, self.operand());
        let (old, bump) = (self.row_of(cursor)?, self.bump);
        let new = self.new_row(table, first)?;
        let ignored = self.conflicts(table, new, Some(old.rowid), how)?;
        if !ignored {
            self.write_row(table, new, Some(old))?;
            if new.rowid != old.rowid {
                self.session.last = (0, 0);
            }
            self.state.changes += 1;
        }
        self.bump = bump;
        self.jump_if(ignored);
        Ok(())
    }

    /// The row of a cursor.
    fn row_of(&self, cursor: usize) -> Result<Row> {
        let (at, len) = self.record_of(cursor);
        Ok(Row { at, len, rowid: self.rowid(cursor)?.as_integer().unwrap_or(0) })
    }

    /// The row of a cursor is deleted.
    pub(crate) fn delete(&mut self) -> Result<()> {
        let (table, cursor) = (self.u16(), self.operand());
        let there = self.delete_entries(table, self.row_of(cursor)?)?;
        self.state.changes += i64::from(there);
        Ok(())
    }

    /// Deletes a row that is in nobody's hands: REPLACE. It is no change that counts.
    #[inline(never)]
    fn delete_row(&mut self, table: usize, rowid: i64) -> Result<()> {
        let at = self.bump;
        if let Some(len) = self.read_row(self.table(table).number(), rowid)? {
            self.bump = at + len;
            self.delete_entries(table, Row { at, len, rowid })?;
            self.bump = at;
        }
        Ok(())
    }

    /// Deletes a row and its entries in the indexes; whether the row was there.
    #[inline(never)]
    fn delete_entries(&mut self, table: usize, row: Row) -> Result<bool> {
        let mut index_at = self.table(table).first_index();
        for _ in 0..self.table(table).indexes() {
            let made = self.index_key(table, index_at, row)?;
            self.store.delete(stretch(self.arena, self.bump, made.len))?;
            index_at = self.table(table).index_at(index_at).next;
        }
        let number = self.table(table).number();
        let there = self.delete_key(number, row.rowid)?;
        if self.session.last == (number, row.rowid) {
            self.session.last = (0, 0);
        }
        Ok(there)
    }

    fn delete_key(&mut self, number: u16, rowid: i64) -> Result<bool> {
        let mut key = [0; 16];
        self.store.delete(row_key(number, rowid, &mut key))
    }

    /// Writes the record and the entries of the indexes. `old`: the row that it takes the place of.
    fn write_row(&mut self, table: usize, new: Row, old: Option<Row>) -> Result<()> {
        let number = self.table(table).number();
        let (bump, mut index_at) = (self.bump, self.table(table).first_index());
        for _ in 0..self.table(table).indexes() {
            let made = self.index_key(table, index_at, new)?.len;
            let mut same = false;
            if let Some(old) = old {
                self.bump = bump + made;
                let before = self.index_key(table, index_at, old)?.len;
                self.bump = bump;
                same = self.bytes(bump, made) == self.bytes(bump + made, before);
                if !same {
                    self.store.delete(stretch(self.arena, bump + made, before))?;
                }
            }
            if !same {
                self.store.set(stretch(self.arena, bump, made), &[])?;
            }
            index_at = self.table(table).index_at(index_at).next;
        }
        if let Some(old) = old
            && old.rowid != new.rowid
        {
            self.delete_key(number, old.rowid)?;
        }
        let mut key = [0; 16];
        self.store.set(row_key(number, new.rowid, &mut key), stretch(self.arena, new.at, new.len))
    }

    /// Whether a UNIQUE index has these columns in another row. REPLACE deletes that row. True to ignore the row.
    fn indexes_taken(&mut self, table: usize, new: Row, own: Option<i64>, action: u8) -> Result<bool> {
        // The newest index is asked first, and behind all others those that were declared with REPLACE.
        let count = self.table(table).indexes();
        for turn in 0..2 * usize::from(count) {
            let which = usize::from(count) - 1 - turn % usize::from(count);
            let Some(index) = self.table(table).each_index().nth(which) else { break };
            let (late, index_at) = (turn >= count.into(), index.at);
            let how = if action == action::NONE { index.action } else { action };
            if index.unique
                && late == (index.action == action::REPLACE)
                && let Some(other) = self.taken(table, index_at, new, own)?
            {
                if how == action::REPLACE {
                    self.delete_row(table, other)?;
                } else if self.conflict(how, ErrorKind::Unique)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The rowid of another row that has the same columns in a UNIQUE index.
    #[inline(never)]
    fn taken(&mut self, table: usize, index_at: usize, new: Row, own: Option<i64>) -> Result<Option<i64>> {
        let made = self.index_key(table, index_at, new)?;
        if made.null {
            return Ok(None);
        }
        let (bump, behind) = (self.bump, self.bump + made.columns);
        self.store.seek(OWN_CURSOR, stretch(self.arena, bump, made.columns))?;
        let end = behind + schema::KEY + 1;
        if end > self.layout.end {
            return Err(Error::limit(self.arena.len() + schema::KEY + 1));
        }
        loop {
            let entry = match self.store.next(OWN_CURSOR, self.arena.get_mut(behind..end).unwrap_or_default()) {
                // What is longer is a row, and no entry of an index.
                Err(error) if error.is(ErrorKind::Limit) => None,
                other => other?,
            };
            let Some(entry) = entry else { return Ok(None) };
            let found = self.bytes(behind, entry.key());
            let Some(rest) = found.strip_prefix(self.bytes(bump, made.columns)) else { return Ok(None) };
            let rowid = key::Reader::new(rest, 0).rowid()?;
            if own == Some(rowid) {
                continue;
            }
            // A key that was cut says only that the beginnings agree.
            if !made.cut {
                return Ok(Some(rowid));
            }
            self.bump = behind;
            let agrees = self.agrees(table, index_at, new, rowid);
            self.bump = bump;
            if agrees? {
                return Ok(Some(rowid));
            }
        }
    }

    /// Whether a row has the same columns in an index as another one.
    #[inline(never)]
    fn agrees(&mut self, table: usize, index_at: usize, new: Row, rowid: i64) -> Result<bool> {
        let len = self.read_row(self.table(table).number(), rowid)?.ok_or(ErrorKind::Corrupt)?;
        let (ours, theirs) = (self.bytes(new.at, new.len), self.bytes(self.bump, len));
        let table = self.table(table);
        let index = table.index_at(index_at);
        for part in 0..usize::from(index.columns) {
            let (column, order) = index.part(part);
            let (ours, theirs) = (column_of(table, ours, column)?, column_of(table, theirs, column)?);
            if ours.compare(theirs, schema::order(order).collation).is_ne() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the indexes have the entries of a row.
    pub(crate) fn has_entries(&mut self, table: usize, at: usize, len: usize, rowid: i64) -> Result<bool> {
        let mut index_at = self.table(table).first_index();
        for _ in 0..self.table(table).indexes() {
            let made = self.index_key(table, index_at, Row { at, len, rowid })?;
            if self.store.get(stretch(self.arena, self.bump, made.len), &mut [])?.is_none() {
                return Ok(false);
            }
            index_at = self.table(table).index_at(index_at).next;
        }
        Ok(true)
    }

    /// Writes the key of an index for a row to the free part of the scratch.
    fn index_key(&mut self, table: usize, index_at: usize, row: Row) -> Result<Made> {
        let total = self.arena.len();
        let (front, room) = self.arena.split_at_mut(self.bump.min(total));
        let room = room.get_mut(..self.layout.end.saturating_sub(self.bump)).unwrap_or_default();
        let free = room.len();
        let definition = Definition(front.get(table..).unwrap_or_default());
        let record = stretch(front, row.at, row.len);
        write_index_key(definition, index_at, record, row.rowid, room).map_err(|error| error.more(total - free))
    }
}

/// A column of a row of this table, or its default if the row is older.
fn column_of<'v>(definition: Definition<'v>, record: &'v [u8], column: u8) -> Result<Value<'v>> {
    Ok(match record::column(record, column.into())? {
        Some(value) => value,
        None => schema::default_value(definition, column).ok_or(ErrorKind::Unsupported)?,
    })
}

/// A key of an index that was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) len: usize,
    /// How much of that its columns are, without the rowid.
    pub(crate) columns: usize,
    /// Whether a text was cut.
    pub(crate) cut: bool,
    /// Whether a column is NULL: then nothing is equal to it.
    pub(crate) null: bool,
}

/// Writes the key of an index for a row.
#[inline(never)]
pub(crate) fn write_index_key(
    definition: Definition<'_>,
    index_at: usize,
    record: &[u8],
    rowid: i64,
    out: &mut [u8],
) -> Result<Made> {
    let index = definition.index_at(index_at);
    let room = out.len().min(schema::KEY);
    let out = out.get_mut(..room).unwrap_or_default();
    let parts = usize::from(index.columns);
    let mut writer = Writer::new(out, schema::text_limit(parts));
    schema::begin_key(index.number, &mut writer);
    let (mut cut, mut null) = (false, false);
    for part in 0..parts {
        let (column, order) = index.part(part);
        let value = if column == ROWID { Value::Integer(rowid) } else { column_of(definition, record, column)? };
        null |= value.is_null();
        cut |= writer.column(value, schema::order(order));
    }
    let columns = writer.len();
    writer.rowid(rowid);
    let len = writer.len();
    if len > room {
        return Err(if len > schema::KEY { ErrorKind::TooBig.into() } else { Error::limit(len) });
    }
    Ok(Made { len, columns, cut, null })
}

/// The largest rowid of a table.
#[inline(never)]
pub(crate) fn last_rowid(store: &mut dyn crate::sqlite3::store::Store, number: u16) -> Result<Option<i64>> {
    crate::sqlite3::compile::ddl::seek_entries(store, OWN_CURSOR, number, true)?;
    let mut key = [0; 16];
    let len = match store.previous_key(OWN_CURSOR, &mut key) {
        // A longer key is one of an index, and not of this table.
        Err(error) if error.is(ErrorKind::Limit) => None,
        other => other?,
    };
    schema::rowid_of(len.and_then(|len| key.get(..len)).unwrap_or_default(), number)
}
