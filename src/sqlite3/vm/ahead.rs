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
use crate::sqlite3::key;
use crate::sqlite3::program::{Comparison, Op, chunk, chunk_mut, word};
use crate::sqlite3::value::Value;

/// Bytes of the program that are looked at together, and those of a column's instruction and of a step's.
const SIGHT: usize = 10;
const COLUMN_LEN: usize = 3;
const STEP_LEN: usize = 6;

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
        while self.one_ahead().is_some() {}
    }

    /// One instruction, or several that are met together.
    #[inline(always)]
    fn one_ahead(&mut self) -> Option<()> {
        let code: [u8; SIGHT] = *chunk(self.arena, self.pc)?;
        match code {
            [COLUMN, cursor, column, PARAMETER, number, COMPARE, how, IF_NOT, low, high] => {
                let left = self.column_short([cursor, column])?;
                let right = match *self.parameters.get(usize::from(number.wrapping_sub(1)))? {
                    Value::Real(real) => Cell::real(real),
                    Value::Integer(integer) => Cell::integer(integer),
                    _ => return None,
                };
                let holds = Comparison(how).of_numbers(left, right)?;
                self.pc = if holds { self.pc + SIGHT } else { u16::from_le_bytes([low, high]).into() };
            }
            [COLUMN, cursor, column, STEP, stage, field, SUM | TOTAL | AVG, 1, ..] => {
                let cell = self.column_short([cursor, column]).filter(|cell| !cell.is_stretch())?;
                self.accumulate(stage, field, Id::Sum, Some(cell.number_value()))?;
                self.pc += COLUMN_LEN + STEP_LEN;
            }
            [STEP, stage, field, COUNT, 0, ..] => {
                self.accumulate(stage, field, Id::Count, None)?;
                self.pc += STEP_LEN;
            }
            [COLUMN, _, _, COMPARE, ..] | [ROWID, _, COMPARE, ..] => return None,
            [COLUMN, cursor, column, ..] => {
                let cell = self.column_short([cursor, column])?;
                self.push(cell);
                self.pc += COLUMN_LEN;
            }
            [ROWID, cursor, ..] => {
                let rowid = self.rowid_short(cursor)?;
                self.push(Cell::integer(rowid));
                self.pc += 2;
            }
            [SORT, stage, _, low, high, order, ..] => self.not_wanted(stage, u16::from_le_bytes([low, high]), order)?,
            [JUMP, low, high, ..] => self.pc = u16::from_le_bytes([low, high]).into(),
            _ => return None,
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

    /// A row that a sorter does not want, as the rank of its first key tells.
    #[inline(never)]
    fn not_wanted(&mut self, stage: u8, keys: u16, order: u8) -> Option<()> {
        let first = self.sp.checked_sub(usize::from(keys) * CELL).filter(|_| keys != 0 && order & 8 == 0)?;
        let cell = Cell::read(self.arena, first);
        let stage = self.layout.stages + usize::from(stage) * STAGE;
        if !cell.is_number() || key::rank(cell.number_value(), order & 1 != 0) <= self.get32(stage + at::RANK) {
            return None;
        }
        self.stage = stage;
        self.next_sequence();
        self.sp = first;
        self.pc += 5 + usize::from(keys);
        Some(())
    }
}
