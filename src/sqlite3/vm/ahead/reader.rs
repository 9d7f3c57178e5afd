//! Plans are read from the instructions behind one that gives a row.
//!
//! Contract: reading a plan changes nothing. It holds as long as nothing but it is done: constants and the places of
//! accumulators stay where they are, and a sorter keeps what it has.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::plan::{Act, Plan, Range, What};
use super::{COLUMN, COLUMN_LEN, ROWID, ROWID_LEN};
use crate::sqlite3::aggregate::Accumulator;
use crate::sqlite3::function::Id;
use crate::sqlite3::program::{Comparison, Op, chunk};
use crate::sqlite3::record;
use crate::sqlite3::record::short::ShortWalk;
use crate::sqlite3::vm::cell::Cell;
use crate::sqlite3::vm::stage::{at, flag};
use crate::sqlite3::vm::{Machine, STAGE};

// Bytes of instructions: a text's without the text, a sorter's without the orders of its keys.
const PARAMETER_LEN: usize = 2;
const TEXT_LEN: usize = 3;
const TEXT_SQL_LEN: usize = 5;
const COMPARE_LEN: usize = 2;
const BETWEEN_LEN: usize = 3;
const IF_NOT_LEN: usize = 3;
const STEP_LEN: usize = 6;
const SORT_LEN: usize = 5;

const NULL: u8 = Op::Null as u8;
const INT8: u8 = Op::Int8 as u8;
const INT16: u8 = Op::Int16 as u8;
const INT32: u8 = Op::Int32 as u8;
const INT64: u8 = Op::Int64 as u8;
const REAL: u8 = Op::Real as u8;
const TEXT_SQL: u8 = Op::TextSql as u8;
const TEXT: u8 = Op::Text as u8;
const PARAMETER: u8 = Op::Param as u8;
const COMPARE: u8 = Op::Compare as u8;
const BETWEEN: u8 = Op::Between as u8;
const IF_NOT: u8 = Op::IfNot as u8;
const JUMP: u8 = Op::Jump as u8;
const STEP: u8 = Op::GroupStep as u8;
const SORT: u8 = Op::SortInsert as u8;

const COUNT: u8 = Id::Count as u8;
const SUM: u8 = Id::Sum as u8;
const TOTAL: u8 = Id::Total as u8;
const AVG: u8 = Id::Avg as u8;
const MIN: u8 = Id::AggregateMin as u8;
const MAX: u8 = Id::AggregateMax as u8;

impl Plan {
    /// Reads what is done with the rows of a cursor that come from an instruction at `next`.
    #[inline(always)]
    pub(super) fn read(&mut self, machine: &Machine<'_>, cursor: u8, next: usize) {
        let mut reader = Reader { machine, cursor, next, plan: self, known: [0; 2] };
        loop {
            let count = reader.plan.count();
            let Some(end) = reader.step() else {
                reader.plan.cut(count);
                break;
            };
            reader.plan.end = end;
        }
        if let Some(target) = machine.jump_at(self.end) {
            self.end = target;
        }
    }
}

/// Reads a plan. What is read gives the place behind it, or `None` if it has no place in a plan.
struct Reader<'r, 'a> {
    machine: &'r Machine<'a>,
    cursor: u8,
    next: usize,
    plan: &'r mut Plan,
    /// The instruction of the value that the acts so far have last.
    known: [u8; 2],
}

impl Reader<'_, '_> {
    /// Reads an instruction that stands alone, or a value and what is done with it at once.
    #[inline(always)]
    fn step(&mut self) -> Option<usize> {
        let start = self.plan.end;
        let before = (self.plan.count(), self.known);
        match self.machine.get8(start) {
            COLUMN | ROWID => {
                let behind = self.value(start, start)?;
                match self.machine.get8(behind) {
                    STEP => self.aggregate(behind, start, 1),
                    NULL..=PARAMETER => self.compared_with(behind, start),
                    COLUMN | ROWID | SORT if self.machine.program.most.stages != 0 => self.sorter(start, before),
                    _ => None,
                }
            }
            STEP => self.aggregate(start, start, 0),
            NULL..=PARAMETER => {
                let (constant, behind) = self.constant(start)?;
                let behind = self.value(behind, start)?;
                self.comparison(behind, start, constant, true)
            }
            _ => None,
        }
    }

