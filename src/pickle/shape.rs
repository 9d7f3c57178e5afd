//! The shape of each opcode, one row of a table by its code: how its argument is skipped, by how much it grows what decoding
//! needs, what the machine does with it and what it takes from the stack.
//!
//! Contract: whoever asks about the opcode at a place of the input gets an answer for every byte, and never one that reaches
//! beyond the input, but for [`plain`].
#![deny(clippy::panic)]

use super::action;
use super::number::{self, Base};
use super::opcode::code::*;
use super::opcode::{Argument, Item, OPCODES};
use crate::bytes;
use crate::object::Atom;
use crate::object::fault::{Fault, Step};

/// How the argument behind a code is skipped: up to 8 is its length; then that many bytes, plus 8, are its length; one line
/// or two.
const COUNT1: u16 = 9;
const COUNT4: u16 = 12;
const COUNT8: u16 = 16;
const LINE: u16 = 17;
const LINES: u16 = 18;
const UNKNOWN: u16 = 31 | action::ATOM << 8;

/// Those that do something other than pushing one atom or remembering the top, as bits.
pub(super) const DISTURBING: u32 = u32::MAX << action::MARK | 1 << action::DUP;

/// Takes everything down to the topmost mark.
const MARKED: u16 = 1 << 13;

/// The lowest code that there is, and the number of those up to the highest.
const FIRST: u8 = MARK;
const CODES: usize = (READONLY_BUFFER - FIRST) as usize + 1;

/// By code, from [`FIRST`] on. Bits 0 to 4: how the argument is skipped; bits 5 to 7: the weight; bits 8 to 12: the
/// action; then [`MARKED`]; bits 14 and 15: how many words it takes, beneath those above the mark if it takes these.
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
        let (weight, action) = match op.code {
            BININT | BININT1 | BININT2 | NONE | NEWTRUE | NEWFALSE | BINFLOAT | LONG1 | SHORT_BINBYTES
            | SHORT_BINSTRING | SHORT_BINUNICODE => (1, action::PLAIN),
            EMPTY_TUPLE => (1, action::EMPTY_TUPLE),
            NEXT_BUFFER => (1, action::BUFFER),
            MEMOIZE => (0, action::MEMOIZE),
            PUT | BINPUT | LONG_BINPUT => (0, action::PUT),
            GET | BINGET | LONG_BINGET => (1, action::GET),
            APPEND | SETITEM => (0, action::ADD),
            DUP => (1, action::DUP),
            STOP => (0, action::STOP),
            PROTO => (0, action::PROTO),
            FRAME => (0, action::FRAME),
            MARK => (1, action::MARK),
            EMPTY_LIST | EMPTY_DICT | EMPTY_SET => (2, action::EMPTY),
            TUPLE => (1, action::TUPLE),
            TUPLE1 | TUPLE2 | TUPLE3 => (2, action::TUPLE),
            FROZENSET => (1, action::FROZENSET),
            APPENDS | SETITEMS | ADDITEMS => (1, action::FILL),
            LIST | DICT => (3, action::FILL),
            POP => (0, action::POP),
            POP_MARK => (0, action::POP_MARK),
            BUILD => (2, action::BUILD),
            REDUCE | NEWOBJ | NEWOBJ_EX => (2, action::CALL),
            STACK_GLOBAL => (2, action::STACK_GLOBAL),
            OBJ => (3, action::INST),
            INST => (4, action::INST),
            BINPERSID => (2, action::PERSID),
            READONLY_BUFFER => (2, action::READONLY),
            _ => (1, action::ATOM),
        };
        let marked = match op.before {
            [Item::Mark, ..] | [_, Item::Mark, ..] => MARKED,
            _ => 0,
        };
        let words = match op.code {
            PUT | BINPUT | LONG_BINPUT => 1,
            // A mark, if that is on top.
            POP => 0,
            _ => words(op.before),
        };
        shapes[(op.code - FIRST) as usize] = argument | weight << 5 | action << 8 | marked | words << 14;
        i += 1;
    }
    shapes
}

/// How many items there are, up to a mark.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // at compile time
const fn words(items: &[Item]) -> u16 {
    let mut n = 0;
    while n < items.len() && !matches!(items[n], Item::Mark) {
        n += 1;
    }
    n as u16
}

