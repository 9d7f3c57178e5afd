//! One pass over a pickle before it is run: where it ends, how many slots it needs, which memo entries are read.
//!
//! The pass looks at opcodes one by one and keeps no stack. Each opcode has a weight: by how many slots it can make stack
//! and heap grow together. The sum of all weights is the need; it is exact for what Python writes, but for batches that
//! fit into the chunk before (they need two slots less) and for what is popped.
//!
//! An entry of the memo costs slots only if some GET reads it. Which entries below [`LOW`] are read is known exactly after
//! this pass; of higher ones, only how many GETs there are: [`Memo`](super::memo::Memo) collects their numbers.
#![deny(clippy::panic)]

use super::action;
use super::opcode::code::*;
use super::shape::{DISTURBING, action_of, entry, in_frame, next, shape, skip, weight_of};
use crate::bytes;
use crate::object::fault::{Fault, Step};
use crate::object::{Error, ErrorKind, Result, Slot};

/// Memo entries with a number below this are told apart in the first pass.
pub(super) const LOW: u32 = 1024;

/// What the pass found.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Where the pickle ends: behind its STOP.
    pub(super) end: usize,
    /// The sum of the weights.
    weight: usize,
    /// Which entries below [`LOW`] are read.
    pub(super) low: [u32; LOW as usize / 32],
    /// How many GETs read entries from [`LOW`] on: so many numbers there are at most to tell apart.
    pub(super) high: usize,
    /// Cells for values that DUP pushes, and for entries that are set again.
    extra_cells: usize,
    /// How many entries are told apart, at most: the low ones that are read, and `high`.
    pub(super) entries: usize,
    /// No entry from here on is read.
    pub(super) limit: u32,
    /// MEMOIZE and PUT both occur. Then what MEMOIZE means depends on the entries that PUTs made, read or not, and they
    /// are told apart too.
    pub(super) mixed: bool,
}

/// The weight when APPEND or SETITEM came last, to know whether the same container grows in place.
struct Grown {
    code: u8,
    weight: usize,
}

impl Plan {
    /// Of nothing yet.
    pub(super) const EMPTY: Plan = {
        let low = [0; LOW as usize / 32];
        Plan { end: 0, weight: 0, low, high: 0, extra_cells: 0, entries: 0, limit: 0, mixed: false }
    };

    /// Looks at the first pickle in the input; or at all of them, whose memo is one.
    pub(super) fn look(&mut self, input: &[u8], all: bool) -> Result<()> {
        self.scan(input, all).map_err(|fault| fault.at(input, self.end))
    }

    /// The pass; `end` is where it is.
    fn scan(&mut self, input: &[u8], all: bool) -> Step {
        let mut grown = Grown { code: 0, weight: 0 };
        // Behind the highest entry that a PUT set.
        let mut put_end = 0;
        // Actions, since the last ADD and before it.
        let (mut seen, mut before, mut weight) = (0, 0, 0usize);
        if all {
            // The list of all values.
            (weight, self.weight) = (1, 1);
            if input.is_empty() {
                return Ok(());
            }
        }
        loop {
            let at = self.end;
            let code = bytes::u8(input, at).ok_or(Fault::Truncated)?;
            let shape = shape(code);
            let end = skip(input, at, shape)?;
            weight = weight.wrapping_add(weight_of(shape));
            let action = action_of(shape);
            seen |= 1_u32 << action;
            if matches!(action, action::PUT..=action::FRAME) {
                self.weight = weight;
                match action {
                    action::STOP => {
                        // A chunk of that list.
                        weight = weight.wrapping_add(if all { 3 } else { 0 });
                        if !all || end == input.len() {
                            self.weight = weight;
                            self.end = end;
                            break;
                        }
                    }
                    action::ADD => {
                        self.grow(code, seen & DISTURBING == 0, &mut grown);
                        weight = self.weight;
                        before |= seen;
                        seen = 0;
                    }
                    action::DUP => self.extra_cells = self.extra_cells.wrapping_add(1),
                    action::PROTO if bytes::u8(input, at.wrapping_add(1)) > Some(super::HIGHEST_PROTOCOL) => {
                        return Err(Fault::UnknownProtocol);
                    }
                    action::PROTO => {}
                    // Frames only have to be there.
                    action::FRAME => in_frame(input, at).map(drop)?,
                    _ => {
                        let id = entry(input, at, code)?;
                        if action == action::GET {
                            self.track(id);
                        } else {
                            // Entries are set in order; one that is not may be set again.
                            let again = id < put_end || id == u32::MAX;
                            self.extra_cells = self.extra_cells.wrapping_add(usize::from(again));
                            put_end = put_end.max(id.saturating_add(1));
                        }
                    }
                }
            }
            self.end = end;
        }
        if self.end > Slot::MAX_INPUT {
            self.end = Slot::MAX_INPUT;
            return Err(Fault::TooLong);
        }
        let sets = 1 << action::MEMOIZE | 1 << action::PUT;
        self.mixed = self.limit > 0 && (before | seen) & sets == sets;
        if self.mixed {
            self.track_puts(input);
        }
        self.entries = self.low_below(LOW).wrapping_add(self.high);
        Ok(())
    }

