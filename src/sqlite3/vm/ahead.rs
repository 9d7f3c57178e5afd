//! Rows that a loop is done with quickly.
//!
//! Contract: only where code is to be fast. Most rows of a loop have little done to them: a column is compared with a
//! constant and the row is not wanted, or it goes into sums, or a sorter does not want it. Behind an instruction that gives
//! a row, the instructions for that are read once, as a [`Plan`], and rows are run through by it, up to one for which it is
//! not enough, because a value is of an uncommon kind or because something else is to be done with the row. With that row
//! the machine goes on, at the first instruction that was not done for it.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod plan;

use super::cell::Cell;
use super::rows::Block;
use super::{Machine, Result};
use crate::sqlite3::aggregate;
use crate::sqlite3::function::Id;
use crate::sqlite3::key::{self, Reader};
use crate::sqlite3::program::{Op, chunk, chunk_mut};
use crate::sqlite3::record;
use crate::sqlite3::record::short::{Place, ShortWalk};
use crate::sqlite3::value::Value;
use plan::{Act, Filter, Plan, What};

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
            let done = match act.what {
                What::Column(column) => self.column_short(&mut walk, column).map(|found| cell = found),
                What::Rowid => self.rowid_short().map(|found| cell = found),
                What::Filter(filter) => match filter.holds(cell) {
                    Some(false) => {
                        self.pc = filter.target.into();
                        return self.pc == next;
                    }
                    known => known.map(|_| ()),
                },
                What::Count(_) if cell.is_null() => Some(()),
                What::Count(state) | What::CountRow(state) => self.add(state, Id::Count, None),
                What::Sum(_) if cell.is_stretch() => None,
                What::Sum(state) => self.add(state, Id::Sum, Some(cell)),
                What::Sort { stage, rank, descending } => {
                    if !cell.is_stretch() && key::rank(cell.number_value(), descending) > rank {
                        self.stage = stage.into();
                        self.next_sequence();
                        return true;
                    }
                    None
                }
            };
            if done.is_none() {
                self.pc = act.pc.into();
                return false;
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
        let (start, len) = self.row.place();
        let Place { serial, body, size } = walk.find(self.arena.get(start..start + len)?, column)?;
        // (It is quicker to read on behind a number.)
        Some(match record::decode(serial, self.arena.get(start + body..)?).ok()? {
            Value::Text(_) => Cell::in_arena(false, start + body, size),
            Value::Blob(_) => Cell::in_arena(true, start + body, size),
            number => Cell::number(number),
        })
    }

    /// A step of the accumulator at this place.
    #[inline(always)]
    fn add(&mut self, state: u16, id: Id, value: Option<Cell>) -> Option<()> {
        aggregate::step(chunk_mut(self.arena, state.into())?, id, value.map(Cell::number_value));
        Some(())
    }

    /// The rowid of the row at hand, if it is known where it stands in the key.
    #[inline(always)]
    fn rowid_short(&self) -> Option<Cell> {
        let at = Some(usize::from(self.row.rowid)).filter(|at| *at != 0)?;
        Reader::new(self.arena.get(at..)?, 0).rowid().ok().map(Cell::integer)
    }
}

impl Filter {
    /// Whether a value is as the filter wants it; `None` if that is not told so quickly.
    #[inline(always)]
    fn holds(&self, cell: Cell) -> Option<bool> {
        match plan::place(cell) {
            Some(place) => Some((self.low <= place && place <= self.high) != self.outside),
            None => cell.is_null().then_some(false),
        }
    }
}
