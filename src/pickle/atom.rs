//! Reading the atoms of a pickle where they stand.
#![deny(clippy::panic)]

use super::number;
use super::opcode::code::*;
use super::scan::{argument, unsigned};
use crate::bytes;
use crate::object::{Atom, Long, Spelling, Text};

/// The inside of a quoted line.
fn unquote(line: &[u8]) -> Option<&[u8]> {
    match line {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => Some(inside),
        _ => None,
    }
}

/// [`ReadAtom`](crate::object::ReadAtom) for pickles. Whose argument says nothing, as the text of a number that is none,
/// is read as None.
pub(super) fn read(input: &[u8], at: usize) -> Atom<'_> {
    any(bytes::u8(input, at).unwrap_or(NONE), argument(input, at)).unwrap_or(Atom::None)
}

/// The atom of this code and argument.
fn any(code: u8, argument: &[u8]) -> Option<Atom<'_>> {
    let text = |spelling| Text::new(argument, spelling);
    Some(match code {
        BININT1 | BININT2 => Atom::Int(i64::from(unsigned(argument))),
        BININT => Atom::Int(i64::from(unsigned(argument) as i32)),
        LONG1 | LONG4 if argument.len() <= 8 => Atom::Int(bytes::signed(argument)),
        LONG1 | LONG4 => number::small(Long::Twos(argument)),
        BINFLOAT => Atom::Float(f64::from_bits(bytes::u64_be(argument, 0)?)),
        NEWTRUE => Atom::Bool(true),
        NEWFALSE => Atom::Bool(false),
        SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 => Atom::Str(text(Spelling::Utf8)),
        SHORT_BINBYTES | BINBYTES | BINBYTES8 => Atom::Bytes(argument),
        BYTEARRAY8 => Atom::ByteArray(argument),
        SHORT_BINSTRING | BINSTRING => Atom::ByteString(text(Spelling::Latin1)),
        STRING => Atom::ByteString(Text::new(unquote(argument)?, Spelling::Quoted)),
        UNICODE => Atom::Str(text(Spelling::RawUnicode)),
        INT => number::int(argument)?,
        LONG => number::long(argument)?,
        FLOAT => Atom::Float(number::float(argument)?),
        GLOBAL | INST => {
            let (module, name) = bytes::line(argument, 0)?;
            let name = argument.get(name..)?;
            Atom::Global(Text::new(module, Spelling::Utf8), Text::new(name, Spelling::Utf8))
        }
        PERSID => Atom::PersId(text(Spelling::Utf8)),
        EXT1 | EXT2 | EXT4 => Atom::Ext(unsigned(argument)),
        _ => return None,
    })
}