    /// APPEND or SETITEM: no weight if nothing but the item or pair came since the one before, for then the same container
    /// grows in place; else that of a chunk.
    fn grow(&mut self, code: u8, quiet: bool, grown: &mut Grown) {
        let pushed = if code == APPEND { 1 } else { 2 };
        if !(quiet && grown.code == code && self.weight == grown.weight.wrapping_add(pushed)) {
            self.weight = self.weight.wrapping_add(2);
        }
        *grown = Grown { code, weight: self.weight };
    }

    /// This entry is to be told apart.
    fn track(&mut self, id: u32) {
        self.limit = self.limit.max(id.saturating_add(1));
        match self.low.get_mut((id / 32) as usize) {
            Some(bits) => *bits |= 1 << (id % 32),
            None => self.high = self.high.wrapping_add(1),
        }
    }

    /// How many low entries below this one are told apart.
    #[inline(never)]
    pub(super) fn low_below(&self, id: u32) -> usize {
        let (mut count, mut left) = (0, id);
        for bits in &self.low {
            let within = if left < 32 { (1_u32 << left).wrapping_sub(1) } else { u32::MAX };
            count = (bits & within).count_ones().wrapping_add(count);
            left = match left.checked_sub(32) {
                Some(left) => left,
                None => break,
            };
        }
        count as usize
    }

    /// With MEMOIZE and PUT in one pickle: all entries that a PUT sets are told apart, and each MEMOIZE may set again.
    fn track_puts(&mut self, input: &[u8]) {
        each_entry(input, self.end, &mut |action, id| match action {
            action::MEMOIZE => self.extra_cells = self.extra_cells.wrapping_add(1),
            action::PUT => self.track(id),
            _ => {}
        });
    }

    /// Cells for shared values.
    pub(super) fn cells(&self) -> usize {
        self.extra_cells.wrapping_add(self.entries)
    }

    /// Words of the memo's table: an entry's value each, and the number of each high one.
    pub(super) fn table(&self) -> usize {
        self.entries.wrapping_add(self.high)
    }

    /// How many slots are enough.
    pub(super) fn slots(&self) -> usize {
        self.weight.wrapping_add(self.cells()).wrapping_add(self.table())
    }

    /// Whether these are enough.
    pub(super) fn check(&self, slots: &[Slot]) -> Result<()> {
        let needed = self.slots();
        if slots.len() < needed { Err(Error::new(ErrorKind::OutOfSlots { needed }, 0)) } else { Ok(()) }
    }
}

/// Calls for each opcode up to `end` that reads or sets an entry of the memo, with its action and the entry's number (0 for
/// MEMOIZE). The pickle is one that the pass went through.
#[inline(never)]
pub(super) fn each_entry(input: &[u8], end: usize, found: &mut dyn FnMut(u16, u32)) {
    let mut at = 0;
    while at < end {
        let code = bytes::u8(input, at).unwrap_or(STOP);
        let action = action_of(shape(code));
        if matches!(action, action::MEMOIZE..=action::GET) {
            found(action, entry(input, at, code).unwrap_or(0));
        }
        at = next(input, at).unwrap_or(end);
    }
}
