//! One pass over a pickle before it is run: where it ends, how many slots it needs, which memo entries are read.
//!
//! The pass looks at opcodes one by one and keeps no stack. Each opcode has a weight: by how many slots it can make stack
//! and heap grow together. The sum of all weights is the need; it is exact for what Python writes, but for batches that
//! fit into the chunk before (they need two slots less) and for what is popped.
//!
//! An entry of the memo costs slots only if some GET reads it. Which entries below [`LOW`] are read is known exactly after
//! this pass; of higher ones, only how many GETs there are: [`Memo`](super::memo::Memo) collects their numbers.
#![deny(clippy::panic)]

use super::number;
use super::opcode::code::*;
use super::opcode::{Argument, Item, OPCODES};
use crate::bytes;
use crate::object::arena::{Fault, Step};
use crate::object::{Result, Slot};

/// Memo entries with a number below this are told apart in the first pass.
pub(super) const LOW: u32 = 1024;

/// How the argument behind a code is skipped: up to 8 is a fixed length.
const COUNT1: u16 = 9;
const COUNT4: u16 = 10;
const COUNT8: u16 = 11;
const LINE: u16 = 12;
const LINES: u16 = 13;
const UNKNOWN: u16 = 15;

/// Something other than pushing one atom or remembering the top.
const DISTURBS: u16 = 1 << 8;
/// MEMOIZE was seen; PUT, BINPUT or LONG_BINPUT was seen.
const MEMOIZES: u16 = 1 << 9;
const PUTS: u16 = 1 << 10;
/// Pushes an atom that is as long as its shape says.
const PLAIN: u16 = 1 << 11;
/// An opcode that the pass looks at more closely.
const SPECIAL: u16 = 1 << 12;
/// Takes everything down to the topmost mark.
const MARKED: u16 = 1 << 13;

/// The lowest code that there is, and the number of those up to the highest.
const FIRST: u8 = MARK;
const CODES: usize = (READONLY_BUFFER - FIRST) as usize + 1;

/// By code, from [`FIRST`] on. Bits 0 to 3: how the argument is skipped; bits 4 to 6: the weight; then the flags.
static SHAPES: [u16; CODES] = shapes();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // at compile time
const fn shapes() -> [u16; CODES] {
    let mut shapes = [UNKNOWN; CODES];
    let mut i = 0;
    while i < OPCODES.len() {
        let op = &OPCODES[i];
        let argument = match op.argument {
            Argument::Nothing => 0,
            Argument::U1 => 1,
            Argument::U2 => 2,
            Argument::I4 | Argument::U4 => 4,
            Argument::U8 | Argument::F8 => 8,
            Argument::Long1 | Argument::String1 | Argument::Bytes1 | Argument::Unicode1 => COUNT1,
            Argument::Long4 | Argument::String4 | Argument::Bytes4 | Argument::Unicode4 => COUNT4,
            Argument::Bytes8 | Argument::ByteArray8 | Argument::Unicode8 => COUNT8,
            Argument::DecimalLine
            | Argument::LongLine
            | Argument::FloatLine
            | Argument::QuotedLine
            | Argument::Line
            | Argument::UnicodeLine => LINE,
            Argument::LinePair => LINES,
        };
        // A closed mark leaves a word free: it is in these weights.
        let (weight, flags) = match op.code {
            MARK | TUPLE | FROZENSET | APPENDS | SETITEMS | ADDITEMS => (1, DISTURBS),
            EMPTY_LIST | EMPTY_DICT | EMPTY_SET | TUPLE1 | TUPLE2 | TUPLE3 | REDUCE | NEWOBJ | NEWOBJ_EX | BUILD
            | STACK_GLOBAL | BINPERSID | READONLY_BUFFER => (2, DISTURBS),
            LIST | DICT | OBJ => (3, DISTURBS),
            INST => (4, DISTURBS),
            DUP => (1, DISTURBS | SPECIAL),
            POP | POP_MARK => (0, DISTURBS),
            APPEND | SETITEM | PROTO | STOP | FRAME => (0, SPECIAL),
            MEMOIZE => (0, MEMOIZES),
            PUT | BINPUT | LONG_BINPUT => (0, PUTS | SPECIAL),
            GET | BINGET | LONG_BINGET => (1, SPECIAL),
            BININT | BININT1 | BININT2 | NONE | NEWTRUE | NEWFALSE | BINFLOAT | LONG1 | SHORT_BINBYTES
            | SHORT_BINSTRING | SHORT_BINUNICODE => (1, PLAIN),
            _ => (1, 0),
        };
        let marked = match op.before {
            [Item::Mark, ..] | [_, Item::Mark, ..] => MARKED,
            _ => 0,
        };
        shapes[(op.code - FIRST) as usize] = argument | weight << 4 | flags | marked;
        i += 1;
    }
    shapes
}

