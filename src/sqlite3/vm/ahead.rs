//! The instructions that most rows are made of, without a way through the table of functions.
//!
//! Contract: only where code is to be fast. Behind an instruction that gives a row, the machine runs ahead: it does what a
//! scan, a filter, an aggregate or a sorter asks of nearly every row, in the commonest case of each. It stops before the
//! first instruction that is another one or is not that case, with nothing of it done: its function does it. No loop goes
//! round in here, as each has an instruction that looks for a row.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell};
use super::stage::{HEAD, at, flag};
use super::{Machine, STAGE};
use crate::sqlite3::aggregate::{self, Accumulator};
use crate::sqlite3::function::Id;
use crate::sqlite3::key::{self, Reader};
use crate::sqlite3::program::{Comparison, Op, chunk, chunk_mut, word};
use crate::sqlite3::record;
use crate::sqlite3::value::Value;

// Bytes of instructions: a filter's are those behind the column, a sorter's those before the orders of its keys.
const COLUMN_LEN: usize = 3;
const ROWID_LEN: usize = 2;
const FILTER_LEN: usize = 7;
const STEP_LEN: usize = 6;
const SORT_LEN: usize = 5;

/// The most columns and keys of a row that is passed over.
const PUSHES: usize = 8;

const COLUMN: u8 = Op::Column as u8;
const ROWID: u8 = Op::Rowid as u8;
const PARAMETER: u8 = Op::Param as u8;
const COMPARE: u8 = Op::Compare as u8;
const IF_NOT: u8 = Op::IfNot as u8;
const JUMP: u8 = Op::Jump as u8;
const STEP: u8 = Op::GroupStep as u8;
const SORT: u8 = Op::SortInsert as u8;

const COUNT: u8 = Id::Count as u8;
const SUM: u8 = Id::Sum as u8;
const TOTAL: u8 = Id::Total as u8;
const AVG: u8 = Id::Avg as u8;

