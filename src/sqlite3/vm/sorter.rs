//! The entries of stages in the order of their keys, and ORDER BY.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, View};
use super::stage::{self, HEAD, at, flag};
use super::{Machine, Result, STAGE};
use crate::sqlite3::error::Error;
use crate::sqlite3::key::{self, Writer};
use crate::sqlite3::program::{chunk, word};
use crate::sqlite3::schema;
use crate::sqlite3::value::Value;

impl Machine<'_> {
    /// Writes a key at the end of the scratch; its length.
    pub(crate) fn write_key(
        &mut self,
        text_limit: usize,
        write: &mut dyn FnMut(View<'_>, &mut Writer<'_>),
    ) -> Result<usize> {
        let (bump, end, total) = (self.bump, self.layout.end, self.arena.len());
        let (view, room) = super::cell::split(self.arena, (bump, end), self.sql, self.parameters);
        let free = room.len();
        let mut writer = Writer::new(room, text_limit);
        write(view, &mut writer);
        let len = writer.len();
        if len > free { Err(Error::limit(total + len - free)) } else { Ok(len) }
    }

    /// Writes the key of the topmost values, by the orders that stand in the program; its length. The values are popped.
    pub(crate) fn make_key(&mut self, orders: usize, count: usize, sequence: Option<u32>) -> Result<usize> {
        self.sp = self.sp.saturating_sub(count * CELL);
        self.key_of(self.sp, orders, count, false, sequence)
    }

    /// Writes the key of so many values from a cell on. `pairs`: before each order stands which of the values it is of.
    pub(crate) fn key_of(
        &mut self,
        first: usize,
        orders: usize,
        count: usize,
        pairs: bool,
        sequence: Option<u32>,
    ) -> Result<usize> {
        self.write_key(usize::MAX, &mut |view, writer| {
            let byte = |at: usize| view.arena.get(at).copied().unwrap_or(0);
            for key in 0..count {
                let (column, order) = if pairs {
                    (byte(orders + 2 * key).into(), byte(orders + 2 * key + 1))
                } else {
                    (key, byte(orders + key))
                };
                let value = view.at(first + column * CELL);
                if order & 8 != 0 {
                    // NULLs at the other end.
                    writer.byte(u8::from(value.is_null() == (order & 1 == 0)));
                }
                writer.column(value, schema::order(order & 7));
            }
            if let Some(sequence) = sequence {
                writer.bytes(&sequence.to_be_bytes());
            }
        })
    }

    /// The key of an entry.
    pub(crate) fn entry_key(&self, entry: usize) -> &[u8] {
        let len = self.field(entry + 2);
        self.bytes(entry + HEAD, len)
    }

    pub(crate) fn new_key(&self, len: usize) -> &[u8] {
        self.bytes(self.bump, len)
    }

    /// Where a key of the scratch belongs: the entry that has it, or the one before which it would stand. `None` if it is not its turn.
    pub(crate) fn search(&mut self, len: usize) -> Option<(usize, bool)> {
        let block = chunk::<STAGE>(self.arena, self.stage)?;
        let field = |at: usize| usize::from(word(block, at));
        let (area, mark, used, last) = (field(at::AREA), field(at::MARK), field(at::USED), field(at::LAST));
        let flags = block[at::FLAGS];
        let key = self.new_key(len);
        if flags & flag::MARKED != 0 && key <= self.bytes(area, mark) {
            return None;
        }
        if word(block, at::COUNT) == 0 {
            return Some((used, false));
        }
        match key.cmp(self.entry_key(last)) {
            // What was forgotten before was larger than all that is kept, and this is too.
            core::cmp::Ordering::Greater if flags & flag::MORE != 0 => return None,
            core::cmp::Ordering::Greater => return Some((used, false)),
            core::cmp::Ordering::Equal => return Some((last, true)),
            core::cmp::Ordering::Less => {}
        }
        let mut entry = area + mark;
        while entry < used {
            match key.cmp(self.entry_key(entry)) {
                core::cmp::Ordering::Less => break,
                core::cmp::Ordering::Equal => return Some((entry, true)),
                core::cmp::Ordering::Greater => entry += self.field(entry).max(HEAD),
            }
        }
        Some((entry, false))
    }

    /// Writes the head of an entry, and its key from the scratch.
    #[inline(never)]
    pub(crate) fn put_entry(&mut self, entry: usize, size: usize, key: usize) {
        self.set_field(entry, size);
        self.set_field(entry + 2, key);
        self.shift(self.bump, key, entry + HEAD);
    }

    /// Where the entries begin.
    pub(crate) fn first_entry(&self) -> usize {
        self.in_stage(at::AREA) + self.in_stage(at::MARK)
    }

    /// The entry at which reading stands. The scratch is as it was when that began.
    #[inline(never)]
    pub(crate) fn reading(&mut self) -> usize {
        if self.stage_flag(flag::READING) {
            self.bump = self.in_stage(at::BUMP);
            return self.in_stage(at::CURRENT);
        }
        self.set_stage_flag(flag::READING, true);
        self.put_in_stage(at::BUMP, self.bump);
        // Who comes back behind the last row, as a LEFT JOIN does, finds none.
        let first = self.first_entry();
        self.put_in_stage(at::CURRENT, first);
        first
    }

    /// Forgets the last entry.
    pub(crate) fn forget_last(&mut self) {
        let last = self.in_stage(at::LAST);
        let count = self.in_stage(at::COUNT);
        self.put_in_stage(at::USED, last);
        self.put_in_stage(at::COUNT, count.saturating_sub(1));
        self.find_last();
    }

    /// Looks for the last entry.
    pub(crate) fn find_last(&mut self) {
        let used = self.in_stage(at::USED);
        let mut entry = self.first_entry();
        let mut last = entry;
        while entry < used {
            last = entry;
            entry += self.field(entry).max(HEAD);
        }
        self.put_in_stage(at::LAST, last);
    }

    /// Makes room for an entry of `len` bytes before another one; false if it is not its turn.
    pub(crate) fn make_room(&mut self, entry: usize, len: usize) -> Result<bool> {
        let limit = self.in_stage(at::LIMIT);
        loop {
            let used = self.in_stage(at::USED);
            if used + len <= limit {
                self.shift(entry, used.saturating_sub(entry), entry + len);
                self.put_in_stage(at::USED, used + len);
                let count = self.in_stage(at::COUNT);
                self.put_in_stage(at::COUNT, count + 1);
                let last = self.in_stage(at::LAST);
                self.put_in_stage(at::LAST, if entry >= used { entry } else { last + len });
                return Ok(true);
            }
            if self.in_stage(at::COUNT) == 0 {
                return Err(self.stage_limit(len + used - limit.min(used)));
            }
            self.set_stage_flag(flag::MORE, true);
            if entry >= used {
                return Ok(false);
            }
            self.forget_last();
        }
    }

    // ---- ORDER BY

    /// Most rows that a sorter needs, by LIMIT and OFFSET.
    pub(crate) fn wanted(&self) -> Option<i64> {
        let limit = self.in_stage8(at::A);
        let offset = self.in_stage8(at::B);
        if limit == 0xff {
            return None;
        }
        let limit = self.local(limit.into()).as_integer().filter(|&limit| limit >= 0)?;
        let offset = if offset == 0xff { 0 } else { self.local(offset.into()).as_integer().unwrap_or(0).max(0) };
        limit.checked_add(offset)
    }

    pub(crate) fn sort_insert(&mut self) -> Result<()> {
        self.enter_stage();
        let (columns, keys) = (self.operand(), self.u16());
        let orders = self.pc;
        self.pc += keys;
        let sequence = self.next_sequence();
        let order = self.get8(orders);
        let first = self.sp.saturating_sub(keys * CELL);
        let ranked = cfg!(fast) && keys != 0 && order & 8 == 0;
        // Most rows are told by the beginning of their key, which needs not be written for that. (It is where code is to be small.)
        if ranked && key::rank(self.value_at(first), order & 1 != 0) > self.get32(self.stage + at::RANK) {
            self.sp = first;
            return Ok(());
        }
        let unique = self.in_stage8(at::KIND) == stage::UNIQUE;
        let key = self.make_key(orders, keys, if unique { None } else { Some(sequence) })?;
        self.sort_key(key, columns)?;
        if ranked {
            self.set_rank(order & 1 != 0);
        }
        Ok(())
    }

    /// Keeps the rank of the last entry, if no row behind it is wanted.
    fn set_rank(&mut self, descending: bool) {
        let count = self.in_stage(at::COUNT);
        let full = self.stage_flag(flag::MORE) || self.wanted().is_some_and(|most| count as i64 >= most);
        if full && count != 0 {
            let rank = key::rank_of(self.entry_key(self.in_stage(at::LAST)), descending);
            self.put32(self.stage + at::RANK, rank);
        }
    }

    /// The row of so many columns on the stack is kept by a key in the scratch, if it is its turn.
    pub(crate) fn sort_key(&mut self, key: usize, columns: usize) -> Result<()> {
        let Some((entry, false)) = self.search(key) else { return Ok(()) };
        // With a LIMIT, rows behind the last that is wanted are of no use.
        let wanted = self.wanted();
        let full = wanted.is_some_and(|wanted| self.in_stage(at::COUNT) as i64 >= wanted);
        if full && entry >= self.in_stage(at::USED) {
            return Ok(());
        }
        let bump = self.bump;
        self.bump += key;
        let (record, len) = self.make_record(self.sp.saturating_sub(columns * CELL), columns)?;
        self.bump = bump;
        if full {
            self.forget_last();
        }
        let size = HEAD + key + len;
        if self.make_room(entry, size)? {
            self.put_entry(entry, size, key);
            self.shift(record, len, entry + HEAD + key);
        }
        Ok(())
    }

    pub(crate) fn sort_next(&mut self) -> Result<()> {
        self.turn()?;
        self.enter_stage();
        let (columns, depth) = (self.operand(), self.operand());
        self.sp = self.layout.stack + depth * CELL;
        let entry = self.reading();
        if entry >= self.in_stage(at::USED) {
            self.jump_if(true);
            return Ok(());
        }
        let (size, key) = (self.field(entry), self.field(entry + 2));
        self.put_in_stage(at::CURRENT, entry + size);
        self.push_record(entry + HEAD + key, size.saturating_sub(HEAD + key), columns)?;
        self.jump_if(false);
        Ok(())
    }

    /// The value at an offset of the program's stack.
    pub(crate) fn value_at(&self, at: usize) -> Value<'_> {
        self.view().at(at)
    }
}
