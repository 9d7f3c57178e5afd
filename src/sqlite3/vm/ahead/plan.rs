//! What the instructions behind one that gives a row do, as far as it can be done quickly.
//!
//! Contract: reading a plan changes nothing. It holds as long as nothing but it is done: constants and the places of
//! accumulators stay where they are, and a sorter keeps what it has.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{COLUMN, COLUMN_LEN, ROWID, ROWID_LEN};
use crate::sqlite3::aggregate::Accumulator;
use crate::sqlite3::function::Id;
use crate::sqlite3::program::{Comparison, Op, chunk, word};
use crate::sqlite3::real;
use crate::sqlite3::record;
use crate::sqlite3::vm::cell::Cell;
use crate::sqlite3::vm::stage::{HEAD, at, flag};
use crate::sqlite3::vm::{Machine, STAGE};

// Bytes of instructions: a sorter's without the orders of its keys.
const PARAMETER_LEN: usize = 2;
const COMPARE_LEN: usize = 2;
const BETWEEN_LEN: usize = 3;
const IF_NOT_LEN: usize = 3;
const STEP_LEN: usize = 6;
const SORT_LEN: usize = 5;

const INT8: u8 = Op::Int8 as u8;
const INT16: u8 = Op::Int16 as u8;
const INT32: u8 = Op::Int32 as u8;
const INT64: u8 = Op::Int64 as u8;
const REAL: u8 = Op::Real as u8;
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

/// The most acts of a plan.
const ACTS: usize = 8;

/// What is done with each row.
pub(super) struct Plan {
    acts: [Act; ACTS],
    count: usize,
    /// Where it goes on with a row for which all was done.
    pub(super) end: usize,
}

/// A part of a plan.
#[derive(Clone, Copy)]
pub(super) struct Act {
    pub(super) what: What,
    /// The instruction to go on with if it cannot be done.
    pub(super) pc: u16,
}

/// (A tag of its own is told more quickly than one that is a spare value of a field.)
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum What {
    /// A column is the value that the next acts are about.
    Column(u8),
    /// The rowid is.
    Rowid,
    Filter(Filter),
    /// The accumulator at this place counts the value, if it is not NULL.
    Count(u16),
    /// It counts the row.
    CountRow(u16),
    /// The value is added to the accumulator at this place.
    Sum(u16),
    /// The row is passed over if the value, which is the first key of a sorter, has a higher rank.
    Sort {
        stage: u16,
        rank: u32,
        descending: bool,
    },
}

/// Numbers that the value may be one of, by their places in the order of reals. If it is none of them, the machine jumps.
#[derive(Clone, Copy)]
pub(super) struct Filter {
    pub(super) low: i64,
    pub(super) high: i64,
    /// It may be any other number but those.
    pub(super) outside: bool,
    pub(super) target: u16,
}

/// The place of a number, which is not NaN, in the order of reals; `None` for an integer too large for all integers up to it
/// to be reals, and for what is no number.
#[inline(always)]
pub(super) fn place(cell: Cell) -> Option<i64> {
    if let Some(real) = cell.as_real() {
        return Some(real::place(real));
    }
    let integer = cell.as_integer()?;
    (integer.unsigned_abs() <= 1 << 53).then(|| real::place(real::of(integer)))
}

impl Filter {
    /// What is less, equal or greater (a bit each) than the number at a place.
    #[inline(always)]
    fn of(hold: u8, place: i64, target: u16) -> Self {
        let outside = hold == 0b101;
        let hold = if outside { 0b010 } else { hold };
        // (No place is the least or the largest of all.)
        let low = if hold & 1 != 0 { i64::MIN } else { place + i64::from(hold & 2 == 0) };
        let high = if hold & 4 != 0 { i64::MAX } else { place - i64::from(hold & 2 == 0) };
        Filter { low, high, outside, target }
    }
}

impl Plan {
    pub(super) fn acts(&self) -> &[Act] {
        self.acts.get(..self.count).unwrap_or_default()
    }

    /// Nothing is planned yet; what is done with a row begins at `start`.
    #[inline(always)]
    pub(super) fn new(start: usize) -> Self {
        Plan { acts: [Act { what: What::Rowid, pc: 0 }; ACTS], count: 0, end: start }
    }

