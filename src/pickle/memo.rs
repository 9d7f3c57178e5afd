//! The memo: only entries that some GET reads have a place in it.
//!
//! The table lies in the arena: one word per entry for its value ([`Slot::EMPTY`] as long as it was not set), then the
//! numbers of the entries from [`LOW`] on, sorted. A low entry's place is its rank among the low ones that are read.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::scan::{LOW, Plan, next_entry};
use crate::object::{Arena, Result, Slot};

pub(super) struct Memo {
    low: [u32; LOW as usize / 32],
    /// How many entries come before each word of `low`.
    ranks: [u16; LOW as usize / 32],
    /// How many low entries are read, and how many numbers of high ones are in the table.
    lows: usize,
    highs: usize,
    /// Where the high numbers begin in the table.
    numbers: usize,
    /// How many entries are set: MEMOIZE's next number.
    pub(super) len: u32,
    /// No entry from here on is read: MEMOIZE only counts them.
    pub(super) limit: u32,
    /// Whether any entry is read.
    pub(super) reads: bool,
}

impl Memo {
    pub(super) fn new(plan: &Plan, input: &[u8], start: usize, arena: &mut Arena<'_>) -> Result<Memo> {
        let ranks = [0; LOW as usize / 32];
        let (numbers, reads) = (plan.entries, plan.reads);
        let mut memo = Memo { low: plan.low, ranks, lows: 0, highs: 0, numbers, len: 0, limit: 0, reads };
        if reads {
            memo.prepare(plan, input, start, arena)?;
        }
        Ok(memo)
    }

    fn prepare(&mut self, plan: &Plan, input: &[u8], start: usize, arena: &mut Arena<'_>) -> Result<()> {
        let mut lows: u16 = 0;
        for (rank, bits) in self.ranks.iter_mut().zip(&plan.low) {
            *rank = lows;
            lows = lows.wrapping_add(bits.count_ones() as u16);
        }
        self.lows = usize::from(lows);
        self.limit = u32::MAX;
        if plan.high == 0 {
            let top = plan.low.iter().rposition(|bits| *bits != 0).unwrap_or(0);
            self.limit = (top as u32).wrapping_add(1).wrapping_mul(32);
        }
        let table = arena.table(plan.table());
        table.fill(Slot::EMPTY);
        if plan.high > 0 {
            self.highs = collect(input, start, plan.mixed, table.get_mut(self.numbers..).unwrap_or_default())?;
        }
        Ok(())
    }

    /// The place of an entry in the table, if it has one.
    #[inline]
    fn place(&self, arena: &mut Arena<'_>, id: u32) -> Option<usize> {
        let word = (id / 32) as usize;
        if let (Some(bits), Some(rank)) = (self.low.get(word), self.ranks.get(word)) {
            let bit = 1u32 << (id % 32);
            let before = bits & bit.wrapping_sub(1);
            return (bits & bit != 0).then(|| usize::from(*rank).wrapping_add(before.count_ones() as usize));
        }
        if self.highs == 0 {
            return None;
        }
        let table = arena.table(self.numbers.wrapping_add(self.highs));
        let numbers = table.get(self.numbers..)?;
        numbers.binary_search_by_key(&id, |n| n.bits()).ok().map(|i| self.lows.wrapping_add(i))
    }

    /// The value of an entry, if it was set.
    pub(super) fn get(&self, arena: &mut Arena<'_>, id: u32) -> Option<Slot> {
        let place = self.place(arena, id)?;
        arena.table(self.numbers).get(place).copied().filter(|value| *value != Slot::EMPTY)
    }

    /// Whether MEMOIZE's entry has a place; if not, it is counted and there is nothing else to do.
    #[inline]
    pub(super) fn memoize(&mut self, arena: &mut Arena<'_>) -> Option<u32> {
        let id = self.len;
        match self.place(arena, id) {
            Some(_) => Some(id),
            None => {
                self.len = id.wrapping_add(1);
                None
            }
        }
    }

    /// Whether an entry is read, and has a place.
    pub(super) fn has(&self, arena: &mut Arena<'_>, id: u32) -> bool {
        self.place(arena, id).is_some()
    }

    /// Remembers a value under an entry's number; false if nothing reads it.
    pub(super) fn store(&mut self, arena: &mut Arena<'_>, id: u32, value: Slot) -> bool {
        let Some(place) = self.place(arena, id) else { return false };
        if let Some(entry) = arena.table(self.numbers).get_mut(place) {
            if *entry == Slot::EMPTY {
                self.len = self.len.wrapping_add(1);
            }
            *entry = value;
        }
        true
    }
}

/// Collects the numbers of the high entries that are read (or set, if `puts`), sorted, each once; answers how many.
fn collect(input: &[u8], start: usize, puts: bool, numbers: &mut [Slot]) -> Result<usize> {
    let (mut at, mut n) = (start, 0);
    while let Some((code, id, next)) = next_entry(input, at)? {
        let reads = matches!(code, GET | BINGET | LONG_BINGET);
        if code != MEMOIZE
            && (reads || puts)
            && id >= LOW
            && let Some(number) = numbers.get_mut(n)
        {
            *number = Slot::raw(id);
            n = n.saturating_add(1);
        }
        at = next;
    }
    let numbers = numbers.get_mut(..n).unwrap_or_default();
    sort(numbers);
    let mut kept: usize = 0;
    for i in 0..n {
        let number = numbers.get(i).copied();
        let before = kept.checked_sub(1).and_then(|last| numbers.get(last)).copied();
        if before != number
            && let (Some(place), Some(number)) = (numbers.get_mut(kept), number)
        {
            *place = number;
            kept = kept.wrapping_add(1);
        }
    }
    Ok(kept)
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
