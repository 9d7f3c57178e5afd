//! Reading the atoms of a pickle where they stand.
#![deny(clippy::panic)]

use super::number;
use super::opcode::code::*;
use crate::bytes;
use crate::object::{Atom, Long, Spelling, Text};

/// The bytes whose length stands in `width` bytes behind the code at `at`.
#[inline]
pub(super) fn counted(input: &[u8], at: usize, width: usize) -> &[u8] {
    let start = at.wrapping_add(1);
    let len = match width {
        1 => usize::from(bytes::u8(input, start).unwrap_or(0)),
        4 => bytes::u32_le(input, start).unwrap_or(0) as usize,
        _ => usize::try_from(bytes::u64_le(input, start).unwrap_or(0)).unwrap_or(0),
    };
    bytes::take(input, start.wrapping_add(width), len).unwrap_or_default()
}

/// The line behind the code at `at`.
fn line(input: &[u8], at: usize) -> Option<&[u8]> {
    Some(bytes::line(input, at.checked_add(1)?)?.0)
}

/// The inside of a quoted line.
pub(super) fn unquote(line: &[u8]) -> Option<&[u8]> {
    match line {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => Some(inside),
        _ => None,
    }
}

fn utf8(raw: &[u8]) -> Atom<'_> {
    Atom::Str(Text::new(raw, Spelling::Utf8))
}

fn twos(bytes: &[u8]) -> Atom<'_> {
    number::small(Long::Twos(bytes))
}

/// Two lines: module and name.
pub(super) fn lines(input: &[u8], at: usize) -> Option<(&[u8], &[u8], usize)> {
    let (module, next) = bytes::line(input, at.checked_add(1)?)?;
    let (name, next) = bytes::line(input, next)?;
    Some((module, name, next))
}

/// An int of up to eight bytes in two's complement.
#[inline]
pub(super) fn short(long: &[u8]) -> i64 {
    let mut value: u64 = if long.last().is_some_and(|b| b & 0x80 != 0) { u64::MAX } else { 0 };
    for byte in long.iter().rev() {
        value = value << 8 | u64::from(*byte);
    }
    value as i64
}

/// [`ReadAtom`](crate::object::ReadAtom) for pickles. Decoding has seen that the argument is there.
pub(super) fn read(input: &[u8], at: usize) -> Atom<'_> {
    let next = at.wrapping_add(1);
    match bytes::u8(input, at).unwrap_or(NONE) {
        BININT1 => Atom::Int(i64::from(bytes::u8(input, next).unwrap_or(0))),
        SHORT_BINUNICODE => utf8(counted(input, at, 1)),
        BINFLOAT => Atom::Float(f64::from_bits(bytes::u64_be(input, next).unwrap_or(0))),
        BININT2 => Atom::Int(i64::from(bytes::u16_le(input, next).unwrap_or(0))),
        BININT => Atom::Int(i64::from(bytes::u32_le(input, next).unwrap_or(0) as i32)),
        LONG1 => match counted(input, at, 1) {
            long if long.len() <= 8 => Atom::Int(short(long)),
            long => twos(long),
        },
        NEWTRUE => Atom::Bool(true),
        NEWFALSE => Atom::Bool(false),
        BINUNICODE => utf8(counted(input, at, 4)),
        SHORT_BINBYTES => Atom::Bytes(counted(input, at, 1)),
        code => rare(input, at, code).unwrap_or(Atom::None),
    }
}

#[inline(never)]
fn rare(input: &[u8], at: usize, code: u8) -> Option<Atom<'_>> {
    let next = at.wrapping_add(1);
    Some(match code {
        BINBYTES => Atom::Bytes(counted(input, at, 4)),
        BINBYTES8 => Atom::Bytes(counted(input, at, 8)),
        BYTEARRAY8 => Atom::ByteArray(counted(input, at, 8)),
        BINUNICODE8 => utf8(counted(input, at, 8)),
        LONG4 => twos(counted(input, at, 4)),
        SHORT_BINSTRING => Atom::ByteString(Text::new(counted(input, at, 1), Spelling::Latin1)),
        BINSTRING => Atom::ByteString(Text::new(counted(input, at, 4), Spelling::Latin1)),
        STRING => Atom::ByteString(Text::new(unquote(line(input, at)?)?, Spelling::Quoted)),
        UNICODE => Atom::Str(Text::new(line(input, at)?, Spelling::RawUnicode)),
        INT => number::int(line(input, at)?)?,
        LONG => number::long(line(input, at)?)?,
        FLOAT => Atom::Float(number::float(line(input, at)?)?),
        GLOBAL | INST => {
            let (module, name, _) = lines(input, at)?;
            Atom::Global(Text::new(module, Spelling::Utf8), Text::new(name, Spelling::Utf8))
        }
        PERSID => Atom::PersId(Text::new(line(input, at)?, Spelling::Utf8)),
        EXT1 => Atom::Ext(u32::from(bytes::u8(input, next)?)),
        EXT2 => Atom::Ext(u32::from(bytes::u16_le(input, next)?)),
        EXT4 => Atom::Ext(bytes::u32_le(input, next)?),
        _ => return None,
    })
}
