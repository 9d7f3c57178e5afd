//! Stages: what sorts, groups and remembers rows in a fixed stretch of the lent bytes.
//!
//! Contract: ORDER BY, GROUP BY and the like are one operator: it keeps the smallest keys above a watermark, as many as
//! fit, and forgets the larger ones. When the loops have run through, what was kept is complete and comes out in order;
//! if anything was forgotten, the loops run again, with the last key as the watermark. Memory decides how
//! often they run, never what comes out.
//!
//! A stage in the lent bytes:
//!
//! ```text
//! kind u8 · flags u8 · area: begin u16, end u16 · end of entries u16 · entries u16 · length of the watermark u16
//! · rows seen u32 · first row of the chunk u32 · first row behind it u32 · entry at hand u16 · two numbers u8 · phase u8
//! · last entry u16 · rank above which no key is kept u32 · end of the scratch when reading began u16
//! ```
//!
//! In the area: the watermark, then entries in the order of their keys: length u16 · length of the key u16 · key · the rest.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, View};
use super::error::{Error, ErrorKind};
use super::key::{self, Writer};
use super::program::{chunk, word};
use super::schema;
use super::stage;
use super::value::Value;
use super::vm::{Machine, Result, STAGE};

/// Fields of a stage.
#[rustfmt::skip]
pub(crate) mod at {
    pub(crate) const KIND: usize = 0;
    pub(crate) const FLAGS: usize = 1;
    pub(crate) const AREA: usize = 2;
    pub(crate) const LIMIT: usize = 4;
    pub(crate) const USED: usize = 6;
    pub(crate) const COUNT: usize = 8;
    pub(crate) const MARK: usize = 10;
    pub(crate) const SEQUENCE: usize = 12;
    pub(crate) const FROM: usize = 16;
    pub(crate) const BEHIND: usize = 20;
    pub(crate) const CURRENT: usize = 24;
    pub(crate) const A: usize = 26;
    pub(crate) const B: usize = 27;
    pub(crate) const PHASE: usize = 28;
    pub(crate) const LAST: usize = 30;
    pub(crate) const RANK: usize = 32;
    pub(crate) const BUMP: usize = 36;
}

/// Flags of a stage.
#[rustfmt::skip]
pub(crate) mod flag {
    /// Something was forgotten: another pass is needed.
    pub(crate) const MORE: u8 = 1;
    /// There is a watermark.
    pub(crate) const MARKED: u8 = 2;
    /// The group at hand is new.
    pub(crate) const FRESH: u8 = 4;
    /// This row gives the bare columns.
    pub(crate) const HIT: u8 = 8;
    /// The group at hand was forgotten.
    pub(crate) const LOST: u8 = 16;
    /// Reading has begun.
    pub(crate) const READING: u8 = 32;
}

/// Bytes before the key of an entry.
pub(crate) const HEAD: usize = 4;

