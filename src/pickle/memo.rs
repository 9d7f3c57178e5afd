//! The memo: only entries that some GET reads have a place in it.
//!
//! The table lies in the arena: one word per entry for its value ([`Slot::EMPTY`] as long as it was not set), then the
//! numbers of the entries from [`LOW`] on, sorted. A low entry's place is its rank among the low ones that are read.
#![deny(clippy::panic)]

use super::action;
use super::scan::{LOW, Plan, each_entry};
use crate::object::Slot;
use crate::object::arena::Arena;

pub(super) struct Memo<'p> {
    pub(super) plan: &'p Plan,
    /// How many entries are set: MEMOIZE's next number.
    pub(super) len: u32,
}

impl<'p> Memo<'p> {
    pub(super) const fn new(plan: &'p Plan) -> Memo<'p> {
        Memo { plan, len: 0 }
    }

    /// Makes the table.
    pub(super) fn open(&self, input: &[u8], arena: &mut Arena<'_>) {
        arena.table(0, self.plan.table()).fill(Slot::EMPTY);
        if self.plan.high > 0 {
            collect(input, self.plan, arena.table(self.plan.entries, self.plan.table()));
        }
    }

    /// The slot of an entry, if it has one.
    fn place(&self, arena: &Arena<'_>, id: u32) -> Option<usize> {
        let table = arena.table_start();
        if id >= LOW {
            let numbers = table.wrapping_add(self.plan.entries);
            let (mut low, mut high) = (0, self.plan.high);
            while low < high {
                let middle = low.wrapping_add(high) / 2;
                if arena.get(numbers.wrapping_add(middle)).bits() < id {
                    low = middle.wrapping_add(1);
                } else {
                    high = middle;
                }
            }
            let found = low < self.plan.high && arena.get(numbers.wrapping_add(low)).bits() == id;
            return found.then(|| numbers.wrapping_sub(self.plan.high).wrapping_add(low));
        }
        let read = self.plan.low.get((id / 32) as usize)? >> (id % 32) & 1 != 0;
        read.then(|| table.wrapping_add(self.plan.low_below(id)))
    }

    /// The value of an entry, if it was set.
    pub(super) fn get(&self, arena: &Arena<'_>, id: u32) -> Option<Slot> {
        let place = self.place(arena, id)?;
        Some(arena.get(place)).filter(|value| *value != Slot::EMPTY)
    }

    /// The slot of the entry that an opcode sets, if it is read: MEMOIZE's if no number is given, which is counted if it is
    /// not.
    pub(super) fn entry(&mut self, arena: &Arena<'_>, id: Option<u32>) -> Option<usize> {
        let place = self.place(arena, id.unwrap_or(self.len));
        self.len = self.len.wrapping_add(u32::from(place.is_none() && id.is_none()));
        place
    }

    /// Remembers a value in the slot of an entry.
    pub(super) fn store(&mut self, arena: &mut Arena<'_>, entry: usize, value: Slot) {
        self.len = self.len.wrapping_add(u32::from(arena.get(entry) == Slot::EMPTY));
        arena.set(entry, value);
    }
}

/// Collects the numbers of the high entries that are read (or set, if MEMOIZE and PUT are mixed), sorted. One that comes more than once has
/// the place of its first.
#[inline(never)]
fn collect(input: &[u8], plan: &Plan, numbers: &mut [Slot]) {
    let mut n: usize = 0;
    each_entry(input, plan.end, &mut |action, id| {
        if id >= LOW
            && (action == action::GET || plan.mixed)
            && let Some(number) = numbers.get_mut(n)
        {
            *number = Slot::raw(id);
            n = n.saturating_add(1);
        }
    });
    sort(numbers);
}

/// Heap sort: in place, without recursion, n log n whatever the input.
fn sort(numbers: &mut [Slot]) {
    let mut end = numbers.len();
    let mut start = end / 2;
    while end > 1 {
        if start > 0 {
            start = start.wrapping_sub(1);
        } else {
            end = end.wrapping_sub(1);
            numbers.swap(0, end);
        }
        sift(numbers.get_mut(..end).unwrap_or_default(), start);
    }
}

/// Lets the number at `at` sink to its place. None is 0.
fn sift(numbers: &mut [Slot], mut at: usize) {
    let value = |numbers: &[Slot], i: usize| numbers.get(i).map_or(0, |n| n.bits());
    loop {
        let left = at.wrapping_mul(2).wrapping_add(1);
        let right = left.wrapping_add(1);
        let largest = if value(numbers, right) > value(numbers, left) { right } else { left };
        if value(numbers, largest) <= value(numbers, at) {
            return;
        }
        numbers.swap(at, largest);
        at = largest;
    }
}
