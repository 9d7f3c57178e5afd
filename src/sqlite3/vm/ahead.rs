//! Rows that a loop is done with quickly.
//!
//! Contract: only where code is to be fast. Most rows of a loop have little done to them: a column is compared with a
//! constant and the row is not wanted, or it is counted and added, or it is neither the least nor the largest, or a sorter
//! does not want it. Behind an instruction that gives a row, the instructions for that are read once, as a [`Plan`], and rows
//! are run through by it, up to one for which it is not enough, because a value is of an uncommon kind or because something
//! else is to be done with the row. With that row the machine goes on, at the first instruction that was not done for it.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod plan;
mod reader;

use super::cell::Cell;
use super::rows::Block;
use super::stage::flag;
use super::{Machine, Result};
use crate::sqlite3::aggregate;
use crate::sqlite3::function::Id;
use crate::sqlite3::key::{self, Reader};
use crate::sqlite3::program::{Op, chunk, chunk_mut};
use crate::sqlite3::record;
use crate::sqlite3::record::short::{Place, ShortWalk};
use crate::sqlite3::value::Value;
use plan::{Act, Plan, Range, What};

// Bytes of instructions.
const COLUMN_LEN: usize = 3;
const ROWID_LEN: usize = 2;

const COLUMN: u8 = Op::Column as u8;
const ROWID: u8 = Op::Rowid as u8;
const COMPARE: u8 = Op::Compare as u8;

impl Machine<'_> {
    /// Runs through the rows of a cursor up to one that the machine must see to, which is at hand then; whether there is one.
    /// The cursor's instruction is at `next`, and the machine behind it.
    #[inline(never)]
    pub(super) fn next_wanted(&mut self, next: usize, number: u8, block: &Block) -> Result<bool> {
        let mut plan = Plan::new(self.pc);
        plan.read(self, number, next);
        let (acts, end) = (plan.acts(), plan.end);
        while self.next_row(number, block)? {
            if !self.act(acts, next, end) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does with the row at hand what is planned; whether that is all, and the next row's turn comes. If not, the machine is at
    /// the instruction to go on with.
    #[inline(always)]
    fn act(&mut self, acts: &[Act], next: usize, end: usize) -> bool {
        let (mut walk, mut cell) = (ShortWalk::START, Cell::NULL);
        for act in acts {
            let goes_on = match act.what {
                What::Column(column) => self.column_short(&mut walk, column).map(|found| cell = found).and(Some(true)),
                What::Rowid => self.rowid_short().map(|found| cell = found).and(Some(true)),
                What::Number(range) => range.holds(cell),
                What::Text { constant, hold } => self.text_holds(cell, constant, hold),
                What::Null(null) => Some(cell.is_null() == null),
                What::Count(_) if cell.is_null() => Some(true),
                What::Count(state) | What::CountRow(state) => self.add(state, Id::Count, None),
                What::Sum(_) if cell.is_stretch() => None,
                What::Sum(state) => self.add(state, Id::Sum, Some(cell)),
                What::Extreme { stage, range } => self.is_no_extreme(stage, range, cell),
                What::Sort { stage, rank, descending } => self.is_unwanted(stage, rank, descending, cell),
            };
            match goes_on {
                Some(true) => {}
                Some(false) => {
                    self.pc = act.target.into();
                    return self.pc == next;
                }
                None => {
                    self.pc = act.pc.into();
                    return false;
                }
            }
        }
        self.pc = end;
        end == next
    }

    /// Pushes the columns that are asked for, as long as these are short ways. (What is compared at once is not pushed.)
    #[inline(never)]
    pub(super) fn push_columns(&mut self) {
        let mut walk = ShortWalk::START;
        while self.push_column(&mut walk).is_some() {}
    }

    #[inline(always)]
    fn push_column(&mut self, walk: &mut ShortWalk) -> Option<()> {
        let [code, cursor, third, fourth] = *chunk(self.arena, self.pc)?;
        if self.row.which as u8 != cursor {
            return None;
        }
        let (cell, len) = match code {
            COLUMN if fourth != COMPARE => (self.column_short(walk, third)?, COLUMN_LEN),
            ROWID if third != COMPARE => (self.rowid_short()?, ROWID_LEN),
            _ => return None,
        };
        self.push(cell);
        self.pc += len;
        Some(())
    }

    /// The value of a column of the row at hand, if all serial types up to it have one byte; otherwise
    /// [`Machine::column`] must see to it.
    #[inline(always)]
    fn column_short(&self, walk: &mut ShortWalk, column: u8) -> Option<Cell> {
        self.column_of_short(walk, self.row.place(), column)
    }

    /// The same of the record at an offset, of so many bytes.
    #[inline(always)]
    fn column_of_short(&self, walk: &mut ShortWalk, (start, len): (usize, usize), column: u8) -> Option<Cell> {
        let Place { serial, body, size } = walk.find(self.arena.get(start..start + len)?, column)?;
        // (It is quicker to read on behind a number.)
        Some(match record::decode(serial, self.arena.get(start + body..)?).ok()? {
            Value::Text(_) => Cell::in_arena(false, start + body, size),
            Value::Blob(_) => Cell::in_arena(true, start + body, size),
            number => Cell::number(number),
        })
    }

    /// Whether a text compares so with another one.
    #[inline(always)]
    fn text_holds(&self, cell: Cell, constant: Cell, hold: u8) -> Option<bool> {
        let view = self.view();
        match (view.value(cell), view.value(constant)) {
            (Value::Text(text), Value::Text(constant)) => Some(plan::holds(hold, text.cmp(constant))),
            (Value::Null, _) => Some(false),
            _ => None,
        }
    }

    /// A step of the accumulator at this place.
    #[inline(always)]
    fn add(&mut self, state: u16, id: Id, value: Option<Cell>) -> Option<bool> {
        aggregate::step(chunk_mut(self.arena, state.into())?, id, value.map(Cell::number_value));
        Some(true)
    }

    /// A step of min or max with a value that is not better than the one that is kept.
    #[inline(always)]
    fn is_no_extreme(&mut self, stage: u16, range: Range, cell: Cell) -> Option<bool> {
        if !cell.is_null() && range.holds(cell) != Some(true) {
            return None;
        }
        self.stage = stage.into();
        self.set_stage_flag(flag::HIT, false);
        Some(true)
    }

    /// A row for a sorter that does not want it is done with.
    #[inline(always)]
    fn is_unwanted(&mut self, stage: u16, rank: u32, descending: bool, key: Cell) -> Option<bool> {
        if key.is_stretch() || key::rank(key.number_value(), descending) <= rank {
            return None;
        }
        self.stage = stage.into();
        self.next_sequence();
        Some(false)
    }

    /// The rowid of the row at hand, if it is known where it stands in the key.
    #[inline(always)]
    fn rowid_short(&self) -> Option<Cell> {
        let at = Some(usize::from(self.row.rowid)).filter(|at| *at != 0)?;
        Reader::new(self.arena.get(at..)?, 0).rowid().ok().map(Cell::integer)
    }
}