    /// Reads what is done with the rows of a cursor that come from an instruction at `next`.
    #[inline(always)]
    pub(super) fn read(&mut self, machine: &Machine<'_>, cursor: u8, next: usize) {
        let mut reader = Reader { machine, cursor, next, plan: self, known: [0; 2] };
        loop {
            let count = reader.plan.count;
            let Some(end) = reader.step() else {
                reader.plan.count = count;
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
        let before = self.known;
        match self.machine.get8(start) {
            COLUMN | ROWID => {
                let behind = self.value(start, start)?;
                match self.machine.get8(behind) {
                    STEP => self.aggregate(behind, start, 1),
                    INT8..=REAL | PARAMETER => self.compared_with(behind, start),
                    COLUMN | ROWID | SORT if self.machine.program.most.stages != 0 => self.sorter(start, before),
                    _ => None,
                }
            }
            STEP => self.aggregate(start, start, 0),
            INT8..=REAL | PARAMETER => {
                let (constant, behind) = self.constant(start)?;
                let behind = self.value(behind, start)?;
                self.filter(behind, start, constant, true)
            }
            _ => None,
        }
    }

    /// Plans an act. If it cannot be done, it goes on at `start`.
    fn act(&mut self, what: What, start: usize) -> Option<()> {
        *self.plan.acts.get_mut(self.plan.count)? = Act { what, pc: start as u16 };
        self.plan.count += 1;
        Some(())
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
            self.act(what, start)?;
        }
        Some(at + len)
    }

    /// The place of a number that stays the same, and the place behind its instruction.
    #[inline(always)]
    fn constant(&self, at: usize) -> Option<(i64, usize)> {
        let [code, number] = *chunk(self.machine.arena, at)?;
        let size = match code {
            PARAMETER => {
                let value = *self.machine.parameters.get(usize::from(number.wrapping_sub(1)))?;
                let cell = Cell::number(value);
                let place = place(cell).filter(|_| !cell.as_real().is_some_and(real::is_nan))?;
                return Some((place, at + PARAMETER_LEN));
            }
            INT8 => 1,
            INT16 => 2,
            INT32 => 4,
            INT64 | REAL => 8,
            _ => return None,
        };
        let bits = record::integer(self.machine.arena.get(at + 1..)?, size);
        let cell = if code == REAL { Cell::real(f64::from_bits(bits as u64)) } else { Cell::integer(bits) };
        Some((place(cell)?, at + 1 + size))
    }

    /// A value that was read is compared with a constant, or with two of them.
    #[inline(always)]
    fn compared_with(&mut self, at: usize, start: usize) -> Option<usize> {
        let (low, at) = self.constant(at)?;
        if self.machine.get8(at) == COMPARE {
            return self.filter(at, start, low, false);
        }
        let (high, at) = self.constant(at)?;
        let [BETWEEN, above, below, IF_NOT, target @ ..] =
            *chunk::<{ BETWEEN_LEN + IF_NOT_LEN }>(self.machine.arena, at)?
        else {
            return None;
        };
        for (how, constant) in [(above, low), (below, high)] {
            self.plan_filter(Comparison(how), constant, false, target, start)?;
        }
        Some(at + BETWEEN_LEN + IF_NOT_LEN)
    }

    /// The comparison of a value with a constant, and the jump.
    #[inline(always)]
    fn filter(&mut self, at: usize, start: usize, constant: i64, swapped: bool) -> Option<usize> {
        let [COMPARE, how, IF_NOT, target @ ..] = *chunk::<{ COMPARE_LEN + IF_NOT_LEN }>(self.machine.arena, at)?
        else {
            return None;
        };
        self.plan_filter(Comparison(how), constant, swapped, target, start)?;
        Some(at + COMPARE_LEN + IF_NOT_LEN)
    }

    fn plan_filter(
        &mut self,
        how: Comparison,
        constant: i64,
        swapped: bool,
        target: [u8; 2],
        start: usize,
    ) -> Option<()> {
        // As texts, numbers have another order, and NULL is not NULL for all comparisons.
        if how.affinity() == 1 || how.is() {
            return None;
        }
        let orders = how.orders();
        let hold = if swapped { orders << 2 & 4 | orders & 2 | orders >> 2 } else { orders };
        let filter = Filter::of(hold, constant, u16::from_le_bytes(target));
        if !filter.outside
            && let Some(last) = self.plan.count.checked_sub(1)
            && let Some(Act { what: What::Filter(known), .. }) = self.plan.acts.get_mut(last)
            && !known.outside
            && known.target == filter.target
        {
            (known.low, known.high) = (known.low.max(filter.low), known.high.min(filter.high));
            return Some(());
        }
        self.act(What::Filter(filter), start)
    }

    /// A step of an aggregate of so many arguments, if its group is at hand and has seen something.
    fn aggregate(&mut self, at: usize, start: usize, arguments: u8) -> Option<usize> {
        let [STEP, stage, field, id, count, _] = *chunk::<STEP_LEN>(self.machine.arena, at)? else { return None };
        let state = self.machine.accumulator(stage, field)?;
        let what = match (id, arguments) {
            _ if count != arguments => return None,
            (COUNT, 0) => What::CountRow(state),
            (COUNT, 1) => What::Count(state),
            (SUM | TOTAL | AVG, 1) => What::Sum(state),
            _ => return None,
        };
        self.act(what, start)?;
        Some(at + STEP_LEN)
    }

    /// The columns and keys of a row for a sorter that is full, if nothing else is done with the row.
    #[inline(never)]
    fn sorter(&mut self, start: usize, known: [u8; 2]) -> Option<usize> {
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
        // The value that was read first is in the plan only if it was there before.
        if self.known != known {
            (self.plan.count, self.known) = (self.plan.count.saturating_sub(1), known);
        }
        let (_, first) = machine.pushes(start, columns);
        self.value(first, start)?;
        self.act(What::Sort { stage: stage as u16, rank, descending: order & 1 != 0 }, start)?;
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

    /// Where an accumulator of the group at hand is, if that was not forgotten and has seen something.
    #[inline(always)]
    fn accumulator(&self, stage: u8, field: u8) -> Option<u16> {
        let block = chunk::<STAGE>(self.arena, self.layout.stages + usize::from(stage) * STAGE)?;
        if block[at::FLAGS] & flag::LOST != 0 {
            return None;
        }
        let entry = usize::from(word(block, at::CURRENT));
        let mut place = entry + HEAD + self.field(entry + 2);
        for _ in 0..field {
            place += 2 + self.field(place);
        }
        (self.field(place) == Accumulator::SIZE).then_some(place as u16 + 2)
    }
}
