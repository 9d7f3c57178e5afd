//! What is done with most rows of a loop.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use crate::sqlite3::real;
use crate::sqlite3::vm::cell::Cell;

/// The most acts of a plan.
const ACTS: usize = 8;

/// What is done with each row, in this order.
pub(super) struct Plan {
    list: [Act; ACTS],
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
    /// Where it goes on if the row is not wanted.
    pub(super) target: u16,
}

/// (A tag of its own is told more quickly than one that is a spare value of a field.)
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum What {
    /// A column is the value that the next acts are about.
    Column(u8),
    /// The rowid is.
    Rowid,
    /// The row is wanted if the value is one of these numbers.
    Number(Range),
    /// It is wanted if the value is a text that compares so with another one: a bit each for less, equal, greater.
    Text { constant: Cell, hold: u8 },
    /// It is wanted if the value is NULL, or if it is not.
    Null(bool),
    /// The accumulator at this place counts the value, if it is not NULL.
    Count(u16),
    /// It counts the row.
    CountRow(u16),
    /// The value is added to the accumulator at this place.
    Sum(u16),
    /// A min or max stays what it is, as it does if the value is one of these.
    Extreme { stage: u16, range: Range },
    /// The row is not wanted if the value, which is the first key of a sorter, has a higher rank.
    Sort { stage: u16, rank: u32, descending: bool },
}

/// Numbers, by their places in the order of reals.
#[derive(Clone, Copy)]
pub(super) struct Range {
    low: i64,
    high: i64,
    /// All other numbers but those.
    outside: bool,
}

impl Plan {
    /// Nothing is planned yet; what is done with a row begins at `start`.
    #[inline(always)]
    pub(super) fn new(start: usize) -> Self {
        Plan { list: [Act { what: What::Rowid, pc: 0, target: 0 }; ACTS], count: 0, end: start }
    }

    pub(super) fn acts(&self) -> &[Act] {
        self.list.get(..self.count).unwrap_or_default()
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Keeps no more acts than these.
    pub(super) fn cut(&mut self, count: usize) {
        self.count = self.count.min(count);
    }

    /// Adds an act; `None` if there is no room. Two ranges one behind the other become one.
    #[inline(always)]
    pub(super) fn add(&mut self, act: Act) -> Option<()> {
        if let What::Number(range) = act.what
            && let Some(last) = self.count.checked_sub(1)
            && let Some(Act { what: What::Number(known), target, .. }) = self.list.get_mut(last)
            && *target == act.target
            && !known.outside
            && !range.outside
        {
            (known.low, known.high) = (known.low.max(range.low), known.high.min(range.high));
            return Some(());
        }
        *self.list.get_mut(self.count)? = act;
        self.count += 1;
        Some(())
    }
}

impl Range {
    /// The numbers that are less, equal or greater (a bit each) than one; `None` if that has no place.
    #[inline(always)]
    pub(super) fn of(hold: u8, number: Cell) -> Option<Self> {
        let place = place(number).filter(|_| !number.as_real().is_some_and(real::is_nan))?;
        let outside = hold == 0b101;
        let hold = if outside { 0b010 } else { hold };
        // (No place is the least or the largest of all.)
        let beyond = i64::from(hold & 2 == 0);
        Some(Range {
            low: if hold & 1 != 0 { i64::MIN } else { place + beyond },
            high: if hold & 4 != 0 { i64::MAX } else { place - beyond },
            outside,
        })
    }

    /// Whether a value is one of them, which NULL is not; `None` if that is not told so quickly.
    #[inline(always)]
    pub(super) fn holds(&self, value: Cell) -> Option<bool> {
        match place(value) {
            Some(place) => Some((self.low <= place && place <= self.high) != self.outside),
            None => value.is_null().then_some(false),
        }
    }
}

/// The place of a number, which is not NaN, in the order of reals; `None` for an integer too large for all integers up to it
/// to be reals, and for what is no number.
#[inline(always)]
fn place(number: Cell) -> Option<i64> {
    if let Some(real) = number.as_real() {
        return Some(real::place(real));
    }
    let integer = number.as_integer()?;
    (integer.unsigned_abs() <= 1 << 53).then(|| real::place(real::of(integer)))
}

/// Whether an order is one of these: a bit each for less, equal, greater.
#[inline(always)]
pub(super) fn holds(orders: u8, order: Ordering) -> bool {
    orders >> (order as i8 + 1) & 1 != 0
}