/// The row of a code.
#[inline]
pub(super) fn shape(code: u8) -> u16 {
    SHAPES.get(usize::from(code.wrapping_sub(FIRST))).copied().unwrap_or(UNKNOWN)
}

/// What is to be done about an opcode, whether that takes everything down to the topmost mark, and how many words besides.
#[inline]
pub(super) fn takes(code: u8) -> (u16, bool, usize) {
    let shape = shape(code);
    (action_of(shape), shape & MARKED != 0, usize::from(shape >> 14))
}

/// What is to be done, in a row.
#[inline]
pub(super) fn action_of(shape: u16) -> u16 {
    shape >> 8 & 31
}

/// By how many slots stack and heap may grow together, in a row.
#[inline]
pub(super) fn weight_of(shape: u16) -> usize {
    usize::from(shape >> 5 & 7)
}

/// Whether this is the opcode of an atom of a simple shape, or a reference.
#[cfg(feature = "serde")]
#[inline]
pub(super) fn is_atom(code: u8) -> bool {
    action_of(shape(code)) == action::PLAIN || matches!(code, BINGET | BINUNICODE | BINBYTES)
}

/// The place behind the opcode at `at`, of this code, if it is that of an atom of a simple shape.
#[inline]
pub(super) fn plain(input: &[u8], at: usize, code: u8) -> Option<usize> {
    let shape = shape(code);
    if action_of(shape) != action::PLAIN {
        return None;
    }
    let next = at.wrapping_add(1);
    if shape & 31 <= 8 {
        return Some(next.wrapping_add(usize::from(shape & 31)));
    }
    let len = usize::from(*input.get(next)?);
    Some(next.wrapping_add(1).wrapping_add(len))
}

/// The place behind an opcode of this shape and its argument, which is there as a whole.
#[inline]
pub(super) fn skip(input: &[u8], at: usize, shape: u16) -> Step<usize> {
    let (next, kind) = (at.wrapping_add(1), shape & 31);
    let len = match kind {
        0..=8 => usize::from(kind),
        COUNT1 => usize::from(bytes::u8(input, next).unwrap_or(0)).wrapping_add(1),
        _ => return skip_far(input, next, kind),
    };
    let end = next.wrapping_add(len);
    if end <= input.len() { Ok(end) } else { Err(Fault::Truncated) }
}

/// The place behind the frame that the FRAME at `at` opens, which is there as a whole.
pub(super) fn in_frame(input: &[u8], at: usize) -> Step<usize> {
    skip_far(input, at.wrapping_add(1), COUNT8)
}

/// The same for other arguments, which begin at `next`.
#[inline(never)]
fn skip_far(input: &[u8], next: usize, kind: u16) -> Step<usize> {
    let mut end = next;
    if kind > COUNT8 {
        if kind == UNKNOWN & 31 {
            return Err(Fault::UnknownCode);
        }
        for _ in COUNT8..kind {
            let line = input.get(end..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n'));
            end = end.wrapping_add(line.ok_or(Fault::Truncated)?).wrapping_add(1);
        }
        return Ok(end);
    }
    end = next.wrapping_add(usize::from(kind.wrapping_sub(8)));
    let len = bytes::u32_le(input, next).ok_or(Fault::Truncated)?;
    // What is longer than 4 GiB is longer than any input.
    if kind == COUNT8 && bytes::u32_le(input, next.wrapping_add(4)) != Some(0) {
        return Err(Fault::Truncated);
    }
    let left = input.len().wrapping_sub(end);
    let len = usize::try_from(len).ok().filter(|len| *len <= left).ok_or(Fault::Truncated)?;
    Ok(end.wrapping_add(len))
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
    let kind = shape(bytes::u8(input, at).unwrap_or(0)) & 31;
    let (before, behind) = match kind {
        COUNT1..=COUNT8 => (usize::from(kind.wrapping_sub(7)), 0),
        LINE | LINES => (1, 1),
        _ => (1, 0),
    };
    let end = next(input, at).unwrap_or(at).wrapping_sub(behind);
    input.get(at.wrapping_add(before)..end).unwrap_or_default()
}

/// Bytes as an unsigned number, the lowest first; of more than four only those.
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
    if !matches!(code, GET | PUT) {
        return Ok(unsigned(argument));
    }
    match number::int(argument, Base::Ten) {
        Atom::Int(number) => u32::try_from(number).map_err(|_| Fault::BadArgument),
        _ => Err(Fault::BadArgument),
    }
}