impl Machine<'_> {
    /// Runs ahead as far as it goes.
    #[inline(never)]
    pub(crate) fn ahead(&mut self) {
        if self.program.most.stages != 0 && matches!(self.get8(self.pc), COLUMN | ROWID) {
            self.passed_over();
        }
        while self.one_ahead().is_some() {}
    }

    /// One instruction, or a column and what is done with it.
    #[inline(always)]
    fn one_ahead(&mut self) -> Option<()> {
        let [code, first, second] = *chunk(self.arena, self.pc)?;
        match code {
            COLUMN => {
                let cell = self.column_short([first, second])?;
                return self.with_column(cell);
            }
            ROWID if second != COMPARE => {
                let rowid = self.rowid_short(first)?;
                self.push(Cell::integer(rowid));
                self.pc += ROWID_LEN;
            }
            STEP => {
                let [_, stage, field, COUNT, 0] = *chunk(self.arena, self.pc)? else { return None };
                self.accumulate(stage, field, Id::Count, None)?;
                self.pc += STEP_LEN;
            }
            SORT => return self.dropped(),
            JUMP => self.pc = u16::from_le_bytes([first, second]).into(),
            _ => return None,
        }
        Some(())
    }

    /// What follows a column: a filter with a parameter, or the step of a sum; otherwise it is pushed.
    #[inline(always)]
    fn with_column(&mut self, cell: Cell) -> Option<()> {
        let behind = self.pc + COLUMN_LEN;
        match *chunk(self.arena, behind)? {
            [PARAMETER, number, COMPARE, how, IF_NOT, low, high] => {
                let right = match *self.parameters.get(usize::from(number.wrapping_sub(1)))? {
                    Value::Real(real) => Cell::real(real),
                    Value::Integer(integer) => Cell::integer(integer),
                    _ => return None,
                };
                let holds = Comparison(how).of_numbers(cell, right)?;
                self.pc = if holds { behind + FILTER_LEN } else { u16::from_le_bytes([low, high]).into() };
            }
            [STEP, stage, field, SUM | TOTAL | AVG, 1, ..] if cell.is_number() => {
                self.accumulate(stage, field, Id::Sum, Some(cell.number_value()))?;
                self.pc = behind + STEP_LEN;
            }
            [COMPARE, ..] => return None,
            _ => {
                self.push(cell);
                self.pc = behind;
            }
        }
        Some(())
    }

    /// A step of an aggregate, if its group is at hand and has seen something.
    #[inline(always)]
    fn accumulate(&mut self, stage: u8, field: u8, id: Id, value: Option<Value<'_>>) -> Option<()> {
        let block = chunk::<STAGE>(self.arena, self.layout.stages + usize::from(stage) * STAGE)?;
        if block[at::FLAGS] & flag::LOST != 0 {
            return None;
        }
        let entry = usize::from(word(block, at::CURRENT));
        let mut place = entry + HEAD + self.field(entry + 2);
        for _ in 0..field {
            place += 2 + self.field(place);
        }
        if self.field(place) != Accumulator::SIZE {
            return None;
        }
        aggregate::step(chunk_mut(self.arena, place + 2)?, id, value);
        Some(())
    }

    /// A row of columns that a sorter does not want is passed over before they are pushed.
    #[inline(never)]
    fn passed_over(&mut self) -> Option<()> {
        // Where the instructions stand that push its columns and its keys.
        let mut pushes = [0; PUSHES];
        let (mut count, mut place) = (0, self.pc);
        loop {
            let len = match self.get8(place) {
                COLUMN => COLUMN_LEN,
                ROWID => ROWID_LEN,
                _ => break,
            };
            *pushes.get_mut(count)? = place;
            (count, place) = (count + 1, place + len);
        }
        let [SORT, _, columns, low, high] = *chunk(self.arena, place)? else { return None };
        let columns = usize::from(columns);
        if count != columns + usize::from(u16::from_le_bytes([low, high])) {
            return None;
        }
        let [COLUMN, cursor, column] = *chunk(self.arena, *pushes.get(columns)?)? else { return None };
        let key = self.column_short([cursor, column])?;
        self.not_wanted(place, key)
    }

    /// A row that a sorter does not want, whose columns and keys are on the stack.
    #[inline(never)]
    fn dropped(&mut self) -> Option<()> {
        let [_, _, _, low, high] = *chunk(self.arena, self.pc)?;
        let first = self.sp.checked_sub(usize::from(u16::from_le_bytes([low, high])) * CELL)?;
        self.not_wanted(self.pc, Cell::read(self.arena, first))?;
        self.sp = first;
        Some(())
    }

    /// A row that a sorter does not want, as the rank of its first key tells. The sorter's instruction is there.
    #[inline(always)]
    fn not_wanted(&mut self, place: usize, key: Cell) -> Option<()> {
        let [_, stage, _, low, high, order] = *chunk(self.arena, place)?;
        let keys = usize::from(u16::from_le_bytes([low, high]));
        let stage = self.layout.stages + usize::from(stage) * STAGE;
        let ranked = keys != 0 && order & 8 == 0 && key.is_number();
        if !ranked || key::rank(key.number_value(), order & 1 != 0) <= self.get32(stage + at::RANK) {
            return None;
        }
        self.stage = stage;
        self.next_sequence();
        self.pc = place + SORT_LEN + keys;
        Some(())
    }

    /// The value of a column, if the row is at hand and all serial types up to it have one byte; otherwise
    /// [`Machine::column`] must see to it.
    #[inline(always)]
    fn column_short(&mut self, which: [u8; 2]) -> Option<Cell> {
        let known = self.row.which == u16::from_le_bytes(which) || self.read_short(which).is_some();
        known.then_some(self.row.cell)
    }

    #[inline(always)]
    fn read_short(&mut self, which: [u8; 2]) -> Option<()> {
        let [cursor, column] = which;
        if self.row.which as u8 != cursor {
            return None;
        }
        let (start, len) = self.row.place();
        let serial = self.row.walk.find_short(self.arena.get(start..start + len)?, column)?;
        let (body, size) = (usize::from(self.row.walk.body), record::body_size(serial));
        if body + size > len {
            return None;
        }
        self.row.cell = if serial < 12 {
            // (It is quicker to read on behind a number.)
            Cell::number(record::decode(serial, self.arena.get(start + body..)?).ok()?)
        } else {
            Cell::in_arena(serial & 1 == 0, start + body, size)
        };
        self.row.which = u16::from_le_bytes(which);
        Some(())
    }

    /// The rowid of a cursor's row, if the row is at hand and it is known where it stands in the key.
    #[inline(always)]
    fn rowid_short(&self, cursor: u8) -> Option<i64> {
        if self.row.which as u8 != cursor || self.row.rowid == 0 {
            return None;
        }
        Reader::new(self.arena.get(usize::from(self.row.rowid)..)?, 0).rowid().ok()
    }
}