    /// Plans an act. If it cannot be done, it goes on at `start`.
    #[inline(always)]
    fn act(&mut self, what: What, start: usize, target: usize) -> Option<()> {
        self.plan.add(Act { what, pc: start as u16, target: target as u16 })
    }

    /// A value of the cursor's row.
    #[inline(always)]
    fn value(&mut self, at: usize, start: usize) -> Option<usize> {
        let (what, known, len) = match *chunk(self.machine.arena, at)? {
            [COLUMN, cursor, column] if cursor == self.cursor => (What::Column(column), [COLUMN, column], COLUMN_LEN),
            [ROWID, cursor, _] if cursor == self.cursor => (What::Rowid, [ROWID, 0], ROWID_LEN),
            _ => return None,
        };
        if self.known != known {
            self.known = known;
            self.act(what, start, 0)?;
        }
        Some(at + len)
    }

    /// A value that stays the same, and the place behind its instruction.
    #[inline(always)]
    fn constant(&self, at: usize) -> Option<(Cell, usize)> {
        let [code, number] = *chunk(self.machine.arena, at)?;
        let size = match code {
            PARAMETER => {
                let number = usize::from(number.wrapping_sub(1));
                let value = *self.machine.parameters.get(number)?;
                return Some((Cell::parameter(number, value), at + PARAMETER_LEN));
            }
            NULL => 0,
            INT8 => 1,
            INT16 => 2,
            INT32 => 4,
            INT64 | REAL => 8,
            TEXT_SQL => {
                let (text, len) = (self.machine.field(at + 1), self.machine.field(at + 3));
                return Some((Cell::sql_text(text, len), at + TEXT_SQL_LEN));
            }
            TEXT => {
                let (text, len) = (at + TEXT_LEN, self.machine.field(at + 1));
                return Some((Cell::in_arena(false, text, len), text + len));
            }
            _ => return None,
        };
        let bits = record::integer(self.machine.arena.get(at + 1..)?, size);
        let cell = match code {
            NULL => Cell::NULL,
            REAL => Cell::real(f64::from_bits(bits as u64)),
            _ => Cell::integer(bits),
        };
        Some((cell, at + 1 + size))
    }

    /// A value that was read is compared with a constant, or with two of them.
    #[inline(always)]
    fn compared_with(&mut self, at: usize, start: usize) -> Option<usize> {
        let (low, at) = self.constant(at)?;
        if self.machine.get8(at) == COMPARE {
            return self.comparison(at, start, low, false);
        }
        let (high, at) = self.constant(at)?;
        let [BETWEEN, above, below, IF_NOT, target @ ..] =
            *chunk::<{ BETWEEN_LEN + IF_NOT_LEN }>(self.machine.arena, at)?
        else {
            return None;
        };
        for (how, constant) in [(above, low), (below, high)] {
            self.filter(Comparison(how), constant, false, target, start)?;
        }
        Some(at + BETWEEN_LEN + IF_NOT_LEN)
    }

    /// The comparison of a value with a constant, and the jump.
    #[inline(always)]
    fn comparison(&mut self, at: usize, start: usize, constant: Cell, swapped: bool) -> Option<usize> {
        let [COMPARE, how, IF_NOT, target @ ..] = *chunk::<{ COMPARE_LEN + IF_NOT_LEN }>(self.machine.arena, at)?
        else {
            return None;
        };
        self.filter(Comparison(how), constant, swapped, target, start)?;
        Some(at + COMPARE_LEN + IF_NOT_LEN)
    }

