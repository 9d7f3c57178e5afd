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
use super::opcode::{Argument, OPCODES};
use crate::bytes;
use crate::object::arena::{Fault, Step};
use crate::object::{Error, ErrorKind, Result, Slot};

/// Memo entries with a number below this are told apart in the first pass.
pub(super) const LOW: u32 = 1024;

/// How the argument behind a code is skipped: up to 8 is a fixed length.
const COUNT1: u16 = 9;
const COUNT4: u16 = 10;
const COUNT8: u16 = 11;
const LINE: u16 = 12;
const LINES: u16 = 13;
/// An opcode that the pass looks at more closely.
const SPECIAL: u16 = 14;
const UNKNOWN: u16 = 15;

/// Something other than pushing one atom or remembering the top.
const DISTURBS: u16 = 1 << 8;
/// Pushes an atom that is as long as its shape says.
pub(super) const PLAIN: u16 = 1 << 11;
/// MEMOIZE was seen; PUT, BINPUT or LONG_BINPUT was seen.
const MEMOIZES: u16 = 1 << 9;
const PUTS: u16 = 1 << 10;

/// Bits 0 to 3: how the argument is skipped; bits 4 to 6: the weight; then the flags.
static SHAPES: [u16; 256] = shapes();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // at compile time
const fn shapes() -> [u16; 256] {
    let mut shapes = [UNKNOWN; 256];
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
            DUP => (1, DISTURBS),
            POP | POP_MARK => (0, DISTURBS),
            APPEND | SETITEM | PROTO | STOP | FRAME => (0, 0),
            MEMOIZE => (0, MEMOIZES),
            PUT | BINPUT | LONG_BINPUT => (0, PUTS),
            BININT | BININT1 | BININT2 | NONE | NEWTRUE | NEWFALSE | BINFLOAT | LONG1 | SHORT_BINBYTES
            | SHORT_BINSTRING | SHORT_BINUNICODE => (1, PLAIN),
            _ => (1, 0),
        };
        let special = matches!(
            op.code,
            APPEND | SETITEM | DUP | PROTO | STOP | FRAME | PUT | BINPUT | LONG_BINPUT | GET | BINGET | LONG_BINGET
        );
        let argument = if special { SPECIAL } else { argument };
        shapes[op.code as usize] = argument | weight << 4 | flags;
        i += 1;
    }
    shapes
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
        let mut plan = Plan {
            end: 0,
            protocol: 0,
            weight: 0,
            low: [0; LOW as usize / 32],
            high: 0,
            extra_cells: 0,
            entries: 0,
            reads: false,
            mixed: false,
        };
        let mut grown = Grown { code: 0, weight: 0 };
        let mut last_put = None;
        let (mut at, mut seen, mut flags, mut weight) = (start, 0, 0, 0usize);
        loop {
            let (code, shape) = shape(input, at)?;
            weight = weight.wrapping_add(usize::from(shape >> 4 & 7));
            seen |= shape;
            if shape & 15 != SPECIAL {
                at = skip(input, at, shape & 15)?;
                continue;
            }
            plan.weight = weight;
            at = match code {
                STOP => break plan.end = at.wrapping_add(1),
                APPEND | SETITEM => {
                    plan.grow(code, seen & DISTURBS == 0, &mut grown);
                    weight = plan.weight;
                    flags |= seen;
                    seen = 0;
                    at.wrapping_add(1)
                }
                DUP => {
                    plan.extra_cells = plan.extra_cells.wrapping_add(1);
                    at.wrapping_add(1)
                }
                PROTO => {
                    let next = at.wrapping_add(1);
                    plan.protocol = bytes::u8(input, next).unwrap_or(0);
                    if plan.protocol > super::HIGHEST_PROTOCOL {
                        return Err(Error::new(ErrorKind::UnknownProtocol(plan.protocol), at));
                    }
                    next.wrapping_add(1)
                }
                // Frames only have to be there.
                FRAME => skip(input, at, COUNT8).map(|_| at.wrapping_add(9))?,
                _ => {
                    let (id, next) = entry(input, at, code).map_err(|fault| Error::new(fault.into(), at))?;
                    if matches!(code, GET | BINGET | LONG_BINGET) {
                        plan.reads = true;
                        plan.track(id);
                    } else {
                        // Entries are set in order; one that is not may be set again.
                        plan.extra_cells = plan.extra_cells.wrapping_add(usize::from(last_put >= Some(id)));
                        last_put = last_put.max(Some(id));
                    }
                    next
                }
            };
        }
        if plan.end > Slot::MAX_INPUT {
            return Err(Error::new(ErrorKind::TooLong, Slot::MAX_INPUT));
        }
        plan.mixed = plan.reads && (flags | seen) & (MEMOIZES | PUTS) == MEMOIZES | PUTS;
        if plan.mixed {
            plan.track_puts(input, start)?;
        }
        if plan.reads {
            plan.entries = plan.low.iter().fold(plan.high, |sum, bits| sum.wrapping_add(bits.count_ones() as usize));
        }
        Ok(plan)
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
    fn track_puts(&mut self, input: &[u8], start: usize) -> Result<()> {
        let mut at = start;
        while let Some((code, id, next)) = next_entry(input, at)? {
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
    SHAPES.get(usize::from(code)).is_some_and(|shape| shape & PLAIN != 0) || matches!(code, BINGET | BINUNICODE)
}

/// If an atom of a simple shape stands at `at`: its code and the place behind it.
#[inline]
pub(super) fn plain(input: &[u8], at: usize) -> Option<(u8, usize)> {
    let code = *input.get(at)?;
    let shape = SHAPES.get(usize::from(code)).copied().unwrap_or(UNKNOWN);
    if shape & PLAIN == 0 {
        return None;
    }
    let next = at.wrapping_add(1);
    if shape & 15 <= 8 {
        return Some((code, next.wrapping_add(usize::from(shape & 15))));
    }
    let len = usize::from(*input.get(next)?);
    Some((code, next.wrapping_add(1).wrapping_add(len)))
}

/// The code at `at` and its shape.
#[inline]
fn shape(input: &[u8], at: usize) -> Result<(u8, u16)> {
    let Some(code) = input.get(at) else { return Err(Error::new(ErrorKind::Truncated, input.len())) };
    let shape = SHAPES.get(usize::from(*code)).copied().unwrap_or(UNKNOWN);
    Ok((*code, shape))
}

/// The place behind an opcode and its argument, which are there if anything is there.
#[inline]
fn skip(input: &[u8], at: usize, kind: u16) -> Result<usize> {
    let next = at.wrapping_add(1);
    if kind <= 8 {
        return Ok(next.wrapping_add(usize::from(kind)));
    }
    if kind == COUNT1 {
        let len = bytes::u8(input, next).unwrap_or(0);
        return Ok(next.wrapping_add(1).wrapping_add(usize::from(len)));
    }
    skip_more(input, at, kind)
}

fn skip_more(input: &[u8], at: usize, kind: u16) -> Result<usize> {
    let next = at.wrapping_add(1);
    let counted = |len: Option<usize>, width: usize| {
        let end = next.checked_add(width)?.checked_add(len?)?;
        (end <= input.len()).then_some(end)
    };
    let end = match kind {
        COUNT4 => counted(bytes::u32_le(input, next).map(|n| n as usize), 4),
        COUNT8 => counted(bytes::u64_le(input, next).and_then(|n| usize::try_from(n).ok()), 8),
        LINE => bytes::line(input, next).map(|(_, end)| end),
        LINES => super::atom::lines(input, at).map(|(_, _, end)| end),
        _ => return Err(Error::new(ErrorKind::UnknownCode(input.get(at).copied().unwrap_or(0)), at)),
    };
    end.ok_or(Error::new(ErrorKind::Truncated, at))
}

/// The number of the entry that a GET or PUT of any kind names, and the place behind it.
pub(super) fn entry(input: &[u8], at: usize, code: u8) -> Step<(u32, usize)> {
    let next = at.wrapping_add(1);
    let found = match code {
        BINGET | BINPUT => bytes::u8(input, next).map(|id| (u32::from(id), next.wrapping_add(1))),
        LONG_BINGET | LONG_BINPUT => bytes::u32_le(input, next).map(|id| (id, next.wrapping_add(4))),
        _ => {
            let (line, next) = bytes::line(input, next).ok_or(Fault::Truncated)?;
            Some((number::index(line).ok_or(Fault::BadArgument)?, next))
        }
    };
    found.ok_or(Fault::Truncated)
}

/// The place behind the opcode at `at`.
pub(super) fn step(input: &[u8], at: usize) -> Result<usize> {
    let (code, shape) = shape(input, at)?;
    match code {
        STOP | APPEND | SETITEM | DUP => Ok(at.wrapping_add(1)),
        PROTO => Ok(at.wrapping_add(2)),
        FRAME => Ok(at.wrapping_add(9)),
        GET | BINGET | LONG_BINGET | PUT | BINPUT | LONG_BINPUT => {
            entry(input, at, code).map(|(_, next)| next).map_err(|fault| Error::new(fault.into(), at))
        }
        _ => skip(input, at, shape & 15),
    }
}

/// The next opcode from `at` on that reads or sets an entry of the memo, the entry's number (0 for MEMOIZE) and the place
/// behind it; `None` at STOP.
pub(super) fn next_entry(input: &[u8], at: usize) -> Result<Option<(u8, u32, usize)>> {
    let mut at = at;
    loop {
        let (code, _) = shape(input, at)?;
        match code {
            STOP => return Ok(None),
            MEMOIZE => return Ok(Some((code, 0, at.wrapping_add(1)))),
            GET | BINGET | LONG_BINGET | PUT | BINPUT | LONG_BINPUT => {
                let (id, next) = entry(input, at, code).map_err(|fault| Error::new(fault.into(), at))?;
                return Ok(Some((code, id, next)));
            }
            _ => at = step(input, at)?,
        }
    }
}