impl Machine<'_> {
    /// The stage whose number is the next operand becomes the one at hand.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn enter_stage(&mut self) {
        self.stage = self.layout.stages + self.u8() * STAGE;
    }

    /// A field of the stage at hand.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn in_stage(&self, field: usize) -> usize {
        self.field(self.stage + field)
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put_in_stage(&mut self, field: usize, value: usize) {
        self.set_field(self.stage + field, value);
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn in_stage8(&self, field: usize) -> u8 {
        self.get8(self.stage + field)
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn get8(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put8(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.arena.get_mut(at) {
            *place = byte;
        }
    }

    pub(crate) fn get32(&self, at: usize) -> u32 {
        self.arena.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    pub(crate) fn put32(&mut self, at: usize, value: u32) {
        if let Some(place) = self.arena.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *place = value.to_le_bytes();
        }
    }

    pub(crate) fn stage_flag(&self, bit: u8) -> bool {
        self.in_stage8(at::FLAGS) & bit != 0
    }

    pub(crate) fn set_stage_flag(&mut self, bit: u8, on: bool) {
        let flags = self.in_stage8(at::FLAGS);
        self.put8(self.stage + at::FLAGS, if on { flags | bit } else { flags & !bit });
    }

    /// The stage's area is too small for what it must hold.
    pub(crate) fn stage_limit(&self, more: usize) -> Error {
        let stages = usize::from(self.program.most.stages).max(1);
        Error::limit(self.arena.len() + (more.max(16) * stages * 4).div_ceil(3))
    }

    /// A stage begins: nothing was seen.
    pub(crate) fn stage_start(&mut self) -> Result<()> {
        self.enter_stage();
        let (kind, a, b) = (self.operand(), self.operand(), self.operand());
        let (stage, share) = (self.stage, self.layout.share);
        let area = self.layout.areas + (stage - self.layout.stages) / STAGE * share;
        if let Some(block) = self.arena.get_mut(stage..stage + STAGE) {
            block.fill(0);
        }
        self.put8(self.stage + at::KIND, kind as u8);
        self.put_in_stage(at::AREA, area);
        self.put_in_stage(at::LIMIT, area + share);
        self.put_in_stage(at::USED, area);
        self.put8(self.stage + at::A, a as u8);
        self.put8(self.stage + at::B, b as u8);
        if kind as u8 != stage::ROWSET {
            self.state.seen = self.session.writes;
        }
        Ok(())
    }

    /// A pass begins: what the last one kept came out, its largest key is the watermark.
    pub(crate) fn stage_pass(&mut self) -> Result<()> {
        self.enter_stage();
        let area = self.in_stage(at::AREA);
        let kind = self.in_stage8(at::KIND);
        if kind == stage::DISTINCT {
            return Ok(());
        }
        if matches!(kind, stage::SORT | stage::UNIQUE | stage::UNITED | stage::GROUP) && self.stage_flag(flag::MORE) {
            let last = self.in_stage(at::LAST);
            let len = self.field(last + 2);
            self.shift(last + HEAD, len, area);
            self.put_in_stage(at::MARK, len);
            self.set_stage_flag(flag::MARKED, true);
        }
        let start = area + self.in_stage(at::MARK);
        self.put_in_stage(at::USED, start);
        self.put_in_stage(at::COUNT, 0);
        self.put_in_stage(at::CURRENT, 0);
        self.put32(self.stage + at::SEQUENCE, 0);
        self.put32(self.stage + at::RANK, u32::MAX);
        self.set_stage_flag(flag::MORE | flag::READING, false);
        if self.in_stage8(at::KIND) == stage::SINGLE {
            self.new_group(start);
        }
        Ok(())
    }

    /// Jumps back if another pass is needed.
    pub(crate) fn stage_more(&mut self) -> Result<()> {
        self.turn()?;
        self.enter_stage();
        let mut more = self.stage_flag(flag::MORE);
        if self.in_stage8(at::KIND) == stage::DISTINCT {
            more = self.distinct_more();
        }
        if more && self.session.writes != self.state.seen {
            return Err(ErrorKind::Busy.into());
        }
        if !more {
            self.bump = self.bump.max(self.layout.scratch);
        }
        self.jump_if(more);
        Ok(())
    }

    /// Rows that were gathered once must all have found room.
    pub(crate) fn stage_once(&mut self) -> Result<()> {
        self.enter_stage();
        if self.stage_flag(flag::MORE) { Err(self.stage_limit(256)) } else { Ok(()) }
    }

    pub(crate) fn next_sequence(&mut self) -> u32 {
        let sequence = self.get32(self.stage + at::SEQUENCE);
        self.put32(self.stage + at::SEQUENCE, sequence.wrapping_add(1));
        sequence
    }

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
        let ranked = keys != 0 && order & 8 == 0;
        // Most rows are told by the beginning of their key, which needs not be written for that.
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

    // ---- groups: where they are

    /// Room for a new group's entry, its fields empty: one for each aggregate, one for the bare columns, one for each set of values seen.
    pub(crate) fn new_group(&mut self, entry: usize) {
        let fields = 2 * usize::from(self.in_stage8(at::A)) + 1;
        let size = HEAD + 2 * fields;
        self.arena.get_mut(entry..entry + size).unwrap_or_default().fill(0);
        self.set_field(entry, size);
        self.put_in_stage(at::USED, entry + size);
        self.put_in_stage(at::COUNT, 1);
        self.put_in_stage(at::LAST, entry);
        self.put_in_stage(at::CURRENT, entry);
        self.set_stage_flag(flag::FRESH, true);
        self.set_stage_flag(flag::LOST, false);
    }

    pub(crate) fn group_find(&mut self) -> Result<()> {
        self.enter_stage();
        let keys = self.u16();
        let orders = self.pc;
        self.pc += keys;
        let len = self.make_key(orders, keys, None)?;
        let Some((entry, known)) = self.search(len) else {
            self.jump_if(true);
            return Ok(());
        };
        self.set_stage_flag(flag::FRESH, !known);
        self.set_stage_flag(flag::LOST, false);
        if !known {
            let fields = 2 * usize::from(self.in_stage8(at::A)) + 1;
            let size = HEAD + len + 2 * fields;
            if !self.make_room(entry, size)? {
                self.jump_if(true);
                return Ok(());
            }
            self.put_entry(entry, size, len);
            self.arena.get_mut(entry + HEAD + len..entry + size).unwrap_or_default().fill(0);
        }
        self.put_in_stage(at::CURRENT, entry);
        self.jump_if(false);
        Ok(())
    }

    /// A field of the group at hand: offset of its bytes, and how many they are.
    pub(crate) fn group_field(&self, field: usize) -> (usize, usize) {
        let entry = self.in_stage(at::CURRENT);
        let mut place = entry + HEAD + self.field(entry + 2);
        for _ in 0..field {
            place += 2 + self.field(place);
        }
        (place + 2, self.field(place))
    }

    /// Makes a field of the group at hand `len` bytes long, and gives its offset; `None` if the group is forgotten for that.
    pub(crate) fn resize_field(&mut self, field: usize, len: usize) -> Result<Option<usize>> {
        let (place, before) = self.group_field(field);
        if len == before {
            return Ok(Some(place));
        }
        let limit = self.in_stage(at::LIMIT);
        loop {
            let used = self.in_stage(at::USED);
            if used + len - before.min(used + len) <= limit {
                let entry = self.in_stage(at::CURRENT);
                self.shift(place + before, used.saturating_sub(place + before), place + len);
                self.set_field(place - 2, len);
                self.set_field(entry, self.field(entry) + len - before);
                self.put_in_stage(at::USED, used + len - before);
                let last = self.in_stage(at::LAST);
                if last > entry {
                    self.put_in_stage(at::LAST, last + len - before);
                }
                return Ok(Some(place));
            }
            if self.in_stage(at::COUNT) <= 1 {
                return Err(self.stage_limit(len - before));
            }
            let last = self.in_stage(at::LAST);
            self.set_stage_flag(flag::MORE, true);
            self.forget_last();
            if last == self.in_stage(at::CURRENT) {
                self.set_stage_flag(flag::LOST, true);
                return Ok(None);
            }
        }
    }

    pub(crate) fn group_next(&mut self) -> Result<()> {
        self.turn()?;
        self.enter_stage();
        let depth = self.operand();
        self.sp = self.layout.stack + depth * CELL;
        let begun = self.stage_flag(flag::READING);
        let mut entry = self.reading();
        if begun && entry < self.in_stage(at::USED) {
            entry += self.field(entry);
        }
        self.put_in_stage(at::CURRENT, entry);
        let done = entry >= self.in_stage(at::USED);
        self.jump_if(done);
        Ok(())
    }

    /// The value at an offset of the program's stack.
    pub(crate) fn value_at(&self, at: usize) -> Value<'_> {
        self.view().at(at)
    }
}