    /// Only rows are wanted for which a comparison holds.
    #[inline(always)]
    fn filter(&mut self, how: Comparison, constant: Cell, swapped: bool, target: [u8; 2], start: usize) -> Option<()> {
        const EQUAL: u8 = 0b010;
        let orders = how.orders();
        let hold = if swapped { orders << 2 & 4 | orders & EQUAL | orders >> 2 } else { orders };
        let what = match (constant.is_null(), constant.is_number(), how.affinity()) {
            // (Nothing compares with NULL, and NULL with nothing, but by IS.)
            (true, ..) if how.is() => What::Null(hold == EQUAL),
            (true, ..) => return None,
            _ if how.is() => return None,
            // (As texts, numbers have another order.)
            (_, true, 0 | 2 | 3) => What::Number(Range::of(hold, constant)?),
            (_, false, 0 | 1) if how.collation() == 0 => What::Text { constant, hold },
            _ => return None,
        };
        self.act(what, start, u16::from_le_bytes(target).into())
    }

    /// A step of an aggregate of so many arguments, if its group is at hand and has seen something.
    fn aggregate(&mut self, at: usize, start: usize, arguments: u8) -> Option<usize> {
        let [STEP, stage, field, id, count, _] = *chunk::<STEP_LEN>(self.machine.arena, at)? else { return None };
        let stage = self.machine.layout.stages + usize::from(stage) * STAGE;
        if self.machine.get8(stage + at::FLAGS) & flag::LOST != 0 {
            return None;
        }
        let (field, len) = self.machine.group_field_of(stage, field.into());
        let state = field as u16;
        let what = match (id, arguments) {
            _ if count != arguments => return None,
            (MIN | MAX, 1) => {
                let kept = self.machine.column_of_short(&mut { ShortWalk::START }, (field, len), 0)?;
                let range = Range::of(if id == MIN { 0b110 } else { 0b011 }, kept)?;
                What::Extreme { stage: stage as u16, range }
            }
            _ if len != Accumulator::SIZE => return None,
            (COUNT, 0) => What::CountRow(state),
            (COUNT, 1) => What::Count(state),
            (SUM | TOTAL | AVG, 1) => What::Sum(state),
            _ => return None,
        };
        self.act(what, start, 0)?;
        Some(at + STEP_LEN)
    }

    /// The columns and keys of a row for a sorter that is full, if nothing else is done with the row.
    #[inline(never)]
    fn sorter(&mut self, start: usize, before: (usize, [u8; 2])) -> Option<usize> {
        let machine = self.machine;
        let (pushes, at) = machine.pushes(start, usize::MAX);
        let [SORT, stage, columns, low, high, order] = *chunk(machine.arena, at)? else { return None };
        let (columns, keys) = (usize::from(columns), usize::from(u16::from_le_bytes([low, high])));
        let behind = at + SORT_LEN + keys;
        let stage = machine.layout.stages + usize::from(stage) * STAGE;
        let rank = machine.get32(stage + at::RANK);
        if pushes != columns + keys
            || keys == 0
            || order & 8 != 0
            || rank == u32::MAX
            || machine.jump_at(behind) != Some(self.next)
        {
            return None;
        }
        // The first value is not the key, unless nothing but keys is pushed.
        self.plan.cut(before.0);
        self.known = before.1;
        let (_, first) = machine.pushes(start, columns);
        self.value(first, start)?;
        self.act(What::Sort { stage: stage as u16, rank, descending: order & 1 != 0 }, start, self.next)?;
        Some(behind)
    }
}

impl Machine<'_> {
    /// Where it goes on if a jump stands there.
    fn jump_at(&self, at: usize) -> Option<usize> {
        match *chunk(self.arena, at)? {
            [JUMP, low, high] => Some(u16::from_le_bytes([low, high]).into()),
            _ => None,
        }
    }

    /// How many columns are pushed one behind the other, at most so many, and the place behind these instructions.
    fn pushes(&self, mut at: usize, most: usize) -> (usize, usize) {
        let mut count = 0;
        while count < most {
            at += match self.get8(at) {
                COLUMN => COLUMN_LEN,
                ROWID => ROWID_LEN,
                _ => break,
            };
            count += 1;
        }
        (count, at)
    }
}
