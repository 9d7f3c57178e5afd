//! Reading the atoms of a pickle where they stand.
#![deny(clippy::panic)]

use super::number;
use super::opcode::code::*;
use crate::bytes;
use crate::object::{Atom, Long, Spelling, Text};

/// The bytes whose length stands in `width` bytes behind the code at `at`.
#[inline]
fn counted(input: &[u8], at: usize, width: usize) -> Option<&[u8]> {
    let start = at.checked_add(1)?;
    let len = match width {
        1 => usize::from(bytes::u8(input, start)?),
        4 => bytes::u32_le(input, start)? as usize,
        _ => usize::try_from(bytes::u64_le(input, start)?).ok()?,
    };
    bytes::take(input, start.checked_add(width)?, len)
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

/// Reads the atom whose opcode stands at `at`; `None` if none stands there.
#[inline]
fn atom(input: &[u8], at: usize) -> Option<Atom<'_>> {
    let next = at.checked_add(1)?;
    Some(match bytes::u8(input, at)? {
        BININT1 => Atom::Int(i64::from(bytes::u8(input, next)?)),
        SHORT_BINUNICODE => utf8(counted(input, at, 1)?),
        BINFLOAT => Atom::Float(f64::from_bits(bytes::u64_be(input, next)?)),
        BININT2 => Atom::Int(i64::from(bytes::u16_le(input, next)?)),
        BININT => Atom::Int(i64::from(bytes::u32_le(input, next)? as i32)),
        LONG1 => match counted(input, at, 1)? {
            // Up to eight bytes: no detour.
            long if long.len() <= 8 => {
                let negative = long.last().is_some_and(|b| b & 0x80 != 0);
                let mut wide = [if negative { 0xff } else { 0 }; 8];
                wide.get_mut(..long.len())?.copy_from_slice(long);
                Atom::Int(i64::from_le_bytes(wide))
            }
            long => twos(long),
        },
        NEWTRUE => Atom::Bool(true),
        NEWFALSE => Atom::Bool(false),
        BINUNICODE => utf8(counted(input, at, 4)?),
        SHORT_BINBYTES => Atom::Bytes(counted(input, at, 1)?),
        BINBYTES => Atom::Bytes(counted(input, at, 4)?),
        BINBYTES8 => Atom::Bytes(counted(input, at, 8)?),
        BYTEARRAY8 => Atom::ByteArray(counted(input, at, 8)?),
        BINUNICODE8 => utf8(counted(input, at, 8)?),
        LONG4 => twos(counted(input, at, 4)?),
        SHORT_BINSTRING => Atom::ByteString(Text::new(counted(input, at, 1)?, Spelling::Latin1)),
        BINSTRING => Atom::ByteString(Text::new(counted(input, at, 4)?, Spelling::Latin1)),
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
        EMPTY_TUPLE => Atom::EmptyTuple,
        _ => Atom::None,
    })
}

/// [`ReadAtom`](crate::object::ReadAtom) for pickles.
pub(super) fn read(input: &[u8], at: usize) -> Atom<'_> {
    atom(input, at).unwrap_or(Atom::None)
}
