//! The machine's instructions for aggregates, on the group at hand.
//!
//! The fields of a group: one for each aggregate, then the bare columns as a record, then for each aggregate the values it has
//! seen, for DISTINCT. An aggregate keeps an [`Accumulator`], a record of one value (min, max), or a text (group_concat).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell};
use super::stage::{HEAD, at, flag};
use super::{Machine, Result};
use crate::sqlite3::aggregate::{self, Accumulator};
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::function::Id;
use crate::sqlite3::record;
use crate::sqlite3::schema;
use crate::sqlite3::value::Value;

impl Machine<'_> {
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
        self.group_field_of(self.stage, field)
    }

    /// A field of the group at hand in a stage.
    #[cfg_attr(fast, inline)]
    pub(crate) fn group_field_of(&self, stage: usize, field: usize) -> (usize, usize) {
        let entry = self.field(stage + at::CURRENT);
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

    // ---- aggregates

    /// A step of an aggregate.
    pub(crate) fn group_step(&mut self) -> Result<()> {
        self.enter_stage();
        let [field, id, arguments, collation] = self.fixed();
        let (field, arguments) = (usize::from(field), usize::from(arguments));
        let first = self.sp.saturating_sub(arguments * CELL);
        self.sp = first;
        if self.stage_flag(flag::LOST) {
            return Ok(());
        }
        let Some(id) = Id::numbered(id) else { return Err(ErrorKind::Internal.into()) };
        if matches!(id, Id::AggregateMin | Id::AggregateMax) {
            return self.extreme(field, id, first, collation);
        }
        if id == Id::GroupConcat {
            return self.concat(field, first, arguments);
        }
        let (mut place, len) = self.group_field(field);
        if len == 0 {
            match self.new_accumulator(field)? {
                Some(found) => place = found,
                None => return Ok(()),
            }
        }
        let cell = if arguments == 0 { Cell::NULL } else { Cell::read(self.arena, first) };
        if cell.is_stretch() && id != Id::Count {
            // What its bytes say does not depend on the state.
            return self.step_by_bytes(place, id, cell);
        }
        let value = (arguments != 0 && !cell.is_stretch()).then(|| cell.number_value());
        if let Some(state) = crate::sqlite3::program::chunk_mut(self.arena, place) {
            aggregate::step(state, id, value);
        }
        Ok(())
    }

    /// A step with a text or a blob.
    #[inline(never)]
    fn step_by_bytes(&mut self, place: usize, id: Id, cell: Cell) -> Result<()> {
        let number = aggregate::number(self.value_of(cell));
        if let Some(state) = self.arena.get_mut(place..).and_then(|rest| rest.first_chunk_mut()) {
            aggregate::step(state, id, Some(number));
        }
        Ok(())
    }

    /// The place of an accumulator that saw nothing yet; `None` if the group was forgotten for that.
    #[inline(never)]
    fn new_accumulator(&mut self, field: usize) -> Result<Option<usize>> {
        let place = self.resize_field(field, Accumulator::SIZE)?;
        if let Some(place) = place
            && let Some(bytes) = self.arena.get_mut(place..place + Accumulator::SIZE)
        {
            bytes.fill(0);
        }
        Ok(place)
    }

    /// min and max: the field holds a record of the best value so far.
    #[inline(never)]
    fn extreme(&mut self, field: usize, id: Id, first: usize, collation: u8) -> Result<()> {
        let (place, len) = self.group_field(field);
        let kept = self.bytes(place, len);
        let best = if len == 0 { Value::Null } else { record::column(kept, 0)?.unwrap_or(Value::Null) };
        let better = aggregate::replaces(id, best, self.value_at(first), schema::collation(collation));
        self.set_stage_flag(flag::HIT, better || len == 0);
        // The last min or max decides which row gives the bare columns.
        self.put8(self.stage + at::PHASE, 1);
        if better {
            self.keep_record(field, first, 1)?;
        }
        Ok(())
    }

    /// group_concat: the field holds the text so far, and before it a byte, so that an empty text is not nothing.
    #[inline(never)]
    fn concat(&mut self, field: usize, first: usize, arguments: usize) -> Result<()> {
        if self.value_at(first).is_null() {
            return Ok(());
        }
        let (_, len) = self.group_field(field);
        let bump = self.bump;
        let more = self.make(&mut |view, scratch, _| {
            let separator = (arguments > 1).then(|| view.at(first + CELL));
            aggregate::group_concat(len == 0, view.at(first), separator, scratch);
            Ok(Value::Text(scratch.finish()?))
        })?;
        self.bump = bump;
        let (start, more) = more.in_arena_at().unwrap_or((0, 0));
        let begin = usize::from(len == 0);
        if let Some(place) = self.resize_field(field, len + begin + more)? {
            self.shift(start, more, place + len + begin);
        }
        Ok(())
    }

    /// Drops the argument and jumps if the group's aggregate saw it before.
    pub(crate) fn group_seen(&mut self) -> Result<()> {
        self.enter_stage();
        let (field, collation) = (self.operand(), self.operand());
        let value = self.peek(0);
        if self.stage_flag(flag::LOST) || value.is_null() {
            self.pop();
            self.jump_if(true);
            return Ok(());
        }
        let set = usize::from(self.in_stage8(at::A)) + 1 + field;
        let order = schema::order((collation as u8) << 1);
        let at = self.sp.saturating_sub(CELL);
        let (bump, key) = (
            self.bump,
            self.write_key(usize::MAX, &mut |view, writer| {
                writer.column(view.at(at), order);
            })?,
        );
        let (place, len) = self.group_field(set);
        let mut known = place;
        let mut seen = false;
        while known < place + len {
            let size = self.field(known);
            if self.bytes(known + 2, size) == self.bytes(bump, key) {
                seen = true;
                break;
            }
            known += 2 + size;
        }
        if !seen {
            match self.resize_field(set, len + 2 + key)? {
                Some(place) => {
                    self.set_field(place + len, key);
                    self.shift(bump, key, place + len + 2);
                }
                None => seen = true,
            }
        }
        if seen {
            self.pop();
        }
        self.jump_if(seen);
        Ok(())
    }

    /// Jumps unless this row gives the bare columns: the first of the group, or with min or max the one that is it.
    pub(crate) fn group_take(&mut self) -> Result<()> {
        self.enter_stage();
        let fresh = self.stage_flag(flag::FRESH);
        let by_extreme = self.in_stage8(at::PHASE) == 1;
        let take = !self.stage_flag(flag::LOST) && if by_extreme { self.stage_flag(flag::HIT) } else { fresh };
        self.set_stage_flag(flag::FRESH, false);
        self.jump_if(!take);
        Ok(())
    }

    /// Keeps the bare columns.
    pub(crate) fn group_save(&mut self) -> Result<()> {
        self.enter_stage();
        let columns = self.operand();
        let first = self.sp.saturating_sub(columns * CELL);
        self.sp = first;
        let field = usize::from(self.in_stage8(at::A));
        self.keep_record(field, first, columns)
    }

    /// A field of the group becomes a record of cells in a row.
    fn keep_record(&mut self, field: usize, first: usize, columns: usize) -> Result<()> {
        let (record, len) = self.make_record(first, columns)?;
        self.bump = record;
        if let Some(place) = self.resize_field(field, len)? {
            self.shift(record, len, place);
        }
        Ok(())
    }

    /// A bare column of the group at hand.
    pub(crate) fn group_column(&mut self) -> Result<()> {
        self.enter_stage();
        let (which, _, _) = (self.operand(), self.operand(), self.operand());
        let field = usize::from(self.in_stage8(at::A));
        let (place, len) = self.group_field(field);
        let cell = if len == 0 { Cell::NULL } else { self.column_of_record(place, len, which)? };
        self.push(cell);
        Ok(())
    }

    fn column_of_record(&self, place: usize, len: usize, column: usize) -> Result<Cell> {
        let bytes = self.bytes(place, len);
        let value = record::column(bytes, column)?.unwrap_or(Value::Null);
        Ok(super::cell::locate(value, (self.arena.as_ptr() as usize, self.arena.len()), b"").unwrap_or(Cell::NULL))
    }

    /// The result of an aggregate for the group at hand.
    pub(crate) fn group_result(&mut self) -> Result<()> {
        self.enter_stage();
        let (field, id, _, _) = (self.operand(), self.operand(), self.u16(), self.operand());
        let Some(id) = Id::numbered(id as u8) else { return Err(ErrorKind::Internal.into()) };
        let (place, len) = self.group_field(field);
        let cell = match id {
            Id::AggregateMin | Id::AggregateMax if len == 0 => Cell::NULL,
            Id::AggregateMin | Id::AggregateMax => self.column_of_record(place, len, 0)?,
            Id::GroupConcat if len == 0 => Cell::NULL,
            Id::GroupConcat => Cell::in_arena(false, place + 1, len - 1),
            _ => {
                let state = self.arena.get(place..).and_then(|rest| rest.first_chunk()).filter(|_| len != 0);
                let state = state.map_or_else(Accumulator::default, Accumulator::load);
                Cell::number(state.finish(id)?)
            }
        };
        self.push(cell);
        Ok(())
    }
}