#[inline]
fn shape(code: u8) -> u16 {
    SHAPES.get(usize::from(code.wrapping_sub(FIRST))).copied().unwrap_or(UNKNOWN)
}

/// Whether an opcode takes everything down to the topmost mark.
#[inline]
pub(super) fn is_marked(code: u8) -> bool {
    shape(code) & MARKED != 0
}

/// What the pass found.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Where the pickle ends: behind its STOP.
    pub(super) end: usize,
    /// What its PROTO says; 0 without one.
    pub(super) protocol: u8,
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
    /// Whether any entry is read at all.
    pub(super) reads: bool,
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
    /// Looks at the pickle that begins at `start`.
    pub(super) fn new(input: &[u8], start: usize) -> Result<Plan> {
        Plan::of(input, start, false)
    }

    /// Looks at all pickles from `start` to the end of the input, whose memo is one, if `all`.
    pub(super) fn of(input: &[u8], start: usize, all: bool) -> Result<Plan> {
        let mut plan = Plan {
            end: start,
            protocol: 0,
            weight: 0,
            low: [0; LOW as usize / 32],
            high: 0,
            extra_cells: 0,
            entries: 0,
            reads: false,
            mixed: false,
        };
        match plan.scan(input, start, all) {
            Ok(()) => Ok(plan),
            Err(fault) => Err(fault.at(input, plan.end)),
        }
    }

    /// The pass; `end` is where it is.
    fn scan(&mut self, input: &[u8], start: usize, all: bool) -> Step {
        let mut grown = Grown { code: 0, weight: 0 };
        let mut last_put = None;
        let (mut seen, mut flags, mut weight) = (0, 0, 0usize);
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
            weight = weight.wrapping_add(usize::from(shape >> 4 & 7));
            seen |= shape;
            if shape & SPECIAL != 0 {
                self.weight = weight;
                match code {
                    STOP if !all => {
                        self.end = end;
                        break;
                    }
                    STOP => {
                        // A chunk of that list.
                        weight = weight.wrapping_add(3);
                        if end == input.len() {
                            self.weight = weight;
                            self.end = end;
                            break;
                        }
                    }
                    APPEND | SETITEM => {
                        self.grow(code, seen & DISTURBS == 0, &mut grown);
                        weight = self.weight;
                        flags |= seen;
                        seen = 0;
                    }
                    DUP => self.extra_cells = self.extra_cells.wrapping_add(1),
                    PROTO => {
                        self.protocol = bytes::u8(input, at.wrapping_add(1)).unwrap_or(0);
                        if self.protocol > super::HIGHEST_PROTOCOL {
                            return Err(Fault::UnknownProtocol);
                        }
                    }
                    // Frames only have to be there.
                    FRAME => skip(input, at, COUNT8).map(drop)?,
                    _ => {
                        let id = entry(input, at, code)?;
                        if matches!(code, GET | BINGET | LONG_BINGET) {
                            self.reads = true;
                            self.track(id);
                        } else {
                            // Entries are set in order; one that is not may be set again.
                            self.extra_cells = self.extra_cells.wrapping_add(usize::from(last_put >= Some(id)));
                            last_put = last_put.max(Some(id));
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
        self.mixed = self.reads && (flags | seen) & (MEMOIZES | PUTS) == MEMOIZES | PUTS;
        if self.mixed {
            self.track_puts(input, start)?;
        }
        if self.reads {
            self.entries = self.low.iter().fold(self.high, |sum, bits| sum.wrapping_add(bits.count_ones() as usize));
        }
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
        match self.low.get_mut((id / 32) as usize) {
            Some(bits) => *bits |= 1 << (id % 32),
            None => self.high = self.high.wrapping_add(1),
        }
    }

    /// With MEMOIZE and PUT in one pickle: all entries that a PUT sets are told apart, and each MEMOIZE may set again.
    fn track_puts(&mut self, input: &[u8], start: usize) -> Step {
        let mut at = start;
        while let Some((code, id, next)) = next_entry(input, at, self.end)? {
            match code {
                MEMOIZE => self.extra_cells = self.extra_cells.wrapping_add(1),
                PUT | BINPUT | LONG_BINPUT => self.track(id),
                _ => {}
            }
            at = next;
        }
        Ok(())
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
}

/// Whether this is the opcode of an atom of a simple shape, or a reference.
#[cfg(feature = "serde")]
#[inline]
pub(super) fn is_atom(code: u8) -> bool {
    shape(code) & PLAIN != 0 || matches!(code, BINGET | BINUNICODE)
}

/// The place behind the opcode at `at`, of this code, if it is that of an atom of a simple shape.
#[inline]
pub(super) fn plain(input: &[u8], at: usize, code: u8) -> Option<usize> {
    let shape = shape(code);
    if shape & PLAIN == 0 {
        return None;
    }
    let next = at.wrapping_add(1);
    if shape & 15 <= 8 {
        return Some(next.wrapping_add(usize::from(shape & 15)));
    }
    let len = usize::from(*input.get(next)?);
    Some(next.wrapping_add(1).wrapping_add(len))
}

/// The place behind an opcode of this shape and its argument, which is there as a whole.
#[inline]
fn skip(input: &[u8], at: usize, shape: u16) -> Step<usize> {
    let (next, kind) = (at.wrapping_add(1), shape & 15);
    let len = match kind {
        0..=8 => usize::from(kind),
        COUNT1 => usize::from(bytes::u8(input, next).unwrap_or(0)).wrapping_add(1),
        _ => return skip_far(input, next, kind),
    };
    let end = next.wrapping_add(len);
    if end <= input.len() { Ok(end) } else { Err(Fault::Truncated) }
}

/// The same for other arguments, which begin at `next`.
#[inline(never)]
fn skip_far(input: &[u8], next: usize, kind: u16) -> Step<usize> {
    let (width, mut end) = match kind {
        COUNT4 => (4, next.wrapping_add(4)),
        COUNT8 => (8, next.wrapping_add(8)),
        UNKNOWN => return Err(Fault::UnknownCode),
        _ => {
            let mut end = next;
            for _ in 0..if kind == LINES { 2 } else { 1 } {
                end = bytes::line(input, end).ok_or(Fault::Truncated)?.1;
            }
            return Ok(end);
        }
    };
    let count = input.get(next..end).ok_or(Fault::Truncated)?;
    for (place, byte) in count.iter().enumerate().take(width) {
        // What is longer than 4 GiB is longer than any input.
        end = match (place, *byte) {
            (0..4, byte) => end.checked_add(usize::from(byte) << place.wrapping_mul(8)),
            (_, 0) => Some(end),
            _ => None,
        }
        .ok_or(Fault::Truncated)?;
    }
    if end <= input.len() { Ok(end) } else { Err(Fault::Truncated) }
}

/// The place behind the opcode at `at` and its argument, which is there as a whole.
#[inline(never)]
pub(super) fn next(input: &[u8], at: usize) -> Step<usize> {
    skip(input, at, shape(bytes::u8(input, at).ok_or(Fault::Truncated)?))
}

/// The bytes of the argument behind the code at `at`, without its length or the end of its line; nothing if it is not
/// there as a whole.
#[inline(never)]
pub(super) fn argument(input: &[u8], at: usize) -> &[u8] {
    let kind = shape(bytes::u8(input, at).unwrap_or(0)) & 15;
    let (before, behind) = match kind {
        COUNT1 => (2, 0),
        COUNT4 => (5, 0),
        COUNT8 => (9, 0),
        LINE | LINES => (1, 1),
        _ => (1, 0),
    };
    let end = next(input, at).unwrap_or(at).wrapping_sub(behind);
    input.get(at.wrapping_add(before)..end).unwrap_or_default()
}

/// Up to four bytes as an unsigned number, the lowest first.
pub(super) fn unsigned(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// The number of the entry that a GET or PUT of any kind names.
#[inline]
pub(super) fn entry(input: &[u8], at: usize, code: u8) -> Step<u32> {
    if matches!(code, BINGET | BINPUT) {
        return bytes::u8(input, at.wrapping_add(1)).map(u32::from).ok_or(Fault::Truncated);
    }
    let argument = argument(input, at);
    if matches!(code, GET | PUT) { number::index(argument).ok_or(Fault::BadArgument) } else { Ok(unsigned(argument)) }
}

/// The next opcode from `at` on that reads or sets an entry of the memo, the entry's number (0 for MEMOIZE) and the place
/// behind it; `None` if none comes before `end`.
#[inline(never)]
pub(super) fn next_entry(input: &[u8], mut at: usize, end: usize) -> Step<Option<(u8, u32, usize)>> {
    while at < end {
        let (code, next) = (bytes::u8(input, at).unwrap_or(STOP), next(input, at)?);
        match code {
            MEMOIZE => return Ok(Some((code, 0, next))),
            GET | BINGET | LONG_BINGET | PUT | BINPUT | LONG_BINPUT => {
                return Ok(Some((code, entry(input, at, code)?, next)));
            }
            _ => at = next,
        }
    }
    Ok(None)
}
