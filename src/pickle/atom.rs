//! Reading the atoms of a pickle where they stand.
#![deny(clippy::panic)]

use super::number::{self, Base};
use super::opcode::code::*;
use super::shape::{argument, unsigned};
use crate::bytes;
use crate::object::{Atom, Long, Spelling, Text};

/// [`ReadAtom`](crate::object::ReadAtom) for pickles. Whose argument says nothing, as the text of a number that is none,
/// is read as None.
pub(super) fn read<'i>(input: &'i [u8], at: usize) -> Atom<'i> {
    let argument = argument(input, at);
    match bytes::u8(input, at).unwrap_or(NONE) {
        BININT1 | BININT2 => Atom::Int(i64::from(unsigned(argument))),
        BININT => Atom::Int(i64::from(unsigned(argument) as i32)),
        LONG1 | LONG4 => number::small(Long::Twos(argument)),
        code @ (INT | LONG) => number::int(argument, if code == LONG { Base::Any } else { Base::C }),
        BINFLOAT => bytes::u64_be(argument, 0).map_or(Atom::None, |bits| Atom::Float(f64::from_bits(bits))),
        FLOAT => number::float(argument).map_or(Atom::None, Atom::Float),
        code @ (NEWTRUE | NEWFALSE) => Atom::Bool(code == NEWTRUE),
        SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 => Atom::Str(Text::new(argument, Spelling::Utf8)),
        UNICODE => Atom::Str(Text::new(argument, Spelling::RawUnicode)),
        SHORT_BINSTRING | BINSTRING => Atom::ByteString(Text::new(argument, Spelling::Latin1)),
        STRING => match argument {
            [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => {
                Atom::ByteString(Text::new(inside, Spelling::Quoted))
            }
            _ => Atom::None,
        },
        SHORT_BINBYTES | BINBYTES | BINBYTES8 => Atom::Bytes(argument),
        BYTEARRAY8 => Atom::ByteArray(argument),
        GLOBAL | INST => {
            let end = argument.iter().position(|byte| *byte == b'\n').unwrap_or(0);
            let text = |line: Option<&'i [u8]>| Text::new(line.unwrap_or_default(), Spelling::Utf8);
            Atom::Global(text(argument.get(..end)), text(argument.get(end.wrapping_add(1)..)))
        }
        PERSID => Atom::PersId(Text::new(argument, Spelling::Utf8)),
        EXT1 | EXT2 | EXT4 => Atom::Ext(unsigned(argument)),
        _ => Atom::None,
    }
}
