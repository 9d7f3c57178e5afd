//! The memo: only entries that some GET reads have a place in it.
//!
//! The table lies in the arena: one word per entry for its value ([`Slot::EMPTY`] as long as it was not set), then the
//! numbers of the entries from [`LOW`] on, sorted. A low entry's place is its rank among the low ones that are read.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::scan::{LOW, Plan, next_entry};
use crate::object::arena::Step;
use crate::object::{Arena, Slot};

pub(super) struct Memo<'p> {
    pub(super) plan: &'p Plan,
    /// How many low entries are read.
    lows: usize,
    /// How many entries are set: MEMOIZE's next number.
    pub(super) len: u32,
    /// No entry from here on is read: MEMOIZE only counts them.
    pub(super) limit: u32,
}

impl<'p> Memo<'p> {
    pub(super) fn new(plan: &'p Plan, input: &[u8], start: usize, arena: &mut Arena<'_>) -> Step<Memo<'p>> {
        let table = arena.table(plan.table());
        table.fill(Slot::EMPTY);
        let mut limit = 0;
        if plan.high > 0 {
            limit = u32::MAX;
            collect(input, start, plan, table.get_mut(plan.entries..).unwrap_or_default())?;
        } else if plan.reads {
            let top = plan.low.iter().rposition(|bits| *bits != 0).unwrap_or(0);
            limit = (top as u32).wrapping_add(1).wrapping_mul(32);
        }
        Ok(Memo { plan, lows: plan.entries.wrapping_sub(plan.high), len: 0, limit })
    }

    /// The place of an entry in the table, if it has one.
    #[inline]
    fn place(&self, arena: &mut Arena<'_>, id: u32) -> Option<usize> {
        if id >= LOW {
            let numbers = arena.table(self.plan.table()).get(self.plan.entries..)?;
            let place = numbers.partition_point(|number| number.bits() < id);
            return (numbers.get(place)?.bits() == id).then(|| self.lows.wrapping_add(place));
        }
        let bit = 1u32 << (id % 32);
        let mut rank = 0;
        for (word, bits) in (0..=id / 32).zip(&self.plan.low) {
            let mut below = *bits;
            if word == id / 32 {
                if bits & bit == 0 {
                    return None;
                }
                below &= bit.wrapping_sub(1);
            }
            rank = below.count_ones().wrapping_add(rank);
        }
        Some(rank as usize)
    }

    /// The value of an entry, if it was set.
    pub(super) fn get(&self, arena: &mut Arena<'_>, id: u32) -> Option<Slot> {
        let place = self.place(arena, id)?;
        arena.table(self.plan.entries).get(place).copied().filter(|value| *value != Slot::EMPTY)
    }

    /// The entry that an opcode sets, if it is read: MEMOIZE's if no number is given, which is counted if it is not.
    pub(super) fn entry(&mut self, arena: &mut Arena<'_>, id: Option<u32>) -> Option<usize> {
        let place = self.place(arena, id.unwrap_or(self.len));
        self.len = self.len.wrapping_add(u32::from(place.is_none() && id.is_none()));
        place
    }

    /// Remembers a value in an entry.
    pub(super) fn store(&mut self, arena: &mut Arena<'_>, entry: usize, value: Slot) {
        if let Some(entry) = arena.table(self.plan.entries).get_mut(entry) {
            self.len = self.len.wrapping_add(u32::from(*entry == Slot::EMPTY));
            *entry = value;
        }
    }
}

/// Collects the numbers of the high entries that are read (or set, if MEMOIZE and PUT are mixed), sorted. One that comes more than once has
/// the place of its first.
fn collect(input: &[u8], start: usize, plan: &Plan, numbers: &mut [Slot]) -> Step {
    let (mut at, mut n) = (start, 0);
    while let Some((code, id, next)) = next_entry(input, at, plan.end)? {
        let reads = matches!(code, GET | BINGET | LONG_BINGET);
        if code != MEMOIZE
            && (reads || plan.mixed)
            && id >= LOW
            && let Some(number) = numbers.get_mut(n)
        {
            *number = Slot::raw(id);
            n = n.saturating_add(1);
        }
        at = next;
    }
    sort(numbers);
    Ok(())
}

/// Heap sort: in place, without recursion, n log n whatever the input.
fn sort(numbers: &mut [Slot]) {
    let n = numbers.len();
    for start in (0..n / 2).rev() {
        sift(numbers, start);
    }
    for end in (1..n).rev() {
        numbers.swap(0, end);
        sift(numbers.get_mut(..end).unwrap_or_default(), 0);
    }
}

/// Lets the number at `at` sink to its place.
fn sift(numbers: &mut [Slot], mut at: usize) {
    let value = |i: usize, numbers: &[Slot]| numbers.get(i).map(|n| n.bits());
    loop {
        let left = at.wrapping_mul(2).wrapping_add(1);
        let right = left.wrapping_add(1);
        let largest = if value(right, numbers) > value(left, numbers) { right } else { left };
        if value(largest, numbers) <= value(at, numbers) {
            return;
        }
        numbers.swap(at, largest);
        at = largest;
    }
}
